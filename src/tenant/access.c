// SPDX-License-Identifier: MIT
#include "tenant/access.h"

#include "base/glob.h"
#include "base/limits.h"

bool access_allows(const struct strings *patterns, struct slice tenant)
{
    for (size_t i = 0; i < patterns->count; i++) {
        if (glob_match(slice_str(patterns->items[i]), tenant)) {
            return true;
        }
    }
    return false;
}

int access_check(const struct strings *patterns, struct slice user, struct slice tenant,
                 struct err *err)
{
    if (access_allows(patterns, tenant)) {
        return 0;
    }
    user = slice_head(user, LIMIT_NAME);
    tenant = slice_head(tenant, LIMIT_NAME);
    return err_set(err, ERR_NOT_ALLOWED, "user \"%.*s\" may not enter tenant \"%.*s\"", (int)user.n,
                   (const char *)user.p, (int)tenant.n, (const char *)tenant.p);
}
