// SPDX-License-Identifier: MIT
#include "judge/judge.h"

#ifdef FAHREND_LDAP

#include <ldap.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>

#include "base/alloc.h"
#include "base/buf.h"

#define USERNAME "$username"

bool judge_has_ldap(void)
{
    return true;
}

static int unreachable(int rc, const char *what, struct err *err)
{
    return err_set(err, ERR_CONNECTION, "LDAP: %s: %s", what, ldap_err2string(rc));
}

/* What has a meaning of its own in a name, or in a filter. */
static bool is_plain_name(const char *user, bool in_filter)
{
    return user[0] != '\0' && strpbrk(user, in_filter ? "*()\\/" : ",+\"\\<>;=#*()/") == NULL;
}

/* ---- connections ---- */

static bool is_named(const struct hba_service *service)
{
    return service->server != NULL && service->server[0] != '\0';
}

/* Where no server is named, DNS names those of the domain that the base is of: _ldap._tcp, each
 * with its port. To be freed; NULL with err set. */
static char *find_hosts(const struct hba_service *service, struct err *err)
{
    char *domain = NULL;
    char *list = NULL;

    if (is_named(service)) {
        return x_strdup(service->server);
    }
    if (ldap_dn2domain(service->base_dn, &domain) != 0 || domain == NULL) {
        (void)err_set(err, ERR_CONNECTION, "LDAP: ldapbasedn names no domain");
        return NULL;
    }
    int rc = ldap_domain2hostlist(domain, &list);
    if (rc != LDAP_SUCCESS) {
        (void)err_set(err, ERR_CONNECTION, "LDAP: DNS has no SRV records for %.100s", domain);
    }
    char *hosts = rc == LDAP_SUCCESS ? x_strdup(list) : NULL;
    ldap_memfree(domain);
    ldap_memfree(list);
    return hosts;
}

static char *uris_of(const struct hba_service *service, char *hosts)
{
    struct buf out = {0};
    char *rest = hosts;

    for (const char *host; (host = strsep(&rest, " ")) != NULL;) {
        if (*host == '\0') {
            continue;
        }
        char *uri =
            service->port > 0 && is_named(service)
                ? x_printf("%s://%s:%d ", service->scheme == NULL ? "ldap" : service->scheme, host,
                           service->port)
                : x_printf("%s://%s ", service->scheme == NULL ? "ldap" : service->scheme, host);
        buf_append_slice(&out, slice_str(uri));
        free(uri);
    }
    buf_append_u8(&out, 0);
    char *uris = x_strdup((const char *)out.p);
    buf_release(&out);
    return uris;
}

static void set_patience(LDAP *ldap)
{
    const struct timeval patience = {.tv_sec = JUDGE_PATIENCE};
    const int version = LDAP_VERSION3;

    (void)ldap_set_option(ldap, LDAP_OPT_PROTOCOL_VERSION, &version);
    (void)ldap_set_option(ldap, LDAP_OPT_NETWORK_TIMEOUT, &patience);
    (void)ldap_set_option(ldap, LDAP_OPT_TIMEOUT, &patience);
    (void)ldap_set_option(ldap, LDAP_OPT_REFERRALS, LDAP_OPT_OFF);
}

static int connect_to(const struct hba_service *service, LDAP **ldap, struct err *err)
{
    char *hosts = find_hosts(service, err);

    if (hosts == NULL) {
        return err->code;
    }
    char *uris = uris_of(service, hosts);
    int rc = ldap_initialize(ldap, uris);

    free(uris);
    free(hosts);
    if (rc != LDAP_SUCCESS) {
        return unreachable(rc, "cannot begin", err);
    }
    set_patience(*ldap);
    rc = service->start_tls ? ldap_start_tls_s(*ldap, NULL, NULL) : LDAP_SUCCESS;
    return rc == LDAP_SUCCESS ? 0 : unreachable(rc, "cannot begin TLS", err);
}

static void disconnect(LDAP *ldap)
{
    if (ldap != NULL) {
        (void)ldap_unbind_ext_s(ldap, NULL, NULL);
    }
}

/* As nobody where there is no name. */
static int bind_as(LDAP *ldap, const char *dn, const char *password)
{
    struct berval secret = {.bv_val = (char *)(uintptr_t)(password == NULL ? "" : password),
                            .bv_len = password == NULL ? 0 : strlen(password)};

    return ldap_sasl_bind_s(ldap, dn == NULL ? "" : dn, LDAP_SASL_SIMPLE, &secret, NULL, NULL,
                            NULL);
}

