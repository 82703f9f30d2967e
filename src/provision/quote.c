// SPDX-License-Identifier: MIT
#include "provision/quote.h"

#include <stdio.h>
#include <string.h>

static void append_doubled(struct buf *out, const char *text, const char *doubled)
{
    for (const char *p = text; *p != '\0'; p++) {
        if (strchr(doubled, *p) != NULL) {
            buf_append_u8(out, (uint8_t)*p);
        }
        buf_append_u8(out, (uint8_t)*p);
    }
}

void quote_ident(struct buf *out, const char *name)
{
    buf_append_u8(out, '"');
    append_doubled(out, name, "\"");
    buf_append_u8(out, '"');
}

void quote_literal(struct buf *out, const char *text)
{
    if (strchr(text, '\\') != NULL) {
        buf_append_u8(out, 'E');
    }
    buf_append_u8(out, '\'');
    append_doubled(out, text, "'\\");
    buf_append_u8(out, '\'');
}

void quote_body(struct buf *out, struct slice text)
{
    char tag[32] = "$fahrend$";

    for (unsigned n = 1; memmem(text.p, text.n, tag, strlen(tag)) != NULL; n++) {
        (void)snprintf(tag, sizeof tag, "$fahrend%u$", n);
    }
    buf_append(out, tag, strlen(tag));
    buf_append_slice(out, text);
    buf_append(out, tag, strlen(tag));
}
