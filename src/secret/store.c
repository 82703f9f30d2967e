// SPDX-License-Identifier: MIT
#include "secret/store.h"

#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/encode.h"
#include "base/rand.h"
#include "secret/json.h"
#include "secret/store_ops.h"

#define ID_MAX (STORE_ID_SIZE - 1)

static const struct store_ops *const types[] = {
    [PROVIDER_FILES] = &store_files_ops, [PROVIDER_ENV] = &store_env_ops,
    [PROVIDER_EXEC] = &store_exec_ops,   [PROVIDER_DERIVE] = &store_derive_ops,
    [PROVIDER_AWS] = &store_aws_ops,     [PROVIDER_VAULT] = &store_vault_ops,
};

/* What no store can take for anything but a name. Types refuse more. */
static int check_id(const char *id, struct err *err)
{
    size_t n = strlen(id);

    if (n == 0 || n > ID_MAX) {
        return err_set(err, ERR_CONFIG, "the name of a secret has 1 to %d bytes", ID_MAX);
    }
    for (size_t i = 0; i < n; i++) {
        if ((unsigned char)id[i] < 0x20 || id[i] == 0x7F) {
            return err_set(err, ERR_CONFIG, "the name of a secret holds a control character");
        }
    }
    return 0;
}

static const struct store_ops *ops_of(const struct provider_config *provider)
{
    return types[provider->type];
}

static int fail(const struct store_call *call, struct err *err)
{
    err_wrap(err, "secret store \"%s\": %s", call->provider->name, call->key->id);
    return err->code;
}

/* Replaces a whole value by one field of it. */
static int pick_field(const char *field, char **value, struct err *err)
{
    char *whole = *value;

    *value = NULL;
    int rc = json_pick(slice_str(whole), field, value, err);
    secure_free(whole);
    return rc;
}

static int read_value(const struct store_call *call, char **out, struct err *err)
{
    const struct store_ops *ops = ops_of(call->provider);

    if (check_id(call->key->id, err) < 0) {
        return err->code;
    }
    int rc = ops->read(call, out, err);
    if (rc == 0 && call->key->field != NULL) {
        rc = pick_field(call->key->field, out, err);
    }
    return rc;
}

static int read_named(const struct store_call *call, char **out, struct err *err)
{
    *out = NULL;
    return read_value(call, out, err) < 0 ? fail(call, err) : 0;
}

int store_read(const struct secrets *secrets, const struct provider_config *provider,
               const struct store_key *key, char **out, struct err *err)
{
    const struct store_call call = {.secrets = secrets, .provider = provider, .key = key};

    return read_named(&call, out, err);
}

static int ask(const void *data, char **out, int64_t *rest, struct err *err)
{
    struct store_call call = *(const struct store_call *)data;

    call.rest = rest;
    return read_named(&call, out, err);
}

int store_recall(const struct secrets *secrets, const struct provider_config *provider,
                 const struct store_key *key, bool fresh, char **out, struct err *err)
{
    const struct store_call call = {.secrets = secrets, .provider = provider, .key = key};
    const struct store_question question = {.provider = provider,
                                            .key = key,
                                            .lasts = secrets_config(secrets)->secrets.cache,
                                            .fresh = fresh,
                                            .ask = ask,
                                            .data = &call};

    return ops_of(provider)->remembered
               ? store_cache_read(secrets_cache(secrets), &question, out, err)
               : store_read(secrets, provider, key, out, err);
}

int store_write(const struct secrets *secrets, const struct provider_config *provider,
                const struct store_key *key, const char *value, struct err *err)
{
    const struct store_call call = {.secrets = secrets, .provider = provider, .key = key};
    const struct store_ops *ops = ops_of(provider);

    if (check_id(key->id, err) < 0) {
        return fail(&call, err);
    }
    if (ops->write == NULL) {
        (void)err_set(err, ERR_CONFIG, "a store of type %s cannot be written to", ops->type);
        return fail(&call, err);
    }
    int rc = ops->write(&call, value, err);
    store_cache_forget(secrets_cache(secrets), provider, key); /* it may have been written */
    return rc < 0 ? fail(&call, err) : 0;
}

int store_delete(const struct secrets *secrets, const struct provider_config *provider,
                 const struct store_key *key, struct err *err)
{
    const struct store_call call = {.secrets = secrets, .provider = provider, .key = key};
    const struct store_ops *ops = ops_of(provider);

    if (check_id(key->id, err) < 0) {
        return fail(&call, err);
    }
    if (ops->remove == NULL) {
        return 0;
    }
    int rc = ops->remove(&call, err);
    store_cache_forget(secrets_cache(secrets), provider, key);
    return rc < 0 && rc != ERR_NO_SECRET ? fail(&call, err) : 0;
}

bool store_derives(const struct provider_config *provider)
{
    return provider->type == PROVIDER_DERIVE;
}

static bool turn_epoch(enum store_turn turn, struct store_key *key)
{
    if (turn == STORE_FORMER && key->epoch == 0) {
        return false;
    }
    key->epoch += turn == STORE_NEXT ? 1 : (uint32_t)-1;
    return true;
}

/* No tenant's name has an @. */
bool store_turn(const struct provider_config *provider, const struct store_key *key,
                enum store_turn turn, struct store_turned *out)
{
    out->key = *key;
    if (turn == STORE_CURRENT) {
        return true;
    }
    if (store_derives(provider)) {
        return turn_epoch(turn, &out->key);
    }
    int n = snprintf(out->id, sizeof out->id, "%s@next", key->id);
    out->key.id = out->id;
    return turn == STORE_NEXT && n < (int)sizeof out->id;
}

int store_ensure(const struct secrets *secrets, const struct provider_config *provider,
                 const struct store_key *key, char **out, bool *made, struct err *err)
{
    char password[STORE_PASSWORD_SIZE];

    int rc = store_read(secrets, provider, key, out, err);
    *made = rc == ERR_NO_SECRET;
    if (rc != ERR_NO_SECRET) {
        return rc;
    }
    store_new_password(password);
    rc = store_write(secrets, provider, key, password, err);
    if (rc == 0) {
        *err = (struct err){0};
        *out = x_strdup(password);
    }
    secure_zero(password, sizeof password);
    return rc;
}

void store_new_password(char out[STORE_PASSWORD_SIZE])
{
    uint8_t bytes[(STORE_PASSWORD_SIZE - 1) / 2];

    rand_bytes(bytes, sizeof bytes);
    hex_encode(slice_of(bytes, sizeof bytes), out);
    secure_zero(bytes, sizeof bytes);
}
