// SPDX-License-Identifier: MIT
#include "net/addr.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

void addr_from_sockaddr(struct addr *a, const struct sockaddr *sa)
{
    *a = (struct addr){.family = (uint8_t)sa->sa_family};
    if (sa->sa_family == AF_INET) {
        struct sockaddr_in in4;
        memcpy(&in4, sa, sizeof in4);
        memcpy(a->ip, &in4.sin_addr, 4);
        a->port = ntohs(in4.sin_port);
    } else if (sa->sa_family == AF_INET6) {
        struct sockaddr_in6 in6;
        memcpy(&in6, sa, sizeof in6);
        memcpy(a->ip, &in6.sin6_addr, 16);
        a->port = ntohs(in6.sin6_port);
    }
}

void addr_print_host(const struct addr *a, char *out, size_t size)
{
    if (a->family != AF_INET && a->family != AF_INET6) {
        (void)snprintf(out, size, "unix");
    } else if (inet_ntop(a->family, a->ip, out, (socklen_t)size) == NULL) {
        (void)snprintf(out, size, "?");
    }
}

void addr_print(const struct addr *a, char *out, size_t size)
{
    char host[INET6_ADDRSTRLEN];

    addr_print_host(a, host, sizeof host);
    if (a->family == AF_INET6) {
        (void)snprintf(out, size, "[%s]:%u", host, a->port);
    } else if (a->family == AF_INET) {
        (void)snprintf(out, size, "%s:%u", host, a->port);
    } else {
        (void)snprintf(out, size, "%s", host);
    }
}
