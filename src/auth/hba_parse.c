// SPDX-License-Identifier: MIT
#include "auth/hba_entry.h"

#include <stdlib.h>

#include "base/alloc.h"

static const char *const kind_words[KINDS] = {"local",     "host",       "hostssl",
                                              "hostnossl", "hostgssenc", "hostnogssenc"};

/* A line while it is taken apart. */
struct parse {
    const struct rule_line *line;
    size_t at; /* the field that comes next */
    const struct hba_options *options;
    struct rule_faults *faults;
    struct hba_entry *entry;
};

/* ---- fields ---- */

static const struct rule_field *next_field(struct parse *p, const char *what)
{
    if (p->at >= p->line->count) {
        rule_line_fault(p->faults, p->line, "the line ends before %s", what);
        return NULL;
    }
    return &p->line->fields[p->at++];
}

/* The one token of the next field. */
static const struct rule_token *next_single(struct parse *p, const char *what)
{
    const struct rule_field *field = next_field(p, what);

    if (field == NULL) {
        return NULL;
    }
    if (field->count != 1) {
        rule_line_fault(p->faults, p->line, "%s must be one word", what);
        return NULL;
    }
    return &field->tokens[0];
}

static bool parse_kind(struct parse *p)
{
    const struct rule_token *token = next_single(p, "the type of connection");

    if (token == NULL) {
        return false;
    }
    for (int i = 0; i < KINDS; i++) {
        if (strcmp(token->text, kind_words[i]) == 0) {
            p->entry->kind = (enum hba_kind)i;
            return true;
        }
    }
    rule_fault(p->faults, token,
               "\"%s\" is no type of connection: local, host, hostssl, hostnossl, hostgssenc or "
               "hostnogssenc",
               token->text);
    return false;
}

static bool parse_names(struct parse *p)
{
    int before = p->faults->count;
    const struct rule_field *databases = next_field(p, "the database");
    const struct rule_field *users = databases == NULL ? NULL : next_field(p, "the user");

    if (users == NULL) {
        return false;
    }
    name_list_databases(&p->entry->databases, databases, p->faults);
    name_list_users(&p->entry->users, users, p->faults);
    if (!p->options->can_ask_roles &&
        (name_list_asks_roles(&p->entry->databases) || name_list_asks_roles(&p->entry->users))) {
        rule_line_fault(p->faults, p->line,
                        "+role and samerole need auth.query: memberships are asked for there");
    }
    return p->faults->count == before;
}

/* ---- addresses ---- */

static void add_net(struct hba_entry *entry, const struct cidr *net)
{
    entry->nets = x_realloc(entry->nets, (entry->net_count + 1) * sizeof *entry->nets);
    entry->nets[entry->net_count++] = *net;
}

static bool parse_mask(struct parse *p, struct cidr *net)
{
    const struct rule_token *token = next_single(p, "the mask of the address");

    if (token == NULL) {
        return false;
    }
    if (cidr_parse_ip(token->text, net->mask) != net->size) {
        rule_fault(p->faults, token, "\"%s\" is no mask for this address", token->text);
        return false;
    }
    return true;
}

static bool parse_net(struct parse *p, const struct rule_token *token)
{
    struct cidr net = {0};
    const char *slash = strchr(token->text, '/');

    if (slash != NULL && cidr_parse(token->text, &net)) {
        add_net(p->entry, &net);
        return true;
    }
    if (slash != NULL && net.size > 0) {
        rule_fault(p->faults, token, "\"%s\" has no valid number of bits", token->text);
        return false;
    }
    net.size = cidr_parse_ip(token->text, net.ip);
    if (net.size == 0) {
        rule_fault(p->faults, token,
                   "\"%s\" is no address; names of hosts are not looked up: write the address",
                   token->text);
        return false;
    }
    if (!parse_mask(p, &net)) {
        return false;
    }
    add_net(p->entry, &net);
    return true;
}

static void add_interfaces(struct parse *p, bool whole_net)
{
    for (size_t i = 0; i < p->options->interface_count; i++) {
        const struct hba_interface *own = &p->options->interfaces[i];
        struct cidr net = {.size = own->size};
        memcpy(net.ip, own->ip, sizeof net.ip);
        memcpy(net.mask, own->mask, sizeof net.mask);
        if (!whole_net) {
            cidr_set_prefix(&net, net.size * 8U);
        }
        add_net(p->entry, &net);
    }
}

static bool parse_address(struct parse *p)
{
    const struct rule_token *token = next_single(p, "the address");

    if (token == NULL) {
        return false;
    }
    if (rule_token_is(token, "all")) {
        p->entry->any_address = true;
    } else if (rule_token_is(token, "samehost")) {
        add_interfaces(p, false);
    } else if (rule_token_is(token, "samenet")) {
        add_interfaces(p, true);
    } else {
        return parse_net(p, token);
    }
    return true;
}

/* ---- method and options ---- */

/* pam and ldap ask others, where this build can. */
static bool begin_service(struct parse *p, const struct rule_token *token)
{
    bool pam = p->entry->rule.method == HBA_PAM;
    bool ldap = p->entry->rule.method == HBA_LDAP;

    if ((pam && !p->options->has_pam) || (ldap && !p->options->has_ldap)) {
        rule_fault(p->faults, token, "fahrend was built without %s", pam ? "PAM" : "LDAP");
        return false;
    }
    if (pam || ldap) {
        p->entry->rule.service = p->entry->service = hba_service_new(ldap);
    }
    return true;
}

