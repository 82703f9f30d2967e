// SPDX-License-Identifier: MIT
//
// encryption: what TLS needs on both sides, as a configuration asks for it: one context for the
// listeners, one for each server. Made whole or not at all from the files that the configuration
// names; part of a realm, so that a reload exchanges all of it at once. Blocks on files.
#ifndef PROXY_ENCRYPTION_H
#define PROXY_ENCRYPTION_H

#include "base/buf.h"
#include "config/config.h"
#include "net/tls_context.h"

struct encryption {
    struct tls_context *clients;  /* NULL: clients are offered none */
    struct tls_context **servers; /* parallel to config.servers; NULL: none is asked for */
    size_t count;
};

/* Appends a line FILE:LINE:COLUMN: KEY: TEXT to the report for every fault; returns their number,
 * and where there was one an empty struct. */
int encryption_build(const struct config *config, struct encryption *encryption,
                     struct buf *report);
void encryption_fini(struct encryption *encryption);

#endif
