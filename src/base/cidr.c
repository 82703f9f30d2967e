// SPDX-License-Identifier: MIT
#include "base/cidr.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

uint8_t cidr_parse_ip(const char *text, uint8_t ip[16])
{
    if (inet_pton(AF_INET, text, ip) == 1) {
        return 4;
    }
    return inet_pton(AF_INET6, text, ip) == 1 ? 16 : 0;
}

void cidr_set_prefix(struct cidr *net, unsigned bits)
{
    for (unsigned i = 0; i < net->size; i++) {
        unsigned ones = bits > 8 * i ? bits - 8 * i : 0;
        net->mask[i] = (uint8_t)(ones >= 8 ? 0xFFU : 0xFF00U >> ones & 0xFFU);
    }
}

/* The number of bits behind the slash; -1 for what is none. */
static int parse_bits(const char *text, unsigned most)
{
    char *end;
    long bits = strtol(text, &end, 10);

    if (text[0] < '0' || text[0] > '9' || *end != '\0' || bits < 0 || bits > (long)most) {
        return -1;
    }
    return (int)bits;
}

bool cidr_parse(const char *text, struct cidr *out)
{
    char host[INET6_ADDRSTRLEN];
    const char *slash = strchr(text, '/');
    size_t n = slash == NULL ? strlen(text) : (size_t)(slash - text);

    *out = (struct cidr){0};
    if (n >= sizeof host) {
        return false;
    }
    memcpy(host, text, n);
    host[n] = '\0';
    out->size = cidr_parse_ip(host, out->ip);
    int bits = slash == NULL ? 8 * out->size : parse_bits(slash + 1, out->size * 8U);
    if (out->size == 0 || bits < 0) {
        return false;
    }
    cidr_set_prefix(out, (unsigned)bits);
    return true;
}

bool cidr_holds(const struct cidr *net, uint8_t size, const uint8_t ip[16])
{
    if (net->size != size) {
        return false;
    }
    for (uint8_t i = 0; i < net->size; i++) {
        if (((net->ip[i] ^ ip[i]) & net->mask[i]) != 0) {
            return false;
        }
    }
    return true;
}
