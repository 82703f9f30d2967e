// SPDX-License-Identifier: MIT
#include "tenant/setting.h"

int setting_name_compare(struct slice a, struct slice b)
{
    size_t n = a.n < b.n ? a.n : b.n;

    for (size_t i = 0; i < n; i++) {
        int difference = (int)setting_fold(a.p[i]) - (int)setting_fold(b.p[i]);
        if (difference != 0) {
            return difference;
        }
    }
    return (a.n > b.n) - (a.n < b.n);
}
