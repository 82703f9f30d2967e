// SPDX-License-Identifier: MIT
//
// fuzz_tenant_resolve: the input is lines: a pattern, then what a client says of itself (user,
// database, application_name, host, certificate, and a parameter's name and value). The pattern
// serves every kind of rule. Whatever comes out must be a valid name that stands in the input, and
// saying it twice must change nothing.
#include <assert.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/glob.h"
#include "tenant/resolve.h"

enum { RULES = RULE_CERTIFICATE + 1 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct slice take_line(struct slice *rest)
{
    ptrdiff_t end = slice_find(*rest, '\n');
    struct slice line = end < 0 ? *rest : slice_head(*rest, (size_t)end);

    *rest = slice_from(*rest, line.n + 1);
    return line;
}

static bool contains(struct slice whole, struct slice part)
{
    return part.n == 0 || (whole.n > 0 && memmem(whole.p, whole.n, part.p, part.n) != NULL);
}

static void check_resolved(const struct identity *identity, const struct resolved *resolved,
                           struct slice input)
{
    struct slice tenant = slice_str(resolved->tenant);

    assert(name_valid(tenant) && contains(input, tenant));
    assert(contains(identity->user, resolved->user));
    assert(contains(identity->database, resolved->database));
    assert(contains(identity->application_name, resolved->application_name));
    assert((identity->user.n == 0) == (resolved->user.n == 0));
    assert((identity->database.n == 0) == (resolved->database.n == 0));
}

/* One rule of each kind alone, and then all of them: those that agree alone agree together. */
static void resolve_all(const struct resolve_rule *rules, const struct identity *identity,
                        struct slice input)
{
    struct tenancy_config all = {.resolve = {rules, RULES}};
    struct resolved together;
    struct err err = {0};
    int rc = resolve_tenant(&all, identity, &together, &err);
    bool any = false;

    assert(rc == 0 || (rc == ERR_NO_TENANT && err.code == rc && err.text[0] != '\0'));
    for (size_t i = 0; i < RULES; i++) {
        struct tenancy_config one = {.resolve = {&rules[i], 1}};
        struct resolved alone;
        if (resolve_tenant(&one, identity, &alone, NULL) == 0) {
            any = true;
            check_resolved(identity, &alone, input);
            assert(rc < 0 || strcmp(alone.tenant, together.tenant) == 0);
        }
    }
    if (rc == 0) {
        assert(any);
        check_resolved(identity, &together, input);
    }
}

static void strip(const struct resolve_rule *rules, struct slice name, struct slice value)
{
    struct tenancy_config all = {.resolve = {rules, RULES}};
    struct resolved resolved = {.tenant = "t"};
    struct context_setting parameters[] = {{name, value, false}, {name, value, false}};

    size_t left = resolve_strip(&all, &resolved, parameters, 2);

    assert(left == (setting_name_eq(name, slice_str(rules[RULE_PARAMETER].pattern)) ? 0 : 2));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice rest = slice_of(data, size);
    char *pattern = x_strndup(take_line(&rest));
    struct slice input = rest;
    struct resolve_rule rules[RULES];
    struct context_setting parameter = {.fixed = false};
    struct identity identity = {
        .user = take_line(&rest),
        .database = take_line(&rest),
        .application_name = take_line(&rest),
        .sni = take_line(&rest),
        .certificate_cn = take_line(&rest),
        .parameters = &parameter,
        .parameter_count = 1,
    };

    parameter.name = take_line(&rest);
    parameter.value = take_line(&rest);
    for (int i = 0; i < RULES; i++) {
        rules[i] = (struct resolve_rule){(enum rule_kind)i, pattern};
    }
    rules[RULE_PARAMETER].pattern = "app.tenant";
    resolve_all(rules, &identity, input);
    strip(rules, parameter.name, parameter.value);
    (void)glob_match(slice_str(pattern), identity.user);
    free(pattern);
    return 0;
}
