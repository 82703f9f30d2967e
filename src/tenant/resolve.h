// SPDX-License-Identifier: MIT
//
// resolve: which tenant does a client belong to? Each rule looks at one thing that the client says
// of itself. A rule that finds nothing says nothing; all that find a name must find the same one.
//
// A name given outright (a startup parameter) must be a valid one. Where a pattern or a certificate
// gives something that cannot be a tenant's name, as "psql 15" out of "psql 15/report", the rule
// says nothing: the client may not have meant it. Either way an invalid name never leaves here.
//
// Nothing is allocated; what is returned points into what was given. Pure.
#ifndef TENANT_RESOLVE_H
#define TENANT_RESOLVE_H

#include "base/err.h"
#include "config/config.h"
#include "tenant/name.h"
#include "tenant/setting.h"

/* What a client says of itself; empty where it says nothing. */
struct identity {
    struct slice user;
    struct slice database;
    struct slice application_name;
    struct slice sni;                      /* the host that it asked TLS for */
    struct slice certificate_cn;           /* of a certificate that was verified */
    const struct slice *certificate_hosts; /* … and the names of hosts in it */
    size_t certificate_host_count;
    const struct context_setting *parameters; /* startup parameters and those out of `options` */
    size_t parameter_count;
};

struct resolved {
    char tenant[NAME_SIZE];
    /* As given, or without the tenant's part where a rule's pattern took it off. */
    struct slice user;
    struct slice database;
    struct slice application_name;
    bool nameless; /* no rule found any name */
};

/* 0, or ERR_NO_TENANT: no rule found a name, two found different ones, or one was not valid. The
 * names without the tenant's part are there in either case: whose password it is does not hang on
 * the tenant. */
int resolve_tenant(const struct tenancy_config *tenancy, const struct identity *identity,
                   struct resolved *resolved, struct err *err);

/* After success: takes the parameters that named the tenant out of the array, since they are no
 * settings of the server, and gives application_name the value that was resolved. Returns how many
 * are left. */
size_t resolve_strip(const struct tenancy_config *tenancy, const struct resolved *resolved,
                     struct context_setting *parameters, size_t n);

#endif
