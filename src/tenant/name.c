// SPDX-License-Identifier: MIT
#include "tenant/name.h"

#include "config/config.h"

bool name_valid(struct slice name)
{
    return config_valid_tenant_name(name);
}

/* The value of a placeholder, given with its braces; empty where it has none. */
static struct slice find_value(const struct name_values *values, struct slice placeholder)
{
    const struct {
        const char *placeholder;
        struct slice value;
    } known[] = {
        {"{tenant}", values->tenant},
        {"{schema}", values->schema},
        {"{role}", values->role},
        {"{user}", values->user},
    };

    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        if (slice_eq_str(placeholder, known[i].placeholder)) {
            return known[i].value;
        }
    }
    return SLICE_EMPTY;
}

/* Takes the next literal or placeholder off the pattern; empty for a placeholder without value. */
static struct slice take_piece(struct slice *pattern, const struct name_values *values)
{
    ptrdiff_t open = slice_find(*pattern, '{');

    if (open != 0) {
        struct slice literal = open < 0 ? *pattern : slice_head(*pattern, (size_t)open);
        *pattern = slice_from(*pattern, literal.n);
        return literal;
    }
    ptrdiff_t close = slice_find(*pattern, '}');
    if (close < 0) {
        return SLICE_EMPTY;
    }
    struct slice placeholder = slice_head(*pattern, (size_t)close + 1);
    *pattern = slice_from(*pattern, placeholder.n);
    return find_value(values, placeholder);
}

int name_expand(struct slice pattern, const struct name_values *values, char out[NAME_SIZE],
                struct err *err)
{
    struct slice rest = pattern;
    size_t n = 0;

    while (rest.n > 0) {
        struct slice piece = take_piece(&rest, values);
        if (piece.n == 0) {
            return err_set(err, ERR_CONFIG, "a placeholder in \"%.*s\" has no value",
                           (int)pattern.n, (const char *)pattern.p);
        }
        if (piece.n > LIMIT_NAME - n) {
            return err_set(err, ERR_INVALID_VALUE, "the name made of \"%.*s\" exceeds %d bytes",
                           (int)pattern.n, (const char *)pattern.p, LIMIT_NAME);
        }
        memcpy(out + n, piece.p, piece.n);
        n += piece.n;
    }
    if (n == 0) {
        return err_set(err, ERR_INVALID_VALUE, "a name is empty");
    }
    out[n] = '\0';
    return 0;
}

int name_copy(const char *what, struct slice name, char out[NAME_SIZE], struct err *err)
{
    if (name.n == 0 || name.n > LIMIT_NAME) {
        return err_set(err, ERR_INVALID_VALUE, "name of the %s must have 1 to %d bytes", what,
                       LIMIT_NAME);
    }
    memcpy(out, name.p, name.n);
    out[name.n] = '\0';
    return 0;
}
