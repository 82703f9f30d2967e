// SPDX-License-Identifier: MIT
//
// ALTER TENANT name ROTATE PASSWORD: the tenant's role gets another password. First the store has
// it as the next one, then the server, then the store as the current one; who is refused with the
// current one tries the next one, so that at every point, also after a crash, one of the two is
// right. Derived passwords are of the next epoch and need no first step. At last the epoch in the
// registry's row is counted up, which tells every proxy. What fails before the server has the
// password leaves everything as it was; the same command again finishes what was cut off, with a
// password of its own.
#include "provision/tenant_work.h"

#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "provision/registry_table.h"
#include "provision/role_password.h"
#include "provision/tenant_role.h"
#include "provision/workplace.h"

struct rotate {
    struct workplace place;
    const struct tenant_request *request;
    struct tenant_outcome *outcome;
    char *password; /* the new one */
};

static struct err *err_of(struct rotate *r)
{
    return &r->outcome->report.err;
}

static bool failed(const struct rotate *r)
{
    return report_failed(&r->outcome->report);
}

static struct store_key key_of(const struct rotate *r, int epoch)
{
    return (struct store_key){.id = r->request->spec.role, .epoch = (uint32_t)epoch};
}

static const struct provider_config *store_of(const struct rotate *r)
{
    return role_password_store(r->request->secrets);
}

static void check(struct rotate *r)
{
    const struct tenant_spec *spec = &r->request->spec;

    if (!spec->logs_in || !spec->owns_role) {
        (void)err_set(err_of(r), ERR_WRONG_STATE,
                      "tenant \"%s\" does not log in with a role of its own: login: tenant",
                      spec->tenant);
    } else if (store_of(r) == NULL) {
        (void)err_set(err_of(r), ERR_WRONG_STATE, "there is no store for passwords: secrets.store");
    } else if (store_derives(store_of(r)) && r->request->in_file) {
        (void)err_set(err_of(r), ERR_WRONG_STATE, "tenant \"%s\" is in the configuration file",
                      spec->tenant);
        err_hint(err_of(r),
                 "Count its password_epoch up there, RELOAD, and say CREATE TENANT again.");
    }
}

static void write_to_store(struct rotate *r, enum store_turn turn)
{
    struct store_key key = key_of(r, 0);
    struct store_turned turned;

    if (!failed(r) && store_turn(store_of(r), &key, turn, &turned)) {
        (void)store_write(r->request->secrets, store_of(r), &turned.key, r->password, err_of(r));
    }
}

static void choose(struct rotate *r)
{
    struct store_key key = key_of(r, r->request->spec.config->password_epoch + 1);

    if (store_derives(store_of(r))) {
        (void)store_read(r->request->secrets, store_of(r), &key, &r->password, err_of(r));
        return;
    }
    r->password = x_alloc(STORE_PASSWORD_SIZE);
    store_new_password(r->password);
}

static void change(struct rotate *r)
{
    struct script s = workplace_admin(&r->place, r->request->spec.role);
    char *verifier = role_password_verifier(r->password);

    script_do(&s, "BEGIN");
    tenant_role_set_password(&s, &r->request->spec, verifier);
    secure_free(verifier);
    if (!store_derives(store_of(r))) {
        write_to_store(r, STORE_NEXT);
    }
    script_do(&s, "COMMIT"); /* does nothing where something failed */
}

/* The row's epoch; its state stays. */
static void count_epoch(struct rotate *r)
{
    struct script s = workplace_registry(&r->place, r->request->spec.tenant);
    char options[64];
    struct roster_record row;

    (void)snprintf(options, sizeof options, "{\"password_epoch\": \"%d\"}",
                   r->request->spec.config->password_epoch + 1);
    if (failed(r) || registry_table_read(s.conn, r->request->spec.tenant, &row, err_of(r)) < 0) {
        return;
    }
    struct roster_record given = row;
    given.options = options;
    if (registry_table_update(s.conn, &given, &r->outcome->record, err_of(r)) == 0) {
        r->outcome->has_record = true;
    }
    roster_record_fini(&row);
}

static void keep(struct rotate *r)
{
    if (!store_derives(store_of(r))) {
        write_to_store(r, STORE_CURRENT);
    }
    if (!failed(r) && !r->request->in_file && r->request->registry.hosts != NULL) {
        count_epoch(r);
    }
    if (failed(r)) {
        err_wrap(err_of(r), "the server has a new password");
        err_hint(err_of(r),
                 "The tenant's clients are served; say ALTER TENANT %s ROTATE PASSWORD again.",
                 r->request->spec.tenant);
    }
}

/* It is the current one now. One that cannot be forgotten does no harm. */
static void forget_next(struct rotate *r)
{
    struct store_key key = key_of(r, 0);
    struct store_turned turned;
    struct err ignored;

    if (!store_derives(store_of(r)) && store_turn(store_of(r), &key, STORE_NEXT, &turned)) {
        (void)store_delete(r->request->secrets, store_of(r), &turned.key, &ignored);
    }
}

void tenant_rotate(const struct tenant_request *request, struct tenant_outcome *outcome)
{
    struct rotate r = {.request = request, .outcome = outcome};

    *outcome = (struct tenant_outcome){.has_record = false};
    r.place = (struct workplace){.request = request, .report = &outcome->report};
    check(&r);
    if (!failed(&r)) {
        workplace_lock(&r.place);
    }
    if (!failed(&r)) {
        choose(&r);
    }
    if (!failed(&r)) {
        change(&r);
    }
    if (!failed(&r)) {
        keep(&r);
    }
    if (!failed(&r)) {
        forget_next(&r);
    }
    workplace_close(&r.place);
    secure_free(r.password);
}
