// SPDX-License-Identifier: MIT
//
// startup: what a client says before its first typed message ("Message Flow", Start-up; "Message
// Formats": StartupMessage, SSLRequest, GSSENCRequest, CancelRequest). Everything here comes from
// strangers: lengths are checked first, names are bounded, nothing is copied. Pure.
#ifndef WIRE_STARTUP_H
#define WIRE_STARTUP_H

#include "base/err.h"
#include "base/slice.h"

enum startup_kind { STARTUP_SSL, STARTUP_GSSENC, STARTUP_CANCEL, STARTUP_SESSION };

struct startup {
    enum startup_kind kind;
    uint32_t size;     /* bytes of the packet, its own length included */
    uint32_t version;  /* STARTUP_SESSION: major << 16 | minor, as asked for */
    struct slice body; /* STARTUP_SESSION: for startup_next; STARTUP_CANCEL: pid and key */
};

/* Looks at the start of what a client sent. Returns 1 and fills *out when a whole packet is there,
 * 0 when more bytes are needed, or a negative code with err set: a length below 8 or above
 * LIMIT_STARTUP_PACKET ("invalid length of startup packet", ERR_PROTOCOL); a major version other
 * than 3 (ERR_UNSUPPORTED: "old V2 protocol not supported" for 2, else "unsupported frontend
 * protocol M.N: server supports 3.0 to 3.2"); an SSLRequest or GSSENCRequest not of 8 bytes; a
 * CancelRequest with a key of fewer than 4 or more than 256 bytes. A bad length is refused as soon
 * as its 4 bytes are there, the rest as soon as the first 8 are. */
int startup_parse(struct slice in, struct startup *out, struct err *err);

/* Steps through the pairs. Start with *rest = startup.body. Returns 1 with a pair, 0 at the end, or
 * a negative code: "invalid startup packet layout: expected terminator as last byte". A name that
 * is empty ends the list and must be the last byte. */
int startup_next(struct slice *rest, struct slice *name, struct slice *value, struct err *err);

/* One setting out of the value of the startup parameter "options". */
struct startup_option {
    char name[64]; /* with '-' turned into '_', as PostgreSQL does for --name and -c name;
                      terminated */
    char *value; /* inside the memory given to startup_options; terminated, backslashes resolved */
};

/* Splits `options` the way the server's pg_split_opts and process_postgres_switches do: words
 * separated by white space, a backslash takes the next byte as it is, then -c name=value,
 * -cname=value, --name=value. Fills at most cap settings; `memory` must have options.n + 1 bytes
 * and be kept while they are used. Returns the count, or a negative code with err set: any other
 * switch (ERR_UNSUPPORTED, "unsupported options startup parameter: only '-c config=val' and
 * '--config=val' are allowed"), a missing "=value" (ERR_SYNTAX, "-c %s requires a value" / "--%s
 * requires a value"), a name of more than 63 bytes, more than cap settings. */
int startup_options(struct slice options, char *memory, struct startup_option *out, int cap,
                    struct err *err);

#endif
