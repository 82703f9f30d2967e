// SPDX-License-Identifier: MIT
#include "base/encode.h"

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void base64_append(struct buf *out, struct slice in)
{
    size_t i = 0;

    for (; i + 3 <= in.n; i += 3) {
        uint32_t v = (uint32_t)in.p[i] << 16 | (uint32_t)in.p[i + 1] << 8 | in.p[i + 2];
        char four[4] = {alphabet[v >> 18], alphabet[v >> 12 & 63], alphabet[v >> 6 & 63],
                        alphabet[v & 63]};
        buf_append(out, four, 4);
    }
    if (in.n - i == 1) {
        uint32_t v = (uint32_t)in.p[i] << 16;
        char four[4] = {alphabet[v >> 18], alphabet[v >> 12 & 63], '=', '='};
        buf_append(out, four, 4);
    } else if (in.n - i == 2) {
        uint32_t v = (uint32_t)in.p[i] << 16 | (uint32_t)in.p[i + 1] << 8;
        char four[4] = {alphabet[v >> 18], alphabet[v >> 12 & 63], alphabet[v >> 6 & 63], '='};
        buf_append(out, four, 4);
    }
}

static int digit(uint8_t c)
{
    if (c >= 'A' && c <= 'Z') {
        return c - 'A';
    }
    if (c >= 'a' && c <= 'z') {
        return c - 'a' + 26;
    }
    if (c >= '0' && c <= '9') {
        return c - '0' + 52;
    }
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

/* One group of four characters, `pad` of them '='; its bytes go to three[]. False when it is not
 * canonical. */
static bool decode_group(const uint8_t *in, int pad, uint8_t three[3])
{
    uint32_t v = 0;

    for (int k = 0; k < 4; k++) {
        int d = k >= 4 - pad ? 0 : digit(in[k]);
        if (d < 0) {
            return false;
        }
        v = v << 6 | (uint32_t)d;
    }
    three[0] = (uint8_t)(v >> 16);
    three[1] = (uint8_t)(v >> 8);
    three[2] = (uint8_t)v;
    return !(pad >= 1 && three[2] != 0) && !(pad == 2 && three[1] != 0);
}

ptrdiff_t base64_decode(struct slice in, uint8_t *out, size_t cap)
{
    size_t n = 0;

    if (in.n % 4 != 0) {
        return -1;
    }
    for (size_t i = 0; i < in.n; i += 4) {
        int pad = 0;
        if (i + 4 == in.n) {
            pad = in.p[i + 3] != '=' ? 0 : in.p[i + 2] != '=' ? 1 : 2;
        }
        uint8_t three[3];
        size_t take = 3 - (size_t)pad;
        if (!decode_group(in.p + i, pad, three) || n + take > cap) {
            return -1;
        }
        memcpy(out + n, three, take);
        n += take;
    }
    return (ptrdiff_t)n;
}

void hex_encode(struct slice in, char *out)
{
    static const char digits[] = "0123456789abcdef";

    for (size_t i = 0; i < in.n; i++) {
        out[2 * i] = digits[in.p[i] >> 4];
        out[2 * i + 1] = digits[in.p[i] & 15];
    }
    out[2 * in.n] = '\0';
}
