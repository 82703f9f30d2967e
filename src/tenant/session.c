// SPDX-License-Identifier: MIT
#include "tenant/session.h"

#include "tenant/appname.h"

/* What PostgreSQL 15 to 18 report of their own accord (GUC_REPORT) and let everyone set. Not here:
 * server_version, server_encoding, integer_datetimes, in_hot_standby, is_superuser, and
 * session_authorization, which is reserved. */
static const char *const tracked[] = {
    "application_name", "client_encoding",  "DateStyle",   "default_transaction_read_only",
    "IntervalStyle",    "scram_iterations", "search_path", "standard_conforming_strings",
    "TimeZone",
};

/* Appends; false where there is no room. */
static bool append(struct context_setting *out, size_t cap, size_t *count,
                   const struct context_setting *setting)
{
    if (*count == cap) {
        return false;
    }
    out[(*count)++] = *setting;
    return true;
}

static bool is_protocol_extension(struct slice name)
{
    return slice_eq_str(slice_head(name, 5), "_pq_.");
}

static int refuse_reserved(struct slice name, struct err *err)
{
    name = slice_head(name, LIMIT_NAME);
    return err_set(err, ERR_RESERVED, "parameter \"%.*s\" is reserved for the tenant's isolation",
                   (int)name.n, (const char *)name.p);
}

/* How this client's sessions are called at the server. */
static void name_session(const struct tenant *tenant, struct plan *plan, struct slice own,
                         struct context_setting *out, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (setting_name_eq(out[i].name, slice_str("application_name"))) {
            appname_make(slice_str(tenant->config->application_name), slice_str(tenant->name), own,
                         plan->session_name);
            out[i].value = slice_str(plan->session_name);
        }
    }
}

int session_settings(const struct tenant *tenant, struct plan *plan,
                     const struct context_setting *startup, size_t n, struct context_setting *out,
                     size_t cap, struct err *err)
{
    size_t count = 0;
    bool room = true;

    for (size_t i = 0; i < plan->setting_count && room; i++) {
        room = append(out, cap, &count, &plan->settings[i]);
    }
    for (size_t i = 0; i < n && room; i++) {
        struct context_setting setting = startup[i];
        if (strategy_reserves(tenant, setting.name)) {
            return refuse_reserved(setting.name, err);
        }
        if (plan->names_sessions && setting_name_eq(setting.name, slice_str("application_name"))) {
            name_session(tenant, plan, setting.value, out, count);
        }
        if (plan_fixes(plan, setting.name) || is_protocol_extension(setting.name)) {
            continue;
        }
        setting.fixed = false;
        room = append(out, cap, &count, &setting);
    }
    if (!room) {
        return err_set(err, ERR_INVALID_VALUE, "more than %zu settings in one session", cap);
    }
    return (int)count;
}

bool session_tracks(struct slice parameter)
{
    for (size_t i = 0; i < sizeof tracked / sizeof tracked[0]; i++) {
        if (setting_name_eq(parameter, slice_str(tracked[i]))) {
            return true;
        }
    }
    return false;
}
