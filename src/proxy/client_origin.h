// SPDX-License-Identifier: MIT
//
// client_origin: what the connection itself tells of a client, before it says anything: its
// address, the owner of its process, its certificate. Filled by the frontend, kept and read by the
// login. One thread.
#ifndef PROXY_CLIENT_ORIGIN_H
#define PROXY_CLIENT_ORIGIN_H

#include <sys/types.h>

#include "base/slice.h"
#include "net/addr.h"

struct client_origin {
    struct addr peer;
    bool has_uid; /* over a Unix socket: whose process it is */
    uid_t uid;
    bool encrypted;              /* TLS is in force */
    bool certificate_verified;   /* it showed one that our roots vouch for */
    struct slice certificate_cn; /* of that certificate; memory of the connection */
};

#endif
