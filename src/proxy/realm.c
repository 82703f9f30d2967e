// SPDX-License-Identifier: MIT
#include "proxy/realm.h"

#include <assert.h>
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

/* What only a reload changes; shared by the realms between two of them. */
struct stock {
    _Atomic uint32_t refs;
    const struct config *config; /* a reference */
    const struct secrets *secrets;
    struct named_files files;
    struct budget **budgets; /* parallel to config.servers */
    uint8_t mock[32];
    struct entry *entries; /* one per user, in a row */
    size_t count;
    size_t scram_count; /* of them, those that have SCRAM's keys and nothing else */
    struct entry *by_name;
};

struct realm {
    _Atomic uint32_t refs;
    const struct registry *registry;
    struct stock *stock; /* a reference */
};

/* With SCRAM the keys are derived here, once: a login then takes as long for every user, known or
 * not. */
static void derive_scram(const struct stock *stock, const char *user, const char *password,
                         struct verifier *scram)
{
    uint8_t salt[SCRAM_SALT];

    verifier_salt(slice_of(stock->mock, sizeof stock->mock), slice_str(user), salt);
    verifier_build(scram, slice_str(password), slice_of(salt, sizeof salt), SCRAM_ITERATIONS);
}

static int make_verifier(struct stock *stock, struct realm_user *user, struct err *err)
{
    bool scram = stock->config->auth.method == AUTH_SCRAM;
    bool scram_too = stock->files.rules.hba != NULL && hba_uses(stock->files.rules.hba, HBA_SCRAM);
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
        derive_scram(stock, user->config->name, v.plain, &user->verifier);
        verifier_fini(&v);
    } else {
        user->verifier = v;
        user->has_scram = scram_too && v.kind == VERIFIER_PLAIN;
    }
    if (user->has_scram) {
        derive_scram(stock, user->config->name, v.plain, &user->scram);
    }
    user->has_verifier = true;
    stock->scram_count += user->verifier.kind == VERIFIER_SCRAM;
    return 0;
}

static int add_users(struct stock *stock, struct err *err)
{
    stock->entries = x_zalloc(stock->config->user_count * sizeof *stock->entries);
    for (size_t i = 0; i < stock->config->user_count; i++) {
        struct entry *entry = &stock->entries[i];
        entry->user.config = &stock->config->users[i];
        entry->user.secret = secret_of(stock->secrets, &entry->user.config->password);
        stock->count++;
        HASH_ADD_KEYPTR(hh, stock->by_name, entry->user.config->name,
                        strlen(entry->user.config->name), entry);
        int rc = make_verifier(stock, &entry->user, err);
        if (rc < 0) {
            return rc;
        }
    }
    return 0;
}

/* A key that can be guessed is none: who knows a seal can try keys at home. */
static int check_key(const struct stock *stock, const struct secret_ref *ref, const char *path,
                     struct err *err)
{
    const char *key = secret_of(stock->secrets, ref);

    if (key != NULL && strlen(key) < SEAL_KEY_MIN) {
        return err_set(err, ERR_CONFIG, "%s: has %zu bytes, and must have %d or more", path,
                       strlen(key), SEAL_KEY_MIN);
    }
    return 0;
}

static int check_keys(const struct stock *stock, const char *name,
                      const struct tenant_config *tenant, struct err *err)
{
    int rc = check_key(stock, &tenant->rls.key, "rls.key", err);

    rc = rc < 0 ? rc : check_key(stock, &tenant->rls.spare_key, "rls.spare_key", err);
    if (rc < 0) {
        err_wrap(err, "tenants.%s", name);
    }
    return rc;
}

static int check_all_keys(const struct stock *stock, struct err *err)
{
    const struct config *config = stock->config;
    int rc = check_keys(stock, "defaults", &config->defaults, err);

    for (size_t i = 0; i < config->tenant_count && rc == 0; i++) {
        rc = check_keys(stock, config->tenants[i].name, config->tenants[i].config, err);
    }
    return rc;
}

