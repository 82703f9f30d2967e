// SPDX-License-Identifier: MIT
#include "tenant/session.h"

#include "tenant/appname.h"

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
    struct appname as = {.pattern = slice_str(tenant->config->application_name),
                         .tenant = slice_str(tenant->name),
                         .client_addr = plan->client_addr};

    for (size_t i = 0; i < count; i++) {
        if (setting_name_eq(out[i].name, slice_str("application_name"))) {
            appname_make(&as, own, plan->session_name);
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
    if (plan->names_sessions) { /* it may say nothing of its name */
        name_session(tenant, plan, SLICE_EMPTY, out, count);
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
