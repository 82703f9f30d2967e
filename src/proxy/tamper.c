// SPDX-License-Identifier: MIT
#include "proxy/tamper.h"

#include "proxy/trace.h"

/* What the function that SETUP RLS makes raises where the seal does not hold. */
#define SQLSTATE_UNSEALED "01F5E"

static void count(struct frontend *f, const char *what)
{
    struct account *account = frontend_account(f);
    uint64_t times = ++frontend_stats(f)->tampers;
    int most = f->tenant->limits.tampers;
    struct log_origin origin = trace_origin(f);

    if ((times & (times - 1)) == 0) {
        log_about(LOG_WARNING, &origin,
                  "tenant tampers with its session user=%s what=\"%s\" times=%llu", f->user, what,
                  (unsigned long long)times);
    }
    if (++account->tampers == (uint32_t)most) {
        log_about(LOG_WARNING, &origin,
                  "tenant is suspended for tampering user=%s limits.tampers=%d", f->user, most);
        f->proxy->hooks.on_tampering(f->proxy->data, account->name);
    }
}

void tamper_on_notice(struct frontend *f, struct slice sqlstate)
{
    if (slice_eq_str(sqlstate, SQLSTATE_UNSEALED)) {
        count(f, "the seal does not hold");
    }
}

/* What the strategy schema fixes, as PostgreSQL from 18 on reports it. What a reset on a shared
 * connection gives is no tenant's. Behind a switch the comparison of all that was reported follows,
 * which sees it again. */
static bool left_its_path(const struct frontend *f, struct slice value)
{
    const struct context_setting *fixed =
        context_find(f->request.context, slice_str("search_path"));

    return fixed != NULL && fixed->fixed && !f->backend->unreported &&
           !slice_eq(fixed->value, value) &&
           !slice_eq(birth_welcome_value(f->request.birth, slice_str("search_path")), value);
}

/* Back to what the server said at its login is no offence, nor is it to give up rights. */
static bool became_another(const struct frontend *f, struct slice name, struct slice value)
{
    bool identity = slice_eq_str(name, "session_authorization") ||
                    (slice_eq_str(name, "is_superuser") && slice_eq_str(value, "on"));

    return identity && !slice_eq(birth_welcome_value(f->request.birth, name), value);
}

void tamper_on_report(struct frontend *f, struct slice name, struct slice value)
{
    if (became_another(f, name, value)) {
        count(f, "it became another role");
    } else if (slice_eq_str(name, "search_path") && left_its_path(f, value)) {
        count(f, "it left its search_path");
    }
}