static void unref_stock(struct stock *stock)
{
    if (atomic_fetch_sub_explicit(&stock->refs, 1, memory_order_acq_rel) > 1) {
        return;
    }
    HASH_CLEAR(hh, stock->by_name);
    for (size_t i = 0; i < stock->count; i++) {
        if (stock->entries[i].user.has_verifier) {
            verifier_fini(&stock->entries[i].user.verifier);
        }
        if (stock->entries[i].user.has_scram) {
            verifier_fini(&stock->entries[i].user.scram);
        }
    }
    free(stock->entries);
    free(stock->budgets);
    named_files_fini(&stock->files);
    secrets_unref(stock->secrets);
    config_unref(stock->config);
    secure_zero(stock, sizeof *stock);
    free(stock);
}

/* Takes over the references to both. */
static const struct realm *new_realm(const struct registry *registry, struct stock *stock)
{
    struct realm *realm = x_zalloc(sizeof *realm);

    atomic_init(&realm->refs, 1);
    realm->registry = registry;
    realm->stock = stock;
    return realm;
}

const struct realm *realm_build(const struct registry *registry, const struct secrets *secrets,
                                struct named_files *files, struct budget *const *budgets,
                                const uint8_t mock[32], struct err *err)
{
    const struct config *config = registry_config(registry);
    struct stock *stock = x_zalloc(sizeof *stock);

    atomic_init(&stock->refs, 1);
    stock->config = config_ref(config);
    stock->secrets = secrets;
    if (files != NULL) {
        stock->files = *files;
        *files = (struct named_files){0};
    }
    memcpy(stock->mock, mock, sizeof stock->mock);
    stock->budgets = x_alloc(config->server_count * sizeof *stock->budgets);
    memcpy(stock->budgets, budgets, config->server_count * sizeof *stock->budgets);
    if (check_all_keys(stock, err) < 0 || add_users(stock, err) < 0) {
        unref_stock(stock);
        registry_unref(registry);
        return NULL;
    }
    return new_realm(registry, stock);
}

const struct realm *realm_amend(const struct realm *realm, const struct registry *registry)
{
    assert(registry_config(registry) == realm->stock->config);
    atomic_fetch_add_explicit(&realm->stock->refs, 1, memory_order_relaxed);
    return new_realm(registry, realm->stock);
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
    unref_stock(mine->stock);
    registry_unref(mine->registry);
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
    return &realm->stock->files.rules;
}

void realm_derive_scram(const struct realm *realm, const char *user, const char *password,
                        struct verifier *scram)
{
    derive_scram(realm->stock, user, password, scram);
}

const struct secrets *realm_secrets(const struct realm *realm)
{
    return realm->stock->secrets;
}

const struct realm_user *realm_user(const struct realm *realm, struct slice name)
{
    struct entry *entry;

    HASH_FIND(hh, realm->stock->by_name, name.p, name.n, entry);
    return entry == NULL ? NULL : &entry->user;
}

enum verifier_kind realm_usual_kind(const struct realm *realm, enum verifier_kind wanted)
{
    const struct stock *stock = realm->stock;

    return 2 * stock->scram_count >= stock->count ? VERIFIER_SCRAM : wanted;
}

void realm_mock(const struct realm *realm, enum verifier_kind kind, struct slice name,
                struct verifier *verifier)
{
    verifier_mock(verifier, kind, slice_of(realm->stock->mock, sizeof realm->stock->mock), name);
}

/* The place of a server in the configuration; their number where there is none of this name. */
static size_t place_of(const struct realm *realm, const char *server)
{
    const struct config *config = realm_config(realm);
    size_t i = 0;

    while (i < config->server_count && strcmp(config->servers[i].name, server) != 0) {
        i++;
    }
    return i;
}

struct budget *realm_budget(const struct realm *realm, const char *server)
{
    size_t i = place_of(realm, server);

    return i < realm_config(realm)->server_count ? realm->stock->budgets[i] : NULL;
}

struct tls_context *realm_client_tls(const struct realm *realm)
{
    return realm->stock->files.encryption.clients;
}

struct tls_context *realm_server_tls(const struct realm *realm, const char *server)
{
    size_t i = place_of(realm, server);

    return i < realm->stock->files.encryption.count ? realm->stock->files.encryption.servers[i]
                                                    : NULL;
}

const char *realm_secret(const struct realm *realm, const struct secret_ref *ref)
{
    return secret_of(realm->stock->secrets, ref);
}
