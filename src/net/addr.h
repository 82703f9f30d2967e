// SPDX-License-Identifier: MIT
//
// addr: the address of a peer, small enough to be kept for every client. Any thread.
#ifndef NET_ADDR_H
#define NET_ADDR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#define ADDR_TEXT 56 /* bytes that addr_print needs at most */

struct addr {
    uint8_t family; /* AF_INET, AF_INET6, AF_UNIX, or 0 for none */
    uint16_t port;
    uint8_t ip[16]; /* 4 or 16 bytes of it */
};

void addr_from_sockaddr(struct addr *a, const struct sockaddr *sa);

/* The address alone: "10.0.0.7", "::1", "unix". */
void addr_print_host(const struct addr *a, char *out, size_t size);

/* With the port: "10.0.0.7:5432", "[::1]:5432", "unix". */
void addr_print(const struct addr *a, char *out, size_t size);

#endif
