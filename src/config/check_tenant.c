// SPDX-License-Identifier: MIT
#include "config/check_inner.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/limits.h"
#include "config/pattern.h"

/* Settings that name the tenant or decide whose rights hold are ours alone; NULL when free. */
static const char *why_reserved(const struct tenant_config *t, const char *name)
{
    static const char *const ours[] = {"role",     "session_authorization", "user",
                                       "database", "replication",           "options"};
    size_t n = strlen(t->rls.setting);

    for (size_t i = 0; i < sizeof ours / sizeof ours[0]; i++) {
        if (strcasecmp(name, ours[i]) == 0) {
            return "cannot be set for a tenant";
        }
    }
    if (t->strategy == STRATEGY_SCHEMA && strcasecmp(name, "search_path") == 0) {
        return "is set by the strategy schema, from schema.search_path";
    }
    bool names_tenant = strncasecmp(name, t->rls.setting, n) == 0 &&
                        (name[n] == '\0' || strcasecmp(name + n, "_seal") == 0);
    return t->strategy == STRATEGY_RLS && names_tenant ? "names the tenant, by rls.setting" : NULL;
}

/* The node of one setting, where it is written. */
static const struct node *locate_setting(const struct checker *c, const struct entry *e,
                                         const char *name)
{
    const struct node *own = check_entry_node(c, e->map, e->name);
    const struct node *node = own == NULL ? NULL : node_get(node_find(own, "settings"), name);

    if (node == NULL) {
        const struct node *defaults = check_entry_node(c, e->map, "defaults");
        node = defaults == NULL ? NULL : node_get(node_find(defaults, "settings"), name);
    }
    return node == NULL ? check_locate(c, e, "settings") : node;
}

static void check_settings(const struct checker *c, const struct entry *e,
                           const struct tenant_config *t)
{
    for (size_t i = 0; i < t->settings.count; i++) {
        const char *name = t->settings.items[i].name;
        const char *why = why_reserved(t, name);
        if (why != NULL) {
            const struct node *at = locate_setting(c, e, name);
            config_faults_add(c->faults, at->line, at->column, "settings: \"%s\" %s", name, why);
        }
    }
}

static void check_rls(const struct checker *c, const struct entry *e, const struct tenant_config *t)
{
    const char *setting = t->rls.setting;

    if (!pattern_is_setting(setting) || strchr(setting, '.') == NULL) {
        check_entry_fault(c, e, "rls.setting",
                          "must be two words with a dot between, as app.tenant");
    } else if (strlen(setting) + strlen("_seal") > LIMIT_NAME) {
        check_entry_fault(c, e, "rls.setting", "is longer than %zu bytes",
                          LIMIT_NAME - strlen("_seal"));
    }
}

static void check_application_name(const struct checker *c, const struct entry *e,
                                   const struct tenant_config *t)
{
    static const char place[] = "{application_name}";
    const char *first = strstr(t->application_name, place);
    bool once = first != NULL && strstr(first + 1, place) == NULL;

    if (t->application_name[0] != '\0' && !once) {
        check_entry_fault(c, e, "application_name", "%s must stand in it once", place);
    }
}

/* What is set up at start: where, and by whose login. */
static void check_setup(const struct checker *c, const struct entry *e,
                        const struct tenant_config *t)
{
    const struct server_config *server =
        t->server == NULL ? NULL : config_server(c->config, t->server);

    if (t->strategy != STRATEGY_RLS || t->rls.setup != RLS_AUTO) {
        return;
    }
    if (t->database == NULL) {
        check_entry_fault(c, e, "rls.setup", "auto needs a database, which is not said");
    }
    if (server != NULL && server->admin.user == NULL) {
        check_entry_fault(c, e, "rls.setup", "auto needs servers.%s.admin to log in as",
                          server->name);
    }
}

static void check_seal(const struct checker *c, const struct entry *e,
                       const struct tenant_config *t)
{
    if (t->strategy != STRATEGY_RLS || !t->rls.seal) {
        return;
    }
    if (t->rls.key.kind == SECRET_NONE) {
        const struct node *own = check_entry_node(c, e->map, e->name);
        if (own == NULL || node_find(own, "rls.key") == NULL) {
            check_entry_fault(c, e, "rls.key", "is needed where rls.seal is true");
        }
    }
    if (t->reset == RESET_NEVER) {
        check_entry_fault(c, e, "reset",
                          "never leaves what another tenant must not see: not with rls.seal");
    }
}

static void check_pool(const struct checker *c, const struct entry *e, const struct pool_config *p)
{
    if (p->size == 0) {
        return;
    }
    if (p->min_size > p->size) {
        check_entry_fault(c, e, "pool.min_size", "%d is more than pool.size, %d", p->min_size,
                          p->size);
    }
    if (p->shards > p->size) {
        check_entry_fault(c, e, "pool.shards", "%d are more than pool.size, %d", p->shards,
                          p->size);
    }
}

void check_tenant(const struct checker *c, const char *name, const struct tenant_config *t)
{
    const struct entry e = {.map = "tenants", .name = name};
    char hint[100];

    if (t->server != NULL && config_server(c->config, t->server) == NULL) {
        check_suggest_server(c->config, t->server, hint, sizeof hint);
        check_entry_fault(c, &e, "server", "no server is named \"%s\"%s", t->server, hint);
    }
    check_rls(c, &e, t);
    check_seal(c, &e, t);
    check_application_name(c, &e, t);
    check_setup(c, &e, t);
    check_settings(c, &e, t);
    check_pool(c, &e, &t->pool);
}

void check_tenant_alone(const struct config *config, const struct tenant_config *tenant,
                        struct config_faults *faults)
{
    static const struct node nowhere = {.kind = NODE_MAP, .line = 1, .column = 1};
    const struct checker c = {.config = config, .root = &nowhere, .faults = faults};

    check_tenant(&c, "defaults", tenant);
}
