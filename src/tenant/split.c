// SPDX-License-Identifier: MIT
#include "tenant/split.h"

#include "tenant/setting.h"

/* head {first} middle {second} tail; without a second placeholder middle is empty. */
struct pattern {
    struct slice head;
    struct slice middle;
    struct slice tail;
    bool tenant_first;
    bool has_rest;
};

static bool literal_eq(struct slice a, struct slice b, bool fold)
{
    return fold ? setting_name_eq(a, b) : slice_eq(a, b);
}

/* Splits *rest before and behind its next placeholder; false where there is none. */
static bool take_placeholder(struct slice *rest, struct slice *before, bool *is_tenant)
{
    ptrdiff_t open = slice_find(*rest, '{');
    ptrdiff_t close = open < 0 ? -1 : slice_find(slice_from(*rest, (size_t)open), '}');

    if (close < 0) {
        return false;
    }
    struct slice placeholder = slice_head(slice_from(*rest, (size_t)open), (size_t)close + 1);
    *before = slice_head(*rest, (size_t)open);
    *is_tenant = slice_eq_str(placeholder, "{tenant}");
    *rest = slice_from(*rest, (size_t)open + placeholder.n);
    return true;
}

/* False for a pattern that has not {tenant} once, or has its placeholders side by side. */
static bool parse(struct slice text, struct pattern *pattern)
{
    bool second_is_tenant = false;

    *pattern = (struct pattern){.has_rest = false};
    if (!take_placeholder(&text, &pattern->head, &pattern->tenant_first)) {
        return false;
    }
    pattern->has_rest = take_placeholder(&text, &pattern->middle, &second_is_tenant);
    pattern->tail = text;
    if (!pattern->has_rest) {
        return pattern->tenant_first;
    }
    return pattern->middle.n > 0 && pattern->tenant_first != second_is_tenant;
}

/* Takes the pattern's head and tail off the name. */
static bool strip_ends(const struct pattern *pattern, struct slice *name, bool fold)
{
    struct slice head = pattern->head;
    struct slice tail = pattern->tail;

    if (name->n < head.n + tail.n || !literal_eq(slice_head(*name, head.n), head, fold) ||
        !literal_eq(slice_from(*name, name->n - tail.n), tail, fold)) {
        return false;
    }
    *name = slice_head(slice_from(*name, head.n), name->n - head.n - tail.n);
    return true;
}

/* Where the separator stands in the name: the first place or the last. */
static bool find_separator(struct slice name, struct slice separator, bool first, bool fold,
                           size_t *at)
{
    bool found = false;

    for (size_t i = 0; i + separator.n <= name.n; i++) {
        if (literal_eq(slice_of(name.p + i, separator.n), separator, fold)) {
            *at = i;
            found = true;
            if (first) {
                break;
            }
        }
    }
    return found;
}

bool split_name(struct slice text, struct slice name, bool fold, struct split_parts *parts)
{
    struct pattern pattern;
    size_t at = 0;

    *parts = (struct split_parts){.has_rest = false};
    if (!parse(text, &pattern) || !strip_ends(&pattern, &name, fold)) {
        return false;
    }
    if (!pattern.has_rest) {
        parts->tenant = name;
        return name.n > 0;
    }
    if (!find_separator(name, pattern.middle, pattern.tenant_first, fold, &at)) {
        return false;
    }
    struct slice before = slice_head(name, at);
    struct slice behind = slice_from(name, at + pattern.middle.n);
    parts->has_rest = true;
    parts->tenant = pattern.tenant_first ? before : behind;
    parts->rest = pattern.tenant_first ? behind : before;
    return parts->tenant.n > 0;
}
