// SPDX-License-Identifier: MIT
#include "config/check.h"

#include <stdarg.h>
#include <stdio.h>
#include <sys/un.h>

#include "base/cidr.h"
#include "config/check_inner.h"
#include "config/pattern.h"
#include "config/suggest.h"

static void add(const struct checker *c, const struct node *at, const char *key, const char *text)
{
    config_faults_add(c->faults, at->line, at->column, "%s: %s", key, text);
}

/* A fault at a key of the top, or where it should be. */
static void fault(const struct checker *c, const char *key, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

static void fault(const struct checker *c, const char *key, const char *fmt, ...)
{
    char text[300];
    va_list ap;

    va_start(ap, fmt);
    (void)vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    add(c, node_nearest(c->root, key), key, text);
}

/* A fault unless the key is written: then whatever is wrong with it was said. */
static void need(const struct checker *c, const char *key, const char *why)
{
    const struct node *node = node_find(c->root, key);

    if (node == NULL || node_is_null(node)) {
        fault(c, key, "is needed %s", why);
    }
}

const struct node *check_entry_node(const struct checker *c, const char *map, const char *name)
{
    return node_get(node_find(c->root, map), name);
}

const struct node *check_locate(const struct checker *c, const struct entry *e, const char *key)
{
    const struct node *entry = check_entry_node(c, e->map, e->name);
    const struct node *node = entry == NULL ? NULL : node_find(entry, key);

    if (node == NULL && strcmp(e->map, "tenants") == 0) {
        const struct node *defaults = check_entry_node(c, e->map, "defaults");
        node = defaults == NULL ? NULL : node_find(defaults, key);
    }
    if (node == NULL) {
        node = entry == NULL ? node_nearest(c->root, e->map) : node_nearest(entry, key);
    }
    return node;
}

void check_entry_fault(const struct checker *c, const struct entry *e, const char *key,
                       const char *fmt, ...)
{
    char text[300];
    va_list ap;

    va_start(ap, fmt);
    (void)vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    add(c, check_locate(c, e, key), key, text);
}

static void entry_need(const struct checker *c, const struct entry *e, const char *key,
                       const char *why)
{
    const struct node *entry = check_entry_node(c, e->map, e->name);
    const struct node *node = entry == NULL ? NULL : node_find(entry, key);

    if (node == NULL || node_is_null(node)) {
        check_entry_fault(c, e, key, "is needed %s", why);
    }
}

void check_suggest_server(const struct config *config, const char *name, char *out, size_t cap)
{
    out[0] = '\0';
    for (size_t i = 0; i < config->server_count; i++) {
        if (suggest_is_slip(name, config->servers[i].name)) {
            (void)snprintf(out, cap, ", did you mean \"%s\"?", config->servers[i].name);
            return;
        }
    }
}

static void check_server_name(const struct checker *c, const char *key, const char *name)
{
    char hint[100];

    if (name != NULL && config_server(c->config, name) == NULL) {
        check_suggest_server(c->config, name, hint, sizeof hint);
        fault(c, key, "no server is named \"%s\"%s", name, hint);
    }
}

static void check_networks(const struct checker *c)
{
    const struct listen_config *l = &c->config->listen;
    struct cidr net;

    for (size_t i = 0; i < l->proxy_networks.count; i++) {
        if (!cidr_parse(l->proxy_networks.items[i], &net)) {
            fault(c, "listen.proxy_networks", "\"%s\" is no network, as 10.0.0.0/8",
                  l->proxy_networks.items[i]);
        }
    }
    if (l->proxy_protocol && l->proxy_networks.count == 0) {
        need(c, "listen.proxy_networks", "with listen.proxy_protocol: whose word is taken?");
    }
}

static void check_listen(const struct checker *c)
{
    const struct listen_config *l = &c->config->listen;
    size_t most = sizeof((struct sockaddr_un){0}.sun_path) - sizeof "/.s.PGSQL.65535";

    if (strlen(l->unix_dir) > most) {
        fault(c, "listen.unix_dir", "is longer than %zu bytes", most);
    }
    if (l->tls.mode != TLS_DISABLE && l->tls.certificate == NULL) {
        need(c, "listen.tls.certificate", "unless listen.tls.mode is disable");
    }
    if (l->tls.mode != TLS_DISABLE && l->tls.key == NULL) {
        need(c, "listen.tls.key", "unless listen.tls.mode is disable");
    }
    if ((l->tls.mode >= TLS_VERIFY_CA || l->tls.crl != NULL) && l->tls.ca == NULL) {
        need(c, "listen.tls.ca", "to check clients' certificates");
    }
}

static void check_auth(const struct checker *c)
{
    const struct auth_config *auth = &c->config->auth;

    if (auth->method == AUTH_HBA && auth->hba_file == NULL) {
        need(c, "auth.hba_file", "where auth.method is hba");
    }
    if (auth->method == AUTH_CERT && c->config->listen.tls.mode < TLS_VERIFY_CA) {
        fault(c, "auth.method", "cert needs listen.tls.mode verify-ca or verify-full");
    }
    if (auth->method == AUTH_PEER && c->config->listen.unix_dir[0] == '\0') {
        fault(c, "auth.method", "peer needs a socket in listen.unix_dir");
    }
}

static void check_jwt(const struct checker *c)
{
    const struct jwt_config *jwt = &c->config->auth.jwt;

    if (jwt->file == NULL && jwt->url == NULL) {
        return;
    }
    if (jwt->file != NULL && jwt->url != NULL) {
        fault(c, "auth.jwt.url", "file and url exclude each other");
    }
    if (jwt->url != NULL && strncmp(jwt->url, "https://", 8) != 0 &&
        strncmp(jwt->url, "http://127.0.0.1:", 17) != 0) {
        fault(c, "auth.jwt.url", "must begin with https://: whoever changes the keys makes tokens");
    }
    if (jwt->issuer == NULL) {
        need(c, "auth.jwt.issuer", "for tokens");
    }
    if (jwt->audience == NULL) {
        need(c, "auth.jwt.audience", "for tokens: else those for other services let in");
    }
}

static void check_auth_query(const struct checker *c)
{
    const struct auth_query_config *q = &c->config->auth.query;

    if (q->server == NULL) {
        if (q->database != NULL || q->user != NULL || q->password.kind != SECRET_NONE) {
            need(c, "auth.query.server", "for an auth query");
        }
        return;
    }
    check_server_name(c, "auth.query.server", q->server);
    if (q->database == NULL) {
        need(c, "auth.query.database", "for an auth query");
    }
    if (q->user == NULL) {
        need(c, "auth.query.user", "for an auth query");
    }
}

static void check_tenancy(const struct checker *c)
{
    const struct tenancy_config *t = &c->config->tenancy;
    const char *main_server = c->config->defaults.server;
    const struct server_config *server =
        main_server == NULL ? NULL : config_server(c->config, main_server);

    check_server_name(c, "tenancy.registry.server", t->registry.server);
    if (t->registry.server != NULL && t->registry.database == NULL) {
        need(c, "tenancy.registry.database", "for a registry");
    }
    if (t->registry.server == NULL && t->registry.database != NULL) {
        need(c, "tenancy.registry.server", "for a registry");
    }
    if (t->unknown == UNKNOWN_PROVISION && t->registry.server == NULL) {
        fault(c, "tenancy.unknown", "provision needs a tenancy.registry to keep tenants in");
    }
    if (t->unknown == UNKNOWN_PROVISION && server != NULL && server->admin.user == NULL) {
        fault(c, "tenancy.unknown", "provision needs servers.%s.admin to make tenants with",
              main_server);
    }
}

static void check_secrets(const struct checker *c)
{
    const char *store = c->config->secrets.store;

    if (store != NULL && config_provider(c->config, store) == NULL) {
        fault(c, "secrets.store", "no provider is named \"%s\" in secrets.providers", store);
    }
    for (size_t i = 0; i < c->config->secrets.environment.count; i++) {
        const char *name = c->config->secrets.environment.items[i];
        if (name[0] == '\0' || strchr(name, '=') != NULL) {
            fault(c, "secrets.environment", "\"%s\" is no name of a variable", name);
        }
    }
}

static void check_server(const struct checker *c, const struct server_config *s)
{
    const struct entry e = {.map = "servers", .name = s->name};

    if (s->tls.negotiation == TLS_DIRECT && s->tls.mode < TLS_REQUIRE) {
        check_entry_fault(c, &e, "tls.negotiation",
                          "direct needs tls.mode require, verify-ca or verify-full");
    }
    if ((s->tls.mode >= TLS_VERIFY_CA || s->tls.crl != NULL) && s->tls.ca == NULL) {
        entry_need(c, &e, "tls.ca", "to check the server's certificate");
    }
    if (s->tls.mode != TLS_DISABLE && s->tls.certificate != NULL && s->tls.key == NULL) {
        entry_need(c, &e, "tls.key", "with tls.certificate");
    }
    if (s->tls.mode != TLS_DISABLE && s->tls.key != NULL && s->tls.certificate == NULL) {
        entry_need(c, &e, "tls.certificate", "with tls.key");
    }
    if (s->admin.password.kind != SECRET_NONE && s->admin.user == NULL) {
        entry_need(c, &e, "admin.user", "with admin.password");
    }
}

static void check_http(const struct checker *c)
{
    bool has_user = c->config->http.user[0] != '\0';
    bool has_password = c->config->http.password.kind != SECRET_NONE;

    if (has_user && !has_password) {
        need(c, "http.password", "with http.user");
    } else if (has_password && !has_user) {
        need(c, "http.user", "with http.password");
    }
}

/* Would the method ask this user for a password that nothing here can tell? */
static bool lacks_password(const struct config *config, const struct user_config *u)
{
    enum auth_method method = config->auth.method;
    bool asked = method == AUTH_PASSWORD || method == AUTH_MD5 || method == AUTH_SCRAM;

    return asked && u->password.kind == SECRET_NONE && config->auth.query.server == NULL;
}

static void check_user(const struct checker *c, const struct user_config *u)
{
    const struct entry e = {.map = "users", .name = u->name};

    for (size_t i = 0; i < u->tenants.count; i++) {
        if (!pattern_is_tenants(u->tenants.items[i])) {
            const struct node *at = check_locate(c, &e, "tenants");
            at = at->kind == NODE_LIST && i < at->count ? at->entries[i].value : at;
            config_faults_add(c->faults, at->line, at->column,
                              "tenants: \"%s\" cannot match a tenant's name", u->tenants.items[i]);
        }
    }
    if (lacks_password(c->config, u)) {
        entry_need(c, &e, "password", "unless there is an auth.query or another auth.method");
    }
}

static void check_vault_login(const struct checker *c, const struct entry *e,
                              const struct provider_config *p)
{
    if (p->login == VAULT_TOKEN && p->token.kind == SECRET_NONE) {
        entry_need(c, e, "token", "for type vault");
    }
    if (p->login == VAULT_KUBERNETES && p->role == NULL) {
        entry_need(c, e, "role", "for login kubernetes");
    }
    if (p->login == VAULT_APPROLE && p->role_id.kind == SECRET_NONE) {
        entry_need(c, e, "role_id", "for login approle");
    }
}

static void check_provider(const struct checker *c, const struct provider_config *p)
{
    const struct entry e = {.map = "secrets.providers", .name = p->name};

    switch (p->type) {
    case PROVIDER_FILES:
    case PROVIDER_ENV:
        break;
    case PROVIDER_EXEC:
        if (p->command.count == 0) {
            entry_need(c, &e, "command", "for type exec");
        }
        break;
    case PROVIDER_AWS:
        if (p->region == NULL) {
            entry_need(c, &e, "region", "for type aws-secrets-manager");
        }
        break;
    case PROVIDER_VAULT:
        if (p->address == NULL) {
            entry_need(c, &e, "address", "for type vault");
        }
        check_vault_login(c, &e, p);
        break;
    case PROVIDER_DERIVE:
        if (p->key.kind == SECRET_NONE) {
            entry_need(c, &e, "key", "for type derive");
        }
        break;
    }
}

static void check_servers(const struct checker *c)
{
    if (c->config->server_count == 0) {
        fault(c, "servers", "at least one server is needed");
    }
    for (size_t i = 0; i < c->config->server_count; i++) {
        check_server(c, &c->config->servers[i]);
    }
}

void check_config(const struct config *config, const struct node *root,
                  struct config_faults *faults)
{
    const struct checker c = {.config = config, .root = root, .faults = faults};

    check_listen(&c);
    check_networks(&c);
    check_servers(&c);
    check_auth(&c);
    check_auth_query(&c);
    check_jwt(&c);
    check_http(&c);
    check_tenancy(&c);
    check_secrets(&c);
    for (size_t i = 0; i < config->user_count; i++) {
        check_user(&c, &config->users[i]);
    }
    for (size_t i = 0; i < config->secrets.provider_count; i++) {
        check_provider(&c, &config->secrets.providers[i]);
    }
    check_tenant(&c, "defaults", &config->defaults);
    for (size_t i = 0; i < config->tenant_count; i++) {
        check_tenant(&c, config->tenants[i].name, config->tenants[i].config);
    }
}
