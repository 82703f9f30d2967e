// SPDX-License-Identifier: MIT
#include "wire/extended.h"

#include "base/err.h"
#include "wire/cursor.h"

int extended_parse(struct slice body, struct parse_view *view)
{
    struct cursor c = cursor_of(body);

    *view = (struct parse_view){0};
    struct slice statement = cursor_cstr(&c);
    struct slice query = cursor_cstr(&c);
    struct slice types = c.left;
    size_t count = cursor_be16(&c);
    (void)cursor_bytes(&c, 4 * count);
    if (c.bad || c.left.n > 0) {
        return ERR_PROTOCOL;
    }
    *view = (struct parse_view){.statement = statement, .query = query, .types = types};
    return 0;
}

int extended_bind(struct slice body, struct bind_view *view)
{
    struct cursor c = cursor_of(body);

    *view = (struct bind_view){0};
    struct slice portal = cursor_cstr(&c);
    struct slice statement = cursor_cstr(&c);
    if (c.bad) {
        return ERR_PROTOCOL;
    }
    *view = (struct bind_view){.portal = portal, .statement = statement, .rest = c.left};
    return 0;
}

int extended_target(struct slice body, struct target_view *view)
{
    struct cursor c = cursor_of(body);

    *view = (struct target_view){0};
    uint8_t kind = cursor_u8(&c);
    struct slice name = cursor_cstr(&c);
    if (c.bad || c.left.n > 0 || (kind != 'S' && kind != 'P')) {
        return ERR_PROTOCOL;
    }
    *view = (struct target_view){.kind = kind, .name = name};
    return 0;
}
