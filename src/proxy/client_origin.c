// SPDX-License-Identifier: MIT
#include "proxy/client_origin.h"

#include <sys/socket.h>

struct client_origin client_origin_of(int fd, const struct addr *peer)
{
    struct client_origin origin = {.peer = *peer};
    struct ucred owner;
    socklen_t size = sizeof owner;

    if (peer->family == AF_UNIX && getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &owner, &size) == 0) {
        origin.has_uid = true;
        origin.uid = owner.uid;
    }
    return origin;
}

void client_origin_secured(struct client_origin *origin, struct tls *tls)
{
    uint8_t binding[TLS_BINDING_MAX];

    origin->encrypted = true;
    origin->asked_host = tls_host(tls);
    origin->certificate_verified = tls_has_peer(tls);
    origin->certificate_cn = tls_peer_name(tls);
    origin->certificate_host_count = tls_peer_hosts(tls, origin->certificate_hosts);
    origin->binding = scram_binding_of(slice_of(binding, tls_binding(tls, binding)));
}
