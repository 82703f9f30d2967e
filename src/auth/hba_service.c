// SPDX-License-Identifier: MIT
#include "auth/hba_service.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

/* As the library numbers them. */
enum { SCOPE_BASE, SCOPE_ONE, SCOPE_SUB };

static const struct {
    const char *name;
    size_t place; /* of the text in the struct */
    bool ldap;
} texts[] = {
    {"pamservice", offsetof(struct hba_service, pam_service), false},
    {"ldapserver", offsetof(struct hba_service, server), true},
    {"ldapscheme", offsetof(struct hba_service, scheme), true},
    {"ldapprefix", offsetof(struct hba_service, prefix), true},
    {"ldapsuffix", offsetof(struct hba_service, suffix), true},
    {"ldapbasedn", offsetof(struct hba_service, base_dn), true},
    {"ldapbinddn", offsetof(struct hba_service, bind_dn), true},
    {"ldapbindpasswd", offsetof(struct hba_service, bind_password), true},
    {"ldapsearchattribute", offsetof(struct hba_service, attribute), true},
    {"ldapsearchfilter", offsetof(struct hba_service, filter), true},
};

enum { TEXTS = sizeof texts / sizeof texts[0] };

static char **text_at(struct hba_service *service, size_t i)
{
    return (char **)(void *)((char *)service + texts[i].place);
}

struct hba_service *hba_service_new(bool ldap)
{
    struct hba_service *service = x_zalloc(sizeof *service);

    service->ldap = ldap;
    service->scope = SCOPE_SUB;
    return service;
}

void hba_service_free(struct hba_service *service)
{
    if (service == NULL) {
        return;
    }
    for (size_t i = 0; i < TEXTS; i++) {
        if (*text_at(service, i) != NULL) {
            secure_free(*text_at(service, i));
        }
    }
    free(service);
}

static void put(char **text, char *value)
{
    free(*text);
    *text = value;
}

/* ---- numbers ---- */

static void set_port(struct hba_service *service, const char *value, const struct rule_token *token,
                     struct rule_faults *faults)
{
    char *end;
    long port = strtol(value, &end, 10);

    if (*value == '\0' || *end != '\0' || port < 1 || port > 65535) {
        rule_fault(faults, token, "\"%s\" is no port", value);
        return;
    }
    service->port = (int)port;
}

static void set_start_tls(struct hba_service *service, const char *value,
                          const struct rule_token *token, struct rule_faults *faults)
{
    if (strcmp(value, "0") != 0 && strcmp(value, "1") != 0) {
        rule_fault(faults, token, "ldaptls is 0 or 1");
        return;
    }
    service->start_tls = value[0] == '1';
}

/* ---- ldapurl ---- */

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Up to the character, or the end; *rest is behind it, NULL at the end. NULL for what is empty. */
static char *take_part(const char **rest, char until)
{
    const char *from = *rest;
    const char *end = from == NULL ? NULL : strchr(from, until);
    size_t n = from == NULL ? 0 : end == NULL ? strlen(from) : (size_t)(end - from);
    char *out;
    size_t k = 0;

    *rest = end == NULL ? NULL : end + 1;
    if (n == 0) {
        return NULL;
    }
    out = x_alloc(n + 1);
    for (size_t i = 0; i < n; i++) {
        bool escaped = from[i] == '%' && i + 2 < n && hex_digit(from[i + 1]) >= 0 &&
                       hex_digit(from[i + 2]) >= 0;
        out[k++] =
            (char)(escaped ? (hex_digit(from[i + 1]) << 4 | hex_digit(from[i + 2])) : from[i]);
        i += escaped ? 2 : 0;
    }
    out[k] = '\0';
    return out;
}

static void set_scope(struct hba_service *service, const char *word, const struct rule_token *token,
                      struct rule_faults *faults)
{
    static const char *const words[] = {"base", "one", "sub"};

