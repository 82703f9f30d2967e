// SPDX-License-Identifier: MIT
#include "ctl/tenant_login.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "ctl/target.h"
#include "tenant/access.h"

/* What the client says of itself; owned. */
struct words {
    char *user;
    char *database;
    char *options;
    char *application;
};

static const struct user_config *find_user(const struct config *config, const char *named,
                                           const char *tenant)
{
    if (named != NULL) {
        return config_user(config, slice_str(named));
    }
    for (size_t i = 0; i < config->user_count; i++) {
        if (access_allows(&config->users[i].tenants, slice_str(tenant))) {
            return &config->users[i];
        }
    }
    return NULL;
}

/* The pattern of a rule with its two places filled in. */
static char *fill_rule(const char *pattern, const char *tenant, const char *own)
{
    struct buf out = {0};

    for (const char *p = pattern; *p != '\0';) {
        if (*p == '{') {
            buf_printf(&out, "%s", strncmp(p, "{tenant}", 8) == 0 ? tenant : own);
            p += strcspn(p, "}") + 1;
        } else {
            buf_append_u8(&out, (uint8_t)*p++);
        }
    }
    char *text = x_strndup(buf_slice(&out));
    buf_release(&out);
    return text;
}

static void replace(char **word, char *by)
{
    free(*word);
    *word = by;
}

/* False where this rule reads what a program without TLS cannot say. */
static bool follow_rule(const struct resolve_rule *rule, const char *tenant, struct words *w)
{
    switch (rule->kind) {
    case RULE_PARAMETER:
        replace(&w->options, x_printf("-c %s=%s", rule->pattern, tenant));
        return true;
    case RULE_USER:
        replace(&w->user, fill_rule(rule->pattern, tenant, w->user));
        return true;
    case RULE_DATABASE:
        replace(&w->database, fill_rule(rule->pattern, tenant, w->database));
        return true;
    case RULE_APPLICATION_NAME:
        replace(&w->application, fill_rule(rule->pattern, tenant, w->application));
        return true;
    case RULE_SNI:
    case RULE_CERTIFICATE:
        break;
    }
    return false;
}

static bool name_tenant(const struct config *config, const char *tenant, struct words *w)
{
    for (size_t i = 0; i < config->tenancy.resolve.count; i++) {
        if (follow_rule(&config->tenancy.resolve.items[i], tenant, w)) {
            return true;
        }
    }
    return false;
}

static PGconn *connect_as(const struct target *target, const struct words *w, const char *password)
{
    const char *const keys[] = {"host",    "port",     "user",
                                "dbname",  "options",  "application_name",
                                "sslmode", "password", "connect_timeout",
                                NULL};
    const char *const values[] = {target->host,   target->port, w->user,  w->database, w->options,
                                  w->application, "prefer",     password, "10",        NULL};

    return PQconnectdbParams(keys, values, 0);
}

static void free_words(struct words *w)
{
    free(w->user);
    free(w->database);
    free(w->options);
    free(w->application);
}

/* What such a client says; to be freed. */
static int find_words(const struct config *config, const struct user_config *user,
                      const char *tenant, struct words *w, struct err *err)
{
    const struct tenant_entry *t = config_tenant(config, slice_str(tenant));
    const char *database = t == NULL ? config->defaults.database : t->config->database;
    bool plain = database != NULL && strchr(database, '{') == NULL;
    *w = (struct words){.user = x_strdup(user->name),
                        .database = x_strdup(plain ? database : user->name),
                        .options = x_strdup(""),
                        .application = x_strdup("fahrenctl")};
    if (!name_tenant(config, tenant, w)) {
        free_words(w);
        return err_set(err, ERR_NO_TENANT, "no rule of tenancy.resolve can be followed from here");
    }
    return 0;
}

static PGconn *log_in(const struct config *config, const struct target *target,
                      const struct user_config *user, const char *tenant, struct err *err)
{
    struct words w;

    if (find_words(config, user, tenant, &w, err) < 0) {
        return NULL;
    }
    char *password = target_password(&user->password);
    PGconn *conn = connect_as(target, &w, password);
    secure_free(password);
    if (conn != NULL && PQstatus(conn) != CONNECTION_OK) {
        const char *text = PQerrorMessage(conn);
        (void)err_set(err, ERR_CONNECTION, "%.*s", (int)strcspn(text, "\n"), text);
        PQfinish(conn);
        conn = NULL;
    }
    free_words(&w);
    return conn;
}

PGconn *tenant_login(const struct config *config, const struct options *options, const char *tenant,
                     struct err *err)
{
    const struct user_config *user = find_user(config, options->user, tenant);
    struct target target;

    if (user == NULL) {
        (void)err_set(err, ERR_NOT_ALLOWED, "no user of the file may enter the tenant");
        return NULL;
    }
    target_of(options, config, &target);
    PGconn *conn = log_in(config, &target, user, tenant, err);
    target_fini(&target);
    return conn;
}

/* As a part of a URI. */
static void append_escaped(struct buf *out, const char *text)
{
    for (; *text != '\0'; text++) {
        if (strchr("-._~", *text) != NULL || (*text >= '0' && *text <= '9') ||
            (*text >= 'a' && *text <= 'z') || (*text >= 'A' && *text <= 'Z')) {
            buf_append_u8(out, (uint8_t)*text);
        } else {
            buf_printf(out, "%%%02X", (unsigned)(unsigned char)*text);
        }
    }
}

static void append_parameter(struct buf *out, bool *first, const char *name, const char *value)
{
    buf_printf(out, "%s%s=", *first ? "?" : "&", name);
    append_escaped(out, value);
    *first = false;
}

static void append_url(struct buf *out, const struct target *target, const struct words *w)
{
    bool socket = target->host[0] == '/';
    bool first = true;

    buf_printf(out, "postgresql://");
    append_escaped(out, w->user);
    if (socket) {
        buf_printf(out, "@/");
    } else {
        buf_printf(out, strchr(target->host, ':') != NULL ? "@[%s]:%s/" : "@%s:%s/", target->host,
                   target->port);
    }
    append_escaped(out, w->database);
    if (socket) {
        append_parameter(out, &first, "host", target->host);
        append_parameter(out, &first, "port", target->port);
    }
    if (w->options[0] != '\0') {
        append_parameter(out, &first, "options", w->options);
    }
    if (strcmp(w->application, "fahrenctl") != 0) {
        append_parameter(out, &first, "application_name", w->application);
    }
}

int tenant_login_url(const struct config *config, const struct options *options, const char *tenant,
                     struct buf *out, struct err *err)
{
    const struct user_config *user = find_user(config, options->user, tenant);
    struct target target;
    struct words w;

    if (user == NULL) {
        return err_set(err, ERR_NOT_ALLOWED, "no user of the file may enter the tenant");
    }
    int rc = find_words(config, user, tenant, &w, err);
    if (rc < 0) {
        return rc;
    }
    target_of(options, config, &target);
    append_url(out, &target, &w);
    target_fini(&target);
    free_words(&w);
    return 0;
}
