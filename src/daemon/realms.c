// SPDX-License-Identifier: MIT
#include "daemon/realms.h"

#include <stdlib.h>

#include <uthash.h>

#include "base/alloc.h"
#include "base/rand.h"
#include "config/load.h"
#include "secret/fetch.h"

struct named_budget {
    UT_hash_handle hh;
    char *name;
    struct budget budget;
};

void realms_init(struct realms *realms, const char *file)
{
    *realms = (struct realms){.file = file};
    roster_init(&realms->roster);
    rand_bytes(realms->mock, sizeof realms->mock);
}

static struct budget *budget_of(struct realms *realms, const struct server_config *server)
{
    struct named_budget *named;

    HASH_FIND_STR(realms->budgets, server->name, named);
    if (named == NULL) {
        named = x_zalloc(sizeof *named);
        named->name = x_strdup(server->name);
        HASH_ADD_KEYPTR(hh, realms->budgets, named->name, strlen(named->name), named);
    }
    atomic_store(&named->budget.max, (uint32_t)server->max_connections);
    return &named->budget;
}

static const struct realm *build(struct realms *realms, const struct config *config,
                                 const struct secrets *secrets, struct named_files *files,
                                 struct err *err)
{
    const struct registry *registry = roster_registry(&realms->roster, config);
    struct budget **budgets = x_alloc(config->server_count * sizeof *budgets);
    for (size_t i = 0; i < config->server_count; i++) {
        budgets[i] = budget_of(realms, &config->servers[i]);
    }
    const struct realm *realm = realm_build(registry, secrets, files, budgets, realms->mock, err);
    free(budgets);
    return realm;
}

static const struct realm *load(struct realms *realms, const struct config *config,
                                struct buf *report)
{
    const struct secrets *secrets = NULL;
    const struct realm *realm = NULL;
    struct named_files files = {0};
    struct err err = {0};

    if (named_files_load(&files, config, report) == 0 &&
        fetch_secrets_after(realms->secrets, config, &secrets, report) == 0) {
        secrets_unref(realms->secrets);
        realms->secrets = secrets_ref(secrets);
        realm = build(realms, config, secrets, &files, &err);
    }
    named_files_fini(&files); /* what the realm did not take */
    if (realm == NULL && err.code != 0) {
        buf_printf(report, "%s: %s\n", realms->file, err.text);
    }
    return realm;
}

const struct realm *realms_load(struct realms *realms, struct buf *report)
{
    struct config_faults faults = {0};
    const struct config *config = NULL;
    const struct realm *realm = NULL;

    if (config_load(realms->file, &config, &faults) == 0) {
        realm = load(realms, config, report);
    } else {
        config_faults_print(&faults, report);
    }
    config_faults_fini(&faults);
    config_unref(config);
    return realm;
}

const struct realm *realms_amend(struct realms *realms, const struct realm *realm)
{
    return realm_amend(realm, roster_registry(&realms->roster, realm_config(realm)));
}

void realms_fini(struct realms *realms)
{
    struct named_budget *named;
    struct named_budget *next;

    HASH_ITER (hh, realms->budgets, named, next) {
        HASH_DEL(realms->budgets, named);
        free(named->name);
        free(named);
    }
    secrets_unref(realms->secrets);
    roster_fini(&realms->roster);
}
