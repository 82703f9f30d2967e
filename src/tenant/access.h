// SPDX-License-Identifier: MIT
//
// access: may this user enter this tenant? Asked after the password was right, with the patterns of
// the user's entry. A user with no pattern may enter none. Pure.
#ifndef TENANT_ACCESS_H
#define TENANT_ACCESS_H

#include "base/err.h"
#include "base/slice.h"
#include "config/config.h"

bool access_allows(const struct strings *patterns, struct slice tenant);

/* 0, or ERR_NOT_ALLOWED: `user "u" may not enter tenant "t"`. */
int access_check(const struct strings *patterns, struct slice user, struct slice tenant,
                 struct err *err);

#endif