    for (int i = 0; word != NULL && i <= SCOPE_SUB; i++) {
        if (strcmp(word, words[i]) == 0) {
            service->scope = i;
            return;
        }
    }
    if (word != NULL) {
        rule_fault(faults, token, "ldapurl: the scope is base, one or sub");
    }
}

/* ldap://host:port/base?attribute?scope?filter */
static void set_url(struct hba_service *service, const char *url, const struct rule_token *token,
                    struct rule_faults *faults)
{
    const char *rest = strstr(url, "://");
    size_t n = rest == NULL ? 0 : (size_t)(rest - url);

    if (!(n == 4 && strncmp(url, "ldap", 4) == 0) && !(n == 5 && strncmp(url, "ldaps", 5) == 0)) {
        rule_fault(faults, token, "ldapurl begins with ldap:// or ldaps://");
        return;
    }
    put(&service->scheme, x_strndup(slice_of(url, n)));
    rest += 3;
    char *host = take_part(&rest, '/');
    char *colon = host == NULL ? NULL : strrchr(host, ':');
    if (colon != NULL && strchr(colon, ']') == NULL) {
        *colon = '\0';
        set_port(service, colon + 1, token, faults);
    }
    put(&service->server, host);
    put(&service->base_dn, take_part(&rest, '?'));
    put(&service->attribute, take_part(&rest, '?'));
    char *scope = take_part(&rest, '?');
    set_scope(service, scope, token, faults);
    free(scope);
    put(&service->filter, take_part(&rest, '?'));
    if (rest != NULL) {
        rule_fault(faults, token, "ldapurl: extensions are not supported");
    }
}

/* ---- */

bool hba_service_set(struct hba_service *service, struct slice name, const char *value,
                     const struct rule_token *token, struct rule_faults *faults)
{
    for (size_t i = 0; i < TEXTS; i++) {
        if (slice_eq_str(name, texts[i].name) && texts[i].ldap == service->ldap) {
            put(text_at(service, i), x_strdup(value));
            return true;
        }
    }
    if (!service->ldap && slice_eq_str(name, "pam_use_hostname")) {
        if (strcmp(value, "0") != 0) {
            rule_fault(faults, token, "names of hosts are not looked up: pam_use_hostname is 0");
        }
    } else if (service->ldap && slice_eq_str(name, "ldapport")) {
        set_port(service, value, token, faults);
    } else if (service->ldap && slice_eq_str(name, "ldaptls")) {
        set_start_tls(service, value, token, faults);
    } else if (service->ldap && slice_eq_str(name, "ldapurl")) {
        set_url(service, value, token, faults);
    } else {
        return false;
    }
    return true;
}

static bool is_empty(const char *text)
{
    return text == NULL || text[0] == '\0';
}

void hba_service_check(const struct hba_service *service, const struct rule_line *line,
                       struct rule_faults *faults)
{
    bool composes = service->prefix != NULL || service->suffix != NULL;
    bool searches = service->base_dn != NULL || service->bind_dn != NULL ||
                    service->bind_password != NULL || service->attribute != NULL ||
                    service->filter != NULL;

    if (!service->ldap) {
        return;
    }
    if (is_empty(service->server) && is_empty(service->base_dn)) {
        rule_line_fault(faults, line,
                        "ldap needs ldapserver, or ldapbasedn of a domain whose servers DNS knows");
    }
    if (service->scheme != NULL && strcmp(service->scheme, "ldap") != 0 &&
        strcmp(service->scheme, "ldaps") != 0) {
        rule_line_fault(faults, line, "ldapscheme is ldap or ldaps");
    }
    if (composes && searches) {
        rule_line_fault(faults, line,
                        "ldapprefix and ldapsuffix say the name to bind as; it cannot be searched "
                        "for as well");
    } else if (!composes && service->base_dn == NULL) {
        rule_line_fault(faults, line, "ldap needs ldapbasedn, ldapprefix or ldapsuffix");
    }
    if (service->attribute != NULL && service->filter != NULL) {
        rule_line_fault(faults, line,
                        "ldapsearchattribute and ldapsearchfilter exclude each other");
    }
}
