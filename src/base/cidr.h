// SPDX-License-Identifier: MIT
//
// cidr: networks of the Internet, as "10.0.0.0/8" or "2001:db8::/32". Pure.
#ifndef BASE_CIDR_H
#define BASE_CIDR_H

#include <stdbool.h>
#include <stdint.h>

/* All addresses that agree with `ip` where the mask has ones. */
struct cidr {
    uint8_t size; /* bytes of an address: 4 or 16 */
    uint8_t ip[16];
    uint8_t mask[16];
};

/* Bytes of the address in the text, 4 or 16; 0 where it is none. */
uint8_t cidr_parse_ip(const char *text, uint8_t ip[16]);

/* ADDRESS/BITS, or an address that stands for itself alone. */
bool cidr_parse(const char *text, struct cidr *out);

void cidr_set_prefix(struct cidr *net, unsigned bits);

bool cidr_holds(const struct cidr *net, uint8_t size, const uint8_t ip[16]);

#endif
