// SPDX-License-Identifier: MIT
#include "base/glob.h"

static bool starts_with(struct slice s, struct slice prefix)
{
    return s.n >= prefix.n && slice_eq(slice_head(s, prefix.n), prefix);
}

/* Takes the bytes up to the next star, and the star, off the pattern. */
static struct slice take_part(struct slice *pattern)
{
    ptrdiff_t star = slice_find(*pattern, '*');
    struct slice part = star < 0 ? *pattern : slice_head(*pattern, (size_t)star);

    *pattern = slice_from(*pattern, part.n + 1);
    return part;
}

/* What is left of the name behind the first place where the part occurs; false where it does not.
 * The first place is always good enough: it leaves the most for the parts that follow. */
static bool skip_part(struct slice *name, struct slice part)
{
    if (part.n == 0) {
        return true;
    }
    const uint8_t *hit = name->n == 0 ? NULL : memmem(name->p, name->n, part.p, part.n);
    if (hit == NULL) {
        return false;
    }
    *name = slice_from(*name, (size_t)(hit - name->p) + part.n);
    return true;
}

bool glob_match(struct slice pattern, struct slice name)
{
    if (slice_find(pattern, '*') < 0) {
        return slice_eq(pattern, name);
    }
    struct slice part = take_part(&pattern);
    if (!starts_with(name, part)) {
        return false;
    }
    name = slice_from(name, part.n);
    while (slice_find(pattern, '*') >= 0) {
        if (!skip_part(&name, take_part(&pattern))) {
            return false;
        }
    }
    /* What stands behind the last star must end the name. */
    return name.n >= pattern.n && slice_eq(slice_from(name, name.n - pattern.n), pattern);
}
