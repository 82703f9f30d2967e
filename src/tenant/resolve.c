// SPDX-License-Identifier: MIT
#include "tenant/resolve.h"

#include <assert.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "tenant/split.h"

/* What the rules have found so far. */
struct findings {
    const struct resolve_rule *rule;     /* the first that found a name, or NULL */
    struct slice name;                   /* that it found */
    bool saw_invalid;                    /* a pattern gave what cannot be a name */
    bool stripped[RULE_CERTIFICATE + 1]; /* by kind: a pattern has taken the tenant's part off */
};

/* What is special about a kind of rule. */
static const struct {
    const char *label;    /* for messages */
    ptrdiff_t source;     /* the struct slice of identity it looks at, or -1 */
    ptrdiff_t target;     /* the struct slice of resolved it rewrites, or -1 */
    bool fold;            /* literals match in either case */
    bool rest_may_vanish; /* the rewritten one may be empty */
} kinds[] = {
    [RULE_PARAMETER] = {"startup parameter", -1, -1, false, false},
    [RULE_USER] = {"user", offsetof(struct identity, user), offsetof(struct resolved, user), false,
                   false},
    [RULE_DATABASE] = {"database", offsetof(struct identity, database),
                       offsetof(struct resolved, database), false, false},
    [RULE_SNI] = {"TLS host name", offsetof(struct identity, sni), -1, true, false},
    [RULE_APPLICATION_NAME] = {"application_name", offsetof(struct identity, application_name),
                               offsetof(struct resolved, application_name), false, true},
    [RULE_CERTIFICATE] = {"certificate", offsetof(struct identity, certificate_cn), -1, false,
                          false},
};

static struct slice get_source(const struct identity *identity, enum rule_kind kind)
{
    return *(const struct slice *)(const void *)((const char *)identity + kinds[kind].source);
}

static struct slice *get_target(struct resolved *resolved, enum rule_kind kind)
{
    return (struct slice *)(void *)((char *)resolved + kinds[kind].target);
}

/* Takes note of a valid name; every other rule must have found the same. */
static int agree(struct findings *findings, const struct resolve_rule *rule, struct slice name,
                 struct err *err)
{
    if (findings->rule == NULL) {
        findings->rule = rule;
        findings->name = name;
        return 0;
    }
    if (slice_eq(findings->name, name)) {
        return 0;
    }
    return err_set(err, ERR_NO_TENANT,
                   "%s \"%.100s\" names tenant \"%.*s\", but %s \"%.100s\" names \"%.*s\"",
                   kinds[findings->rule->kind].label, findings->rule->pattern,
                   (int)findings->name.n, (const char *)findings->name.p, kinds[rule->kind].label,
                   rule->pattern, (int)name.n, (const char *)name.p);
}

/* A parameter may come more than once: every occurrence has its say. */
static int ask_parameters(const struct resolve_rule *rule, const struct identity *identity,
                          struct findings *findings, struct err *err)
{
    for (size_t i = 0; i < identity->parameter_count; i++) {
        const struct context_setting *parameter = &identity->parameters[i];
        if (!setting_name_eq(parameter->name, slice_str(rule->pattern))) {
            continue;
        }
        if (!name_valid(parameter->value)) {
            return err_set(err, ERR_NO_TENANT, "invalid tenant name in %s \"%.100s\"",
                           kinds[rule->kind].label, rule->pattern);
        }
        int rc = agree(findings, rule, parameter->value, err);
        if (rc < 0) {
            return rc;
        }
    }
    return 0;
}

static bool match_rule(const struct resolve_rule *rule, struct slice source,
                       struct split_parts *parts)
{
    if (rule->kind == RULE_CERTIFICATE) {
        *parts = (struct split_parts){.tenant = source};
        return source.n > 0;
    }
    if (!split_name(slice_str(rule->pattern), source, kinds[rule->kind].fold, parts)) {
        return false;
    }
    return !parts->has_rest || parts->rest.n > 0 || kinds[rule->kind].rest_may_vanish;
}

/* A certificate may be for several hosts: every one has its say. */
static int ask_hosts(const struct resolve_rule *rule, const struct identity *identity,
                     struct findings *findings, struct err *err)
{
    for (size_t i = 0; i < identity->certificate_host_count; i++) {
        struct slice name = identity->certificate_hosts[i];
        int rc = 0;
        if (name_valid(name)) {
            rc = agree(findings, rule, name, err);
        } else {
            findings->saw_invalid = true;
        }
        if (rc < 0) {
            return rc;
        }
    }
    return 0;
}

