// SPDX-License-Identifier: MIT
#include "proxy/client_method.h"

#include <pwd.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/limits.h"

/* Names in messages are cut, as they may be long. */
#define SHOWN(s) (int)((s).n < LIMIT_NAME ? (s).n : LIMIT_NAME), (const char *)(s).p

static struct hba_facts facts_of(const struct client_origin *origin,
                                 const struct client_identity *identity,
                                 const struct role_list *roles)
{
    struct hba_facts facts = {
        .transport = HBA_OVER_UNIX,
        .user = identity->user,
        .database = identity->database,
        .tenant = slice_str(identity->tenant),
        .physical_replication =
            identity->replication.n > 0 && !slice_eq_str(identity->replication, "database"),
        .roles = roles,
    };

    if (origin->peer.family == AF_INET || origin->peer.family == AF_INET6) {
        facts.transport = origin->encrypted ? HBA_OVER_TLS : HBA_OVER_TCP;
        facts.ip_size = origin->peer.family == AF_INET ? 4 : 16;
        memcpy(facts.ip, origin->peer.ip, sizeof facts.ip);
    }
    return facts;
}

/* PostgreSQL's words, with PgBouncer's ahead where it has some. */
static int refuse(const struct client_origin *origin, const struct client_identity *identity,
                  bool rejected, struct err *err)
{
    char host[ADDR_TEXT];
    bool local = origin->peer.family != AF_INET && origin->peer.family != AF_INET6;

    addr_print_host(&origin->peer, host, sizeof host);
    return err_set(err, ERR_NOT_ALLOWED, "%s host \"%s\", user \"%.*s\", database \"%.*s\", %s",
                   rejected ? "pg_hba.conf rejects connection for"
                            : "no authentication method is found: no pg_hba.conf entry for",
                   local ? "[local]" : host, SHOWN(identity->user), SHOWN(identity->database),
                   origin->encrypted ? "SSL encryption" : "no encryption");
}

static enum auth_method kind_of(enum hba_method method)
{
    switch (method) {
    case HBA_TRUST:
        return AUTH_TRUST;
    case HBA_PASSWORD:
        return AUTH_PASSWORD;
    case HBA_MD5:
        return AUTH_MD5;
    case HBA_CERT:
        return AUTH_CERT;
    case HBA_PEER:
        return AUTH_PEER;
    case HBA_PAM:
    case HBA_LDAP:
        return AUTH_SERVICE;
    case HBA_SCRAM:
    case HBA_REJECT: /* which never comes here */
        break;
    }
    return AUTH_SCRAM;
}

int client_method_choose(struct client_method *method, const struct realm *realm,
                         const struct client_origin *origin, const struct client_identity *identity,
                         const struct role_list *roles, struct err *err)
{
    const struct hba *hba = realm_rules(realm)->hba;
    const struct hba_rule *rule;
    struct hba_facts facts = facts_of(origin, identity, roles);

    *method = (struct client_method){.kind = realm_config(realm)->auth.method};
    if (method->kind != AUTH_HBA) {
        return 0;
    }
    switch (hba_find(hba, &facts, &rule)) {
    case HBA_NEEDS_ROLES:
        return 1;
    case HBA_NO_RULE:
        return refuse(origin, identity, false, err);
    case HBA_FOUND:
        break;
    }
    if (rule->method == HBA_REJECT) {
        return refuse(origin, identity, true, err);
    }
    method->kind = kind_of(rule->method);
    method->map = rule->map;
    method->clientcert = rule->clientcert;
    method->service = rule->service;
    return 0;
}

int client_method_check_certificate(const struct client_method *method, const struct realm *realm,
                                    const struct client_origin *origin, struct slice user,
                                    struct err *err)
{
    if (method->clientcert == HBA_CERT_ANY && method->kind != AUTH_CERT) {
        return 0;
    }
    if (!origin->certificate_verified) {
        return err_set(err, ERR_NOT_ALLOWED, "connection requires a valid client certificate");
    }
    bool named = method->clientcert == HBA_CERT_VERIFY_FULL || method->kind == AUTH_CERT;
    return named ? client_method_check_name(method, realm, origin->certificate_cn, user, err) : 0;
}

int client_method_check_name(const struct client_method *method, const struct realm *realm,
                             struct slice name, struct slice user, struct err *err)
{
    if (ident_maps_allow(realm_rules(realm)->ident, method->map, name, user)) {
        return 0;
    }
    return err_set(err, ERR_NOT_ALLOWED, "%s authentication failed for user \"%.*s\"",
                   method->kind == AUTH_PEER ? "peer" : "certificate", SHOWN(user));
}

char *client_method_owner(uid_t uid)
{
    size_t size = 16384;
    char *memory = x_alloc(size);
    char *name = NULL;
    struct passwd passwd;
    struct passwd *found = NULL;

    if (getpwuid_r(uid, &passwd, memory, size, &found) == 0 && found != NULL) {
        name = x_strdup(found->pw_name);
    }
    free(memory);
    return name;
}
