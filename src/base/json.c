// SPDX-License-Identifier: MIT
#include "base/json.h"

static void append_byte(struct buf *out, uint8_t c)
{
    if (c == '"' || c == '\\') {
        buf_printf(out, "\\%c", c);
    } else if (c == '\n') {
        buf_append(out, "\\n", 2);
    } else if (c < 0x20) {
        buf_printf(out, "\\u%04x", c);
    } else {
        buf_append_u8(out, c);
    }
}

void json_append_text(struct buf *out, struct slice text)
{
    buf_append_u8(out, '"');
    for (size_t i = 0; i < text.n; i++) {
        append_byte(out, text.p[i]);
    }
    buf_append_u8(out, '"');
}