static int ask_pattern(const struct resolve_rule *rule, const struct identity *identity,
                       struct findings *findings, struct resolved *resolved, struct err *err)
{
    struct split_parts parts;

    if (!match_rule(rule, get_source(identity, rule->kind), &parts)) {
        return 0;
    }
    if (!name_valid(parts.tenant)) {
        findings->saw_invalid = true;
        return 0;
    }
    if (parts.has_rest && kinds[rule->kind].target >= 0 && !findings->stripped[rule->kind]) {
        *get_target(resolved, rule->kind) = parts.rest;
        findings->stripped[rule->kind] = true;
    }
    return agree(findings, rule, parts.tenant, err);
}

static int ask(const struct resolve_rule *rule, const struct identity *identity,
               struct findings *findings, struct resolved *resolved, struct err *err)
{
    if (rule->kind == RULE_PARAMETER) {
        return ask_parameters(rule, identity, findings, err);
    }
    if (rule->kind == RULE_CERTIFICATE && strcmp(rule->pattern, "san") == 0) {
        return ask_hosts(rule, identity, findings, err);
    }
    return ask_pattern(rule, identity, findings, resolved, err);
}

/* Says by what a client can name its tenant, as far as the hint has room. */
static void hint_rules(const struct tenancy_config *tenancy, struct err *err)
{
    char text[sizeof err->hint - 32];
    size_t used = 0;

    for (size_t i = 0; i < tenancy->resolve.count; i++) {
        const struct resolve_rule *rule = &tenancy->resolve.items[i];
        int n = snprintf(text + used, sizeof text - used, "%s%s \"%s\"", i == 0 ? "" : " or ",
                         kinds[rule->kind].label, rule->pattern);
        if (n < 0 || (size_t)n >= sizeof text - used) {
            break; /* the half-written rule is cut off below */
        }
        used += (size_t)n;
    }
    if (used == 0) {
        err_hint(err, "see tenancy.resolve in the configuration of the proxy");
    } else {
        err_hint(err, "name the tenant by %.*s", (int)used, text);
    }
}

static int refuse_nameless(const struct tenancy_config *tenancy, const struct findings *findings,
                           struct err *err)
{
    int rc = err_set(err, ERR_NO_TENANT, "no tenant could be resolved%s",
                     findings->saw_invalid ? ": invalid tenant name" : "");

    if (err != NULL) {
        hint_rules(tenancy, err);
    }
    return rc;
}

int resolve_tenant(const struct tenancy_config *tenancy, const struct identity *identity,
                   struct resolved *resolved, struct err *err)
{
    struct findings findings = {.rule = NULL};
    int failed = 0;

    *resolved = (struct resolved){
        .user = identity->user,
        .database = identity->database,
        .application_name = identity->application_name,
    };
    for (size_t i = 0; i < tenancy->resolve.count; i++) {
        const struct resolve_rule *rule = &tenancy->resolve.items[i];
        struct err *first = failed == 0 ? err : NULL;
        int rc = ask(rule, identity, &findings, resolved, first);
        failed = failed == 0 ? rc : failed;
    }
    if (failed < 0) {
        return failed;
    }
    if (findings.rule == NULL) {
        resolved->nameless = true;
        return refuse_nameless(tenancy, &findings, err);
    }
    assert(findings.name.n < sizeof resolved->tenant);
    memcpy(resolved->tenant, findings.name.p, findings.name.n);
    return 0;
}

static bool names_tenant(const struct tenancy_config *tenancy, struct slice name)
{
    for (size_t i = 0; i < tenancy->resolve.count; i++) {
        if (tenancy->resolve.items[i].kind == RULE_PARAMETER &&
            setting_name_eq(name, slice_str(tenancy->resolve.items[i].pattern))) {
            return true;
        }
    }
    return false;
}

size_t resolve_strip(const struct tenancy_config *tenancy, const struct resolved *resolved,
                     struct context_setting *parameters, size_t n)
{
    size_t kept = 0;

    for (size_t i = 0; i < n; i++) {
        struct context_setting parameter = parameters[i];
        if (names_tenant(tenancy, parameter.name)) {
            continue;
        }
        if (setting_name_eq(parameter.name, slice_str("application_name"))) {
            parameter.value = resolved->application_name;
        }
        parameters[kept++] = parameter;
    }
    return kept;
}
