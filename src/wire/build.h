// SPDX-License-Identifier: MIT
//
// build: messages written into a buf. build_begin returns where the message starts, build_end
// patches its length. The named builders make one whole message each. A string given as a slice is
// cut at its first NUL, so that no value can add a field. Pure; nothing here can fail.
#ifndef WIRE_BUILD_H
#define WIRE_BUILD_H

#include "base/buf.h"
#include "wire/types.h"

/* Where a message starts is counted from the first byte of buf_slice(out): appending may move what
 * is there, consuming between begin and end is forbidden. */
size_t build_begin(struct buf *out, uint8_t type);
void build_end(struct buf *out, size_t start);

/* A message without a body: Sync, Flush, CopyDone, ParseComplete, … */
void build_empty(struct buf *out, uint8_t type);

/* To a client. */
void build_auth(struct buf *out, uint32_t request, struct slice data);
void build_parameter_status(struct buf *out, struct slice name, struct slice value);
void build_backend_key(struct buf *out, uint32_t pid, struct slice secret);
void build_ready(struct buf *out, char status);
void build_command_complete(struct buf *out, const char *tag);

/* NegotiateProtocolVersion: the newest version that we speak, whole (major << 16 | minor) as
 * PostgreSQL sends it, and the options not understood. */
void build_negotiate(struct buf *out, uint32_t version, const struct slice *options, size_t count);

/* Rows of text, for the console. A value with p == NULL is a NULL value. */
void build_row_description(struct buf *out, const char *const *names, size_t count);
void build_data_row(struct buf *out, const struct slice *values, size_t count);

/* To a server, before it has spoken: these have no type byte. build_request is SSLRequest and
 * whatever else is a bare code. A name must not be empty: it would end the list. */
size_t build_startup_begin(struct buf *out, uint32_t version);
void build_startup_parameter(struct buf *out, struct slice name, struct slice value);
void build_startup_end(struct buf *out, size_t start);
void build_request(struct buf *out, uint32_t code);
void build_cancel(struct buf *out, uint32_t pid, struct slice secret);

/* To a server. */
void build_query(struct buf *out, const char *sql);
void build_password(struct buf *out, struct slice data); /* 'p' with these bytes as the body */
/* data.p == NULL: the mechanism has no first message. */
void build_sasl_initial(struct buf *out, const char *mechanism, struct slice data);
void build_parse(struct buf *out, const char *statement, const char *sql);
/* Text parameters; values[i].p == NULL is NULL. The unnamed portal, results as text. */
void build_bind(struct buf *out, const char *statement, const struct slice *values, size_t count);
void build_execute(struct buf *out); /* the unnamed portal, all rows */
void build_close_statement(struct buf *out, const char *statement);

#endif
