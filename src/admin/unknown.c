// SPDX-License-Identifier: MIT
//
// unknown: tenants that are made by their first login. Each is made once: who asks while it is
// under way waits for the same answer. A bound in number and one in time keep users who may name
// any tenant from filling a server.
#include <stdlib.h>
#include <string.h>

#include "admin/tenant_job.h"
#include "base/alloc.h"
#include "base/log.h"

#define MINUTE_MS 60000

struct making {
    UT_hash_handle hh;
    struct admin *admin;
    char name[NAME_SIZE];
};

static void answer(struct admin *admin, const char *tenant, const struct err *err)
{
    if (err != NULL) {
        struct log_origin origin = {.tenant = tenant};
        log_about(LOG_WARNING, &origin, "tenant is not made for its login reason=%s", err->text);
    }
    admin->hooks.tenant_answered(admin->data, tenant, err);
}

static void end(struct making *making)
{
    HASH_DEL(making->admin->makings, making);
    free(making);
}

static void on_made(void *data, const struct tenant_outcome *outcome)
{
    struct making *making = data;
    const struct err *err = &outcome->report.err;

    answer(making->admin, making->name, err->code == 0 ? NULL : err);
    end(making);
}

/* Counts it where it may be made. */
static int check_bounds(struct admin *admin, const char *tenant, struct err *err)
{
    const struct tenancy_config *tenancy = &admin_config(admin)->tenancy;
    uint64_t now = loop_now(admin->loop);

    if (tenancy->provision.most > 0 &&
        registry_count(realm_registry(admin_realm(admin))) >= (size_t)tenancy->provision.most) {
        return err_set(err, ERR_TOO_MANY,
                       "tenant \"%s\" is not made: tenancy.provision.most is reached", tenant);
    }
    if (now - admin->minute >= MINUTE_MS) {
        admin->minute = now;
        admin->made = 0;
    }
    if (tenancy->provision.rate > 0 && admin->made >= (uint32_t)tenancy->provision.rate) {
        return err_set(err, ERR_TOO_MANY,
                       "tenant \"%s\" is not made: tenancy.provision.rate is reached", tenant);
    }
    admin->made++;
    return 0;
}

static int start(struct making *making, struct err *err)
{
    struct command command;

    command_for_tenant(&command, "create tenant", making->name);
    struct tenant_job *job = tenant_job_new(making->admin, &command, err);
    return job == NULL ? err->code : tenant_job_start(job, tenant_make, on_made, making, err);
}

void admin_make_tenant(struct admin *admin, const char *tenant)
{
    struct making *making;
    struct tenant storage;
    struct err err = {0};

    HASH_FIND_STR(admin->makings, tenant, making);
    if (admin->closing || making != NULL) {
        return;
    }
    const struct tenant *known =
        registry_find(realm_registry(admin_realm(admin)), slice_str(tenant), &storage);
    if (known != NULL && known->state != TENANT_CREATING) {
        answer(admin, tenant, NULL);
        return;
    }
    if (check_bounds(admin, tenant, &err) < 0) {
        answer(admin, tenant, &err);
        return;
    }
    making = x_zalloc(sizeof *making);
    making->admin = admin;
    strncpy(making->name, tenant, sizeof making->name - 1);
    HASH_ADD_STR(admin->makings, name, making);
    if (start(making, &err) < 0) {
        answer(admin, tenant, &err);
        end(making);
    }
}
