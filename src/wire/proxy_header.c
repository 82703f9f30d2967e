// SPDX-License-Identifier: MIT
#include "wire/proxy_header.h"

#include <stdlib.h>

#include "base/cidr.h"

enum { V2_SIGNATURE = 12, V2_FIXED = 16 };

static const uint8_t v2_signature[V2_SIGNATURE] = {'\r', '\n', '\r', '\n', 0,   '\r',
                                                   '\n', 'Q',  'U',  'I',  'T', '\n'};

static int refuse(struct err *err)
{
    return err_set(err, ERR_PROTOCOL, "invalid PROXY protocol header");
}

/* ---- version 1: one line of text ---- */

/* Takes the word up to the next blank, or the last one, as a C string. */
static bool take_word(struct slice *rest, char *out, size_t cap)
{
    ptrdiff_t blank = slice_find(*rest, ' ');
    struct slice word = blank < 0 ? *rest : slice_head(*rest, (size_t)blank);

    if (word.n == 0 || word.n >= cap || slice_find(word, 0) >= 0) {
        return false;
    }
    memcpy(out, word.p, word.n);
    out[word.n] = '\0';
    *rest = blank < 0 ? SLICE_EMPTY : slice_from(*rest, (size_t)blank + 1);
    return true;
}

static bool parse_port(const char *word, uint16_t *port)
{
    char *end;
    unsigned long value = strtoul(word, &end, 10);

    *port = (uint16_t)value;
    return word[0] >= '0' && word[0] <= '9' && *end == '\0' && value <= 65535;
}

/* "TCP4 SOURCE DESTINATION PORT PORT" */
static int parse_addresses(struct slice line, struct proxy_header *out, struct err *err)
{
    char words[5][48];
    uint8_t other[16];
    uint16_t port;

    for (size_t i = 0; i < 5; i++) {
        if (!take_word(&line, words[i], sizeof words[i])) {
            return refuse(err);
        }
    }
    out->ip_size = cidr_parse_ip(words[1], out->ip);
    uint8_t said = strcmp(words[0], "TCP4") == 0 ? 4 : strcmp(words[0], "TCP6") == 0 ? 16 : 0;
    if (line.n > 0 || said == 0 || out->ip_size != said || cidr_parse_ip(words[2], other) != said ||
        !parse_port(words[3], &out->port) || !parse_port(words[4], &port)) {
        return refuse(err);
    }
    return 1;
}

static int parse_v1(struct slice in, struct proxy_header *out, struct err *err)
{
    static const char start[] = "PROXY ";
    struct slice head = slice_head(in, PROXY_HEADER_V1_MAX);
    ptrdiff_t end = slice_find(head, '\n');

    if (end < 0) {
        return in.n >= PROXY_HEADER_V1_MAX ? refuse(err) : 0;
    }
    if ((size_t)end < sizeof start || head.p[end - 1] != '\r') {
        return refuse(err);
    }
    struct slice line = slice_from(slice_head(head, (size_t)end - 1), sizeof start - 1);
    out->size = (size_t)end + 1;
    if (line.n >= 7 && memcmp(line.p, "UNKNOWN", 7) == 0) {
        return 1;
    }
    return parse_addresses(line, out, err);
}

/* ---- version 2: binary ---- */

static int parse_v2(struct slice in, struct proxy_header *out, struct err *err)
{
    if (in.n < V2_FIXED) {
        return 0;
    }
    uint8_t command = in.p[12];
    uint8_t family = in.p[13];
    size_t length = (size_t)in.p[14] << 8 | in.p[15];
    if (command >> 4 != 2 || (command & 0xF) > 1 || V2_FIXED + length > PROXY_HEADER_V2_MAX) {
        return refuse(err);
    }
    if (in.n < V2_FIXED + length) {
        return 0;
    }
    out->size = V2_FIXED + length;
    uint8_t size = family == 0x11 ? 4 : family == 0x21 ? 16 : 0; /* TCP over IPv4, over IPv6 */
    if ((command & 0xF) == 0 || size == 0) {
        return 1; /* LOCAL, or a kind that has no address for us */
    }
    if (length < 2U * size + 4) {
        return refuse(err);
    }
    out->ip_size = size;
    memcpy(out->ip, in.p + V2_FIXED, size);
    const uint8_t *port = in.p + V2_FIXED + 2U * size;
    out->port = (uint16_t)(port[0] << 8 | port[1]);
    return 1;
}

int proxy_header_parse(struct slice in, struct proxy_header *out, struct err *err)
{
    static const char start[] = "PROXY ";
    size_t n1 = in.n < sizeof start - 1 ? in.n : sizeof start - 1;
    size_t n2 = in.n < V2_SIGNATURE ? in.n : V2_SIGNATURE;

    *out = (struct proxy_header){0};
    if (in.n == 0) {
        return 0;
    }
    if (memcmp(in.p, start, n1) == 0) {
        return n1 < sizeof start - 1 ? 0 : parse_v1(in, out, err);
    }
    if (memcmp(in.p, v2_signature, n2) == 0) {
        return n2 < V2_SIGNATURE ? 0 : parse_v2(in, out, err);
    }
    return refuse(err);
}
