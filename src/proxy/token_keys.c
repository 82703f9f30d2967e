// SPDX-License-Identifier: MIT
#include "proxy/token_keys.h"

#include <stdlib.h>
#include <time.h>

#include <uv.h>

#include "base/alloc.h"
#include "base/log.h"
#include "secret/http.h"
#include "secret/json.h"

struct token_keys {
    const struct jwt_config *config; /* outlives this */
    uv_mutex_t lock;                 /* of what follows */
    struct jwt_keys *keys;           /* a reference; NULL: none were fetched yet */
    time_t fetched;                  /* when it was tried last; 0: never */
};

struct token_keys *token_keys_new(const struct jwt_config *config, struct slice file,
                                  struct err *err)
{
    struct jwt_keys *known = NULL;

    json_begin();
    http_begin();
    if (config->file != NULL && (known = jwt_keys_parse(file, err)) == NULL) {
        return NULL;
    }
    struct token_keys *keys = x_zalloc(sizeof *keys);
    keys->config = config;
    keys->keys = known;
    (void)uv_mutex_init(&keys->lock);
    return keys;
}

void token_keys_free(struct token_keys *keys)
{
    if (keys != NULL) {
        jwt_keys_unref(keys->keys);
        uv_mutex_destroy(&keys->lock);
        free(keys);
    }
}

/* Whether this thread is to fetch now. */
static bool may_fetch(struct token_keys *keys)
{
    time_t now = time(NULL);

    if (keys->config->url == NULL) {
        return false;
    }
    uv_mutex_lock(&keys->lock);
    bool may = keys->fetched == 0 || now - keys->fetched >= TOKEN_KEYS_PAUSE;
    keys->fetched = may ? now : keys->fetched;
    uv_mutex_unlock(&keys->lock);
    return may;
}

static struct jwt_keys *fetch(const struct token_keys *keys)
{
    struct http_request request = {.method = "GET", .url = keys->config->url};
    struct http_answer answer = {0};
    struct jwt_keys *found = NULL;
    struct err err = {0};

    if (http_ask(&request, &answer, &err) == 0) {
        if (answer.status == 200) {
            found = jwt_keys_parse(http_body(&answer), &err);
        } else {
            (void)err_set(&err, ERR_CONFIG, "answers with status %ld", answer.status);
        }
        http_answer_fini(&answer);
    }
    if (found == NULL) {
        log_error("auth.jwt.url cannot be used reason=\"%s\"", err.text);
    }
    return found;
}

/* NULL: there are none. */
static struct jwt_keys *take(struct token_keys *keys)
{
    uv_mutex_lock(&keys->lock);
    struct jwt_keys *now = keys->keys == NULL ? NULL : jwt_keys_ref(keys->keys);
    uv_mutex_unlock(&keys->lock);
    return now;
}

static void put(struct token_keys *keys, struct jwt_keys *found)
{
    uv_mutex_lock(&keys->lock);
    struct jwt_keys *old = keys->keys;
    keys->keys = found;
    uv_mutex_unlock(&keys->lock);
    jwt_keys_unref(old);
}

static int check_once(struct token_keys *keys, struct slice token, struct jwt_claims *claims,
                      struct err *err)
{
    const struct jwt_config *config = keys->config;
    const struct jwt_policy policy = {.issuer = config->issuer,
                                      .audience = config->audience,
                                      .user_claim = config->user_claim,
                                      .tenant_claim = config->tenant_claim,
                                      .leeway = config->leeway / 1000};
    struct jwt_keys *known = take(keys);

    if (known == NULL) {
        return err_set(err, JWT_UNKNOWN_KEY, "no keys are known");
    }
    int rc = jwt_check(known, token, &policy, (int64_t)time(NULL), claims, err);
    jwt_keys_unref(known);
    return rc;
}

int token_keys_check(struct token_keys *keys, struct slice token, struct jwt_claims *claims,
                     struct err *err)
{
    int rc = check_once(keys, token, claims, err);

    if (rc == JWT_UNKNOWN_KEY && may_fetch(keys)) {
        struct jwt_keys *found = fetch(keys);
        if (found != NULL) {
            put(keys, found);
            rc = check_once(keys, token, claims, err);
        }
    }
    return rc;
}
