// SPDX-License-Identifier: MIT
#include "proxy/tamper.h"

#include "base/log.h"

/* What the function that SETUP RLS makes raises where the seal does not hold. */
#define SQLSTATE_UNSEALED "01F5E"

static void count(struct frontend *f, const char *what)
{
    uint64_t times = ++frontend_stats(f)->tampers;

    if ((times & (times - 1)) == 0) {
        log_warning("tenant tampers with its session tenant=%s user=%s what=\"%s\" times=%llu",
                    frontend_account(f)->name, f->user, what, (unsigned long long)times);
    }
}

void tamper_on_notice(struct frontend *f, struct slice sqlstate)
{
    if (slice_eq_str(sqlstate, SQLSTATE_UNSEALED)) {
        count(f, "the seal does not hold");
    }
}

/* Back to what the server said at its login is no offence. */
void tamper_on_report(struct frontend *f, struct slice name, struct slice value)
{
    bool identity =
        slice_eq_str(name, "session_authorization") || slice_eq_str(name, "is_superuser");

    if (identity && !slice_eq(pool_welcome_value(f->request.lane->pool, name), value)) {
        count(f, "it became another role");
    }
}
