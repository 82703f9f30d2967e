// SPDX-License-Identifier: MIT
//
// client_origin: what the connection itself tells of a client, before it says anything: its
// address, the owner of its process, its certificate. Filled by the frontend, kept and read by the
// login. One thread.
#ifndef PROXY_CLIENT_ORIGIN_H
#define PROXY_CLIENT_ORIGIN_H

#include <sys/types.h>

#include "auth/scram.h"
#include "base/slice.h"
#include "net/addr.h"
#include "net/tls.h"

struct client_origin {
    uint64_t client; /* number of the connection, for the log */
    struct addr peer;
    bool has_uid; /* over a Unix socket: whose process it is */
    uid_t uid;
    bool encrypted;              /* TLS is in force */
    bool certificate_verified;   /* it showed one that our roots vouch for */
    struct slice certificate_cn; /* of that certificate; memory of the connection; likewise below */
    struct slice certificate_hosts[TLS_NAMES_MAX]; /* names of hosts in it */
    size_t certificate_host_count;
    struct slice asked_host;      /* that it asked TLS for */
    struct scram_binding binding; /* of its TLS; n is 0 without */
};

struct client_origin client_origin_of(int fd, const struct addr *peer);

/* The TLS handshake is over: adds what it told. */
void client_origin_secured(struct client_origin *origin, struct tls *tls);

#endif
