// SPDX-License-Identifier: MIT
#include "tenant/plan.h"

#include "tenant/appname.h"

bool plan_fixes(const struct plan *plan, struct slice name)
{
    for (size_t i = 0; i < plan->setting_count; i++) {
        if (setting_name_eq(plan->settings[i].name, name)) {
            return true;
        }
    }
    return false;
}

int plan_add(struct plan *plan, const char *name, const char *value, struct err *err)
{
    if (plan_fixes(plan, slice_str(name))) {
        return err_set(err, ERR_CONFIG, "setting \"%s\" belongs to the tenant's strategy", name);
    }
    if (plan->setting_count == LIMIT_CONTEXT_SETTINGS) {
        return err_set(err, ERR_CONFIG, "more than %d settings", LIMIT_CONTEXT_SETTINGS);
    }
    plan->settings[plan->setting_count++] =
        (struct context_setting){slice_str(name), slice_str(value), .fixed = true};
    return 0;
}

static int add_configured(const struct tenant_config *config, struct plan *plan, struct err *err)
{
    for (size_t i = 0; i < config->settings.count; i++) {
        int rc =
            plan_add(plan, config->settings.items[i].name, config->settings.items[i].value, err);
        if (rc < 0) {
            return rc;
        }
    }
    return 0;
}

/* As long as no client has said how it is called. A name that is configured as a setting stays. */
static int name_sessions(const struct tenant *tenant, struct plan *plan, struct err *err)
{
    const char *pattern = tenant->config->application_name;

    if (pattern == NULL || pattern[0] == '\0' || plan_fixes(plan, slice_str("application_name"))) {
        return 0;
    }
    plan->names_sessions = true;
    appname_make(
        &(struct appname){.pattern = slice_str(pattern), .tenant = slice_str(tenant->name)},
        SLICE_EMPTY, plan->application_name);
    return plan_add(plan, "application_name", plan->application_name, err);
}

static int choose_role(const struct tenant *tenant, const struct login *login, struct plan *plan,
                       struct err *err)
{
    const struct login_config *config = &tenant->config->login;
    struct name_values values = {.tenant = slice_str(tenant->name), .user = login->user};

    switch (config->kind) {
    case LOGIN_CLIENT:
        plan->credential = CREDENTIAL_CLIENT;
        return name_copy("user", login->user, plan->role, err);
    case LOGIN_TENANT:
        plan->credential = CREDENTIAL_TENANT;
        plan->dedicated = true;
        plan->epoch = (uint32_t)tenant->config->password_epoch;
        return name_expand(slice_str(tenant->config->role), &values, plan->role, err);
    case LOGIN_FIXED:
        plan->credential = CREDENTIAL_FIXED;
        plan->password = &config->password;
        return name_expand(slice_str(config->user), &values, plan->role, err);
    }
    return err_set(err, ERR_INTERNAL, "unknown kind of login");
}

int plan_begin(const struct tenant *tenant, const struct login *login, struct plan *plan,
               struct err *err)
{
    plan->server = tenant->config->server;
    plan->database[0] = '\0';
    plan->epoch = 0;
    plan->password = NULL;
    plan->dedicated = false;
    plan->sealed = false;
    plan->names_sessions = false;
    plan->client_addr = SLICE_EMPTY;
    plan->setting_count = 0;
    plan->search_path[0] = '\0';
    int rc = choose_role(tenant, login, plan, err);
    rc = rc < 0 ? rc : add_configured(tenant->config, plan, err);
    return rc < 0 ? rc : name_sessions(tenant, plan, err);
}

int plan_shared_database(const struct tenant *tenant, const struct login *login, struct plan *plan,
                         struct err *err)
{
    struct name_values values = {.tenant = slice_str(tenant->name), .user = login->user};

    if (tenant->config->database != NULL) {
        return name_expand(slice_str(tenant->config->database), &values, plan->database, err);
    }
    return name_copy("database", login->database.n > 0 ? login->database : login->user,
                     plan->database, err);
}
