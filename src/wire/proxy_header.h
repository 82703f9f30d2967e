// SPDX-License-Identifier: MIT
//
// proxy_header: what a load balancer says ahead of a client's first byte: whose connection it
// passes on ("The PROXY protocol", versions 1 and 2). Lengths are checked first, nothing is copied
// but an address; what a version 2 header adds behind the addresses is passed over. Pure.
#ifndef WIRE_PROXY_HEADER_H
#define WIRE_PROXY_HEADER_H

#include "base/err.h"
#include "base/slice.h"

enum {
    PROXY_HEADER_V1_MAX = 107,  /* bytes, as the protocol says */
    PROXY_HEADER_V2_MAX = 2048, /* bytes that we take; it allows 65,551 */
};

struct proxy_header {
    size_t size;     /* bytes of the header */
    uint8_t ip_size; /* 4 or 16; 0: the connection is the balancer's own, or of a kind not known */
    uint8_t ip[16];  /* of the client */
    uint16_t port;
};

/* Returns 1 with a header, 0 when more bytes are needed, ERR_PROTOCOL for what is none. */
int proxy_header_parse(struct slice in, struct proxy_header *out, struct err *err);

#endif