static bool parse_method(struct parse *p)
{
    static const struct {
        const char *word;
        enum hba_method method;
    } methods[] = {{"reject", HBA_REJECT},
                   {"trust", HBA_TRUST},
                   {"password", HBA_PASSWORD},
                   {"md5", HBA_MD5},
                   {"scram-sha-256", HBA_SCRAM},
                   {"cert", HBA_CERT},
                   {"peer", HBA_PEER},
                   {"pam", HBA_PAM},
                   {"ldap", HBA_LDAP}};
    const struct rule_token *token = next_single(p, "the method");

    if (token == NULL) {
        return false;
    }
    for (size_t i = 0; i < sizeof methods / sizeof methods[0]; i++) {
        if (strcmp(token->text, methods[i].word) == 0) {
            p->entry->rule.method = methods[i].method;
            break;
        }
        if (i + 1 == sizeof methods / sizeof methods[0]) {
            rule_fault(p->faults, token,
                       "method \"%s\" is not supported: trust, reject, md5, password, "
                       "scram-sha-256, cert, peer, pam or ldap",
                       token->text);
            return false;
        }
    }
    if (p->entry->rule.method == HBA_PEER && p->entry->kind != KIND_LOCAL) {
        rule_fault(p->faults, token, "peer is for local connections only");
        return false;
    }
    if (p->entry->rule.method == HBA_CERT && p->entry->kind != KIND_HOSTSSL) {
        rule_fault(p->faults, token, "cert is for hostssl connections only");
        return false;
    }
    return begin_service(p, token);
}

static void parse_tenants(struct parse *p, const struct rule_token *token, const char *value)
{
    struct slice rest = slice_str(value);

    if (value[0] == '/') { /* a regular expression may hold commas */
        name_list_add_tenant(&p->entry->tenants, rest, token, p->faults);
        return;
    }
    for (;;) {
        ptrdiff_t comma = slice_find(rest, ',');
        struct slice one = comma < 0 ? rest : slice_head(rest, (size_t)comma);
        name_list_add_tenant(&p->entry->tenants, one, token, p->faults);
        if (comma < 0) {
            return;
        }
        rest = slice_from(rest, (size_t)comma + 1);
    }
}

static void parse_clientcert(struct parse *p, const struct rule_token *token, const char *value)
{
    if (p->entry->kind != KIND_HOSTSSL) {
        rule_fault(p->faults, token, "clientcert is for hostssl connections only");
    } else if (strcmp(value, "verify-full") == 0) {
        p->entry->rule.clientcert = HBA_CERT_VERIFY_FULL;
    } else if (strcmp(value, "verify-ca") == 0 && p->entry->rule.method != HBA_CERT) {
        p->entry->rule.clientcert = HBA_CERT_VERIFY_CA;
    } else {
        rule_fault(p->faults, token, "clientcert is verify-ca or verify-full%s",
                   p->entry->rule.method == HBA_CERT ? ", with cert verify-full only" : "");
    }
}

static void parse_map(struct parse *p, const struct rule_token *token, const char *value)
{
    if (p->entry->rule.method != HBA_CERT && p->entry->rule.method != HBA_PEER) {
        rule_fault(p->faults, token, "map is for the methods cert and peer only");
        return;
    }
    free(p->entry->map);
    p->entry->rule.map = p->entry->map = x_strdup(value);
}

static void parse_option(struct parse *p, const struct rule_token *token)
{
    const char *equals = strchr(token->text, '=');
    struct slice name = equals == NULL ? slice_str(token->text)
                                       : slice_of(token->text, (size_t)(equals - token->text));

    if (equals == NULL) {
        rule_fault(p->faults, token, "\"%s\" is no option: name=value", token->text);
    } else if (slice_eq_str(name, "tenant")) {
        parse_tenants(p, token, equals + 1);
    } else if (slice_eq_str(name, "map")) {
        parse_map(p, token, equals + 1);
    } else if (slice_eq_str(name, "clientcert")) {
        parse_clientcert(p, token, equals + 1);
    } else if (slice_eq_str(name, "clientname") && strcmp(equals + 1, "CN") == 0) {
        return; /* what is compared anyway */
    } else if (p->entry->service == NULL ||
               !hba_service_set(p->entry->service, name, equals + 1, token, p->faults)) {
        rule_fault(
            p->faults, token,
            "option \"%.*s\" is not supported here: tenant, map, clientcert, clientname=CN, and "
            "those of pam and ldap",
            (int)name.n, (const char *)name.p);
    }
}

/* Behind tenant= a comma parts tenants. */
static void parse_options(struct parse *p)
{
    while (p->at < p->line->count) {
        const struct rule_field *field = &p->line->fields[p->at++];
        bool tenants = false;
        for (size_t i = 0; i < field->count; i++) {
            const struct rule_token *token = &field->tokens[i];
            if (tenants && strchr(token->text, '=') == NULL) {
                parse_tenants(p, token, token->text);
            } else {
                parse_option(p, token);
                tenants = strncmp(token->text, "tenant=", 7) == 0;
            }
        }
    }
}

void hba_parse_line(struct hba_entry *entry, const struct rule_line *line,
                    const struct hba_options *options, struct rule_faults *faults)
{
    struct parse parse = {.line = line, .options = options, .faults = faults, .entry = entry};
    struct parse *p = &parse;

    p->entry->rule.file = p->entry->file = x_strdup(p->line->file);
    p->entry->rule.line = p->line->line;
    if (!parse_kind(p) || !parse_names(p)) {
        return;
    }
    if (p->entry->kind != KIND_LOCAL && !parse_address(p)) {
        return;
    }
    if (!parse_method(p)) {
        return;
    }
    parse_options(p);
    if (p->entry->service != NULL) {
        hba_service_check(p->entry->service, line, faults);
    }
}
