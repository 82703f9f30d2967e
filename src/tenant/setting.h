// SPDX-License-Identifier: MIT
//
// setting: one setting of a session, as it travels between the layers. (The configuration's own
// `struct setting` is a pair of C strings.) Names are compared as PostgreSQL compares them: ASCII
// case aside. Pure.
#ifndef TENANT_SETTING_H
#define TENANT_SETTING_H

#include "base/slice.h"

struct context_setting {
    struct slice name;  /* as it was spelled */
    struct slice value; /* may be empty */
    bool fixed;         /* the tenant's own: a client may not change it */
};

/* Below, at, or above zero, as memcmp, over the names in lower case. */
int setting_name_compare(struct slice a, struct slice b);

static inline bool setting_name_eq(struct slice a, struct slice b)
{
    return a.n == b.n && (slice_eq(a, b) || setting_name_compare(a, b) == 0);
}

static inline uint8_t setting_fold(uint8_t c)
{
    return c >= 'A' && c <= 'Z' ? (uint8_t)(c + ('a' - 'A')) : c;
}

#endif
