// SPDX-License-Identifier: MIT
#include "proxy/realm.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include <uthash.h>

#include "base/alloc.h"

#define SEAL_KEY_MIN 32 /* bytes */

struct entry {
    UT_hash_handle hh; /* by name */
    struct realm_user user;
};

struct realm {
    _Atomic uint32_t refs;
    const struct registry *registry;
    const struct secrets *secrets;
    struct login_rules rules;
    struct budget **budgets; /* parallel to config.servers */
    uint8_t mock[32];
    struct entry *entries; /* one per user, in a row */
    size_t count;
    struct entry *by_name;
};

/* With SCRAM the keys are derived here, once: a login then takes as long for every user, known or
 * not. */
static void derive_scram(const struct realm *realm, const char *user, const char *password,
                         struct verifier *scram)
{
    uint8_t salt[SCRAM_SALT];

    verifier_salt(slice_of(realm->mock, sizeof realm->mock), slice_str(user), salt);
    verifier_build(scram, slice_str(password), slice_of(salt, sizeof salt), SCRAM_ITERATIONS);
}

static int make_verifier(struct realm *realm, struct realm_user *user, struct err *err)
{
    bool scram = realm_config(realm)->auth.method == AUTH_SCRAM;
    bool scram_too = realm->rules.hba != NULL && hba_uses(realm->rules.hba, HBA_SCRAM);
    struct verifier v;

    if (user->secret == NULL) {
        return 0;
    }
    int rc = verifier_parse(&v, slice_str(user->secret), err);
    if (rc < 0) {
        err_wrap(err, "users.%s.password", user->config->name);
        return rc;
    }
    if (scram && v.kind == VERIFIER_PLAIN) {
        derive_scram(realm, user->config->name, v.plain, &user->verifier);
        verifier_fini(&v);
    } else {
        user->verifier = v;
        user->has_scram = scram_too && v.kind == VERIFIER_PLAIN;
    }
    if (user->has_scram) {
        derive_scram(realm, user->config->name, v.plain, &user->scram);
    }
    user->has_verifier = true;
    return 0;
}

static int add_users(struct realm *realm, const struct config *config, struct err *err)
{
    realm->entries = x_zalloc(config->user_count * sizeof *realm->entries);
    for (size_t i = 0; i < config->user_count; i++) {
        struct entry *entry = &realm->entries[i];
        entry->user.config = &config->users[i];
        entry->user.secret = secret_of(realm->secrets, &entry->user.config->password);
        realm->count++;
        HASH_ADD_KEYPTR(hh, realm->by_name, entry->user.config->name,
                        strlen(entry->user.config->name), entry);
        int rc = make_verifier(realm, &entry->user, err);
        if (rc < 0) {
            return rc;
        }
    }
    return 0;
}

/* A key that can be guessed is none: who knows a seal can try keys at home. */
static int check_key(const struct realm *realm, const struct secret_ref *ref, const char *path,
                     struct err *err)
{
    const char *key = realm_secret(realm, ref);

    if (key != NULL && strlen(key) < SEAL_KEY_MIN) {
        return err_set(err, ERR_CONFIG, "%s: has %zu bytes, and must have %d or more", path,
                       strlen(key), SEAL_KEY_MIN);
    }
    return 0;
}

static int check_keys(const struct realm *realm, const struct tenant_config *tenant,
                      struct err *err)
{
    int rc = check_key(realm, &tenant->rls.key, "rls.key", err);

    rc = rc < 0 ? rc : check_key(realm, &tenant->rls.spare_key, "rls.spare_key", err);
    if (rc < 0) {
        err_wrap(err, "tenants.%s", tenant->name == NULL ? "defaults" : tenant->name);
    }
    return rc;
}

static int check_all_keys(const struct realm *realm, const struct config *config, struct err *err)
{
    int rc = check_keys(realm, &config->defaults, err);

    for (size_t i = 0; i < config->tenant_count && rc == 0; i++) {
        rc = check_keys(realm, &config->tenants[i], err);
    }
    return rc;
}

const struct realm *realm_build(const struct registry *registry, const struct secrets *secrets,
                                struct login_rules *rules, struct budget *const *budgets,
                                const uint8_t mock[32], struct err *err)
{
    const struct config *config = registry_config(registry);
    struct realm *realm = x_zalloc(sizeof *realm);

    atomic_init(&realm->refs, 1);
    realm->registry = registry;
    realm->secrets = secrets;
    if (rules != NULL) {
        realm->rules = *rules;
        *rules = (struct login_rules){0};
    }
    memcpy(realm->mock, mock, sizeof realm->mock);
    realm->budgets = x_alloc(config->server_count * sizeof *realm->budgets);
    memcpy(realm->budgets, budgets, config->server_count * sizeof *realm->budgets);
    if (check_all_keys(realm, config, err) < 0 || add_users(realm, config, err) < 0) {
        realm_unref(realm);
        return NULL;
    }
    return realm;
}

const struct realm *realm_ref(const struct realm *realm)
{
    atomic_fetch_add_explicit(&((struct realm *)(uintptr_t)realm)->refs, 1, memory_order_relaxed);
    return realm;
}

void realm_unref(const struct realm *realm)
{
    struct realm *mine = (struct realm *)(uintptr_t)realm;

    if (mine == NULL || atomic_fetch_sub_explicit(&mine->refs, 1, memory_order_acq_rel) > 1) {
        return;
    }
    HASH_CLEAR(hh, mine->by_name);
    for (size_t i = 0; i < mine->count; i++) {
        if (mine->entries[i].user.has_verifier) {
            verifier_fini(&mine->entries[i].user.verifier);
        }
        if (mine->entries[i].user.has_scram) {
            verifier_fini(&mine->entries[i].user.scram);
        }
    }
    free(mine->entries);
    free(mine->budgets);
    login_rules_fini(&mine->rules);
    secrets_unref(mine->secrets);
    registry_unref(mine->registry);
    secure_zero(mine, sizeof *mine);
    free(mine);
}

const struct registry *realm_registry(const struct realm *realm)
{
    return realm->registry;
}

const struct config *realm_config(const struct realm *realm)
{
    return registry_config(realm->registry);
}

const struct login_rules *realm_rules(const struct realm *realm)
{
    return &realm->rules;
}

const struct realm_user *realm_user(const struct realm *realm, struct slice name)
{
    struct entry *entry;

    HASH_FIND(hh, realm->by_name, name.p, name.n, entry);
    return entry == NULL ? NULL : &entry->user;
}

void realm_mock(const struct realm *realm, enum verifier_kind kind, struct slice name,
                struct verifier *verifier)
{
    verifier_mock(verifier, kind, slice_of(realm->mock, sizeof realm->mock), name);
}

struct budget *realm_budget(const struct realm *realm, const char *server)
{
    const struct config *config = realm_config(realm);

    for (size_t i = 0; i < config->server_count; i++) {
        if (strcmp(config->servers[i].name, server) == 0) {
            return realm->budgets[i];
        }
    }
    return NULL;
}

const struct secrets *realm_secrets(const struct realm *realm)
{
    return realm->secrets;
}

const char *realm_secret(const struct realm *realm, const struct secret_ref *ref)
{
    return secret_of(realm->secrets, ref);
}