/* ---- the user's name there ---- */

static char *filter_for(const struct hba_service *service, const char *user)
{
    struct buf out = {0};
    const char *rest = service->filter;

    if (rest == NULL) {
        return x_printf("(%s=%s)", service->attribute == NULL ? "uid" : service->attribute, user);
    }
    for (const char *found; (found = strstr(rest, USERNAME)) != NULL;) {
        buf_append(&out, rest, (size_t)(found - rest));
        buf_append_slice(&out, slice_str(user));
        rest = found + strlen(USERNAME);
    }
    buf_append_slice(&out, slice_str(rest));
    buf_append_u8(&out, 0);
    char *filter = x_strdup((const char *)out.p);
    buf_release(&out);
    return filter;
}

/* One entry, or it is nobody. */
static int search(LDAP *ldap, const struct judge_question *question, char **dn, struct err *err)
{
    const struct hba_service *service = question->service;
    const char *attributes[] = {LDAP_NO_ATTRS, NULL};
    char *filter = filter_for(service, question->user);
    LDAPMessage *found = NULL;
    int rc = ldap_search_ext_s(ldap, service->base_dn, service->scope, filter,
                               (char **)(uintptr_t)attributes, 0, NULL, NULL, NULL, 2, &found);
    int count = found == NULL ? 0 : ldap_count_entries(ldap, found);

    free(filter);
    if (rc == LDAP_SUCCESS && count == 1) {
        *dn = ldap_get_dn(ldap, ldap_first_entry(ldap, found));
    }
    (void)ldap_msgfree(found);
    if (*dn != NULL) {
        return 0;
    }
    if (rc == LDAP_SUCCESS || rc == LDAP_SIZELIMIT_EXCEEDED || rc == LDAP_NO_SUCH_OBJECT) {
        return err_set(err, ERR_PASSWORD, "LDAP: %s entry of that name",
                       count == 0 ? "no" : "more than one");
    }
    return unreachable(rc, "cannot search", err);
}

static int find_name(const struct judge_question *question, char **dn, struct err *err)
{
    const struct hba_service *service = question->service;
    LDAP *ldap = NULL;
    int rc = connect_to(service, &ldap, err);

    if (rc == 0) {
        int bound = bind_as(ldap, service->bind_dn, service->bind_password);
        rc = bound == LDAP_SUCCESS ? search(ldap, question, dn, err)
                                   : unreachable(bound, "cannot bind to search", err);
    }
    disconnect(ldap);
    return rc;
}

/* ---- */

static int check(const struct judge_question *question, const char *dn, struct err *err)
{
    LDAP *ldap = NULL;
    int rc = connect_to(question->service, &ldap, err);

    if (rc == 0) {
        int bound = bind_as(ldap, dn, question->password);
        if (bound == LDAP_SERVER_DOWN || bound == LDAP_TIMEOUT || bound == LDAP_UNAVAILABLE ||
            bound == LDAP_CONNECT_ERROR || bound == LDAP_BUSY) {
            rc = unreachable(bound, "cannot bind", err);
        } else if (bound != LDAP_SUCCESS) {
            rc = err_set(err, ERR_PASSWORD, "LDAP: %s", ldap_err2string(bound));
        }
    }
    disconnect(ldap);
    return rc;
}

int judge_ask_ldap(const struct judge_question *question, struct err *err)
{
    const struct hba_service *service = question->service;
    char *dn = NULL;
    int rc;

    if (!is_plain_name(question->user, service->base_dn != NULL)) {
        return err_set(err, ERR_PASSWORD, "LDAP: a name with a character that has a meaning");
    }
    if (service->base_dn == NULL) {
        dn = x_printf("%s%s%s", service->prefix == NULL ? "" : service->prefix, question->user,
                      service->suffix == NULL ? "" : service->suffix);
        rc = check(question, dn, err);
        free(dn);
        return rc;
    }
    rc = find_name(question, &dn, err);
    rc = rc == 0 ? check(question, dn, err) : rc;
    ldap_memfree(dn);
    return rc;
}

#else

bool judge_has_ldap(void)
{
    return false;
}

/* A file of rules that asks for it is refused, so that nobody comes here. */
int judge_ask_ldap(const struct judge_question *question, struct err *err)
{
    (void)question;
    return err_set(err, ERR_CONNECTION, "this build has no LDAP");
}

#endif
