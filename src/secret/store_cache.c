// SPDX-License-Identifier: MIT
#include "secret/store_cache.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <uthash.h>

#include "base/alloc.h"
#include "base/log.h"
#include "secret/sessions.h"

#define REST_MS    2000  /* for which a store that could not be reached is left alone, at least */
#define REST_MAX   60000 /* … and at most, whatever it asks for */
#define REST_TIMES 4     /* … as long as it kept us waiting */
#define FRESH_MS   1000  /* between two times that one secret is asked for again out of turn */
#define SAY_MS     30000 /* between two words about old values of one store */
#define VALUES_MAX 200000
#define MISSES_MAX 10000 /* names without a value are kept no longer than so many are known */

/* One secret. Stays while somebody fetches or waits. */
struct value {
    UT_hash_handle hh;
    char *name;     /* the key: provider's identity, id, field */
    char *secret;   /* NULL: nothing was read yet */
    int64_t read;   /* ms of the monotonic clock */
    uint32_t epoch; /* of the key that it was read by: a later one means that it was rotated */
    int64_t asked;  /* likewise: when it was last asked for out of turn */
    struct err err; /* of the last fetch; code 0 where it went well */
    uint64_t round; /* counts fetches */
    bool fetching;  /* a thread asks the store */
    uint32_t users; /* threads that look at it */
};

/* How a provider does. */
struct health {
    UT_hash_handle hh;
    char *name;
    int64_t rest;       /* until then it is not asked */
    int64_t said;       /* when it was told last that old values are used */
    uint32_t asking;    /* threads that ask it */
    bool down;          /* it could not be reached the last time */
    struct err err;     /* why */
    struct err failure; /* of the last time it was asked; code 0 where that went well */
};

struct store_cache {
    atomic_int refs;
    pthread_mutex_t lock;
    pthread_cond_t fetched;
    struct value *values;   /* uthash by name */
    struct health *healths; /* uthash by name */
};

struct store_cache *store_cache_new(void)
{
    struct store_cache *cache = x_zalloc(sizeof *cache);

    atomic_init(&cache->refs, 1);
    (void)pthread_mutex_init(&cache->lock, NULL);
    (void)pthread_cond_init(&cache->fetched, NULL);
    return cache;
}

struct store_cache *store_cache_ref(struct store_cache *cache)
{
    (void)atomic_fetch_add_explicit(&cache->refs, 1, memory_order_relaxed);
    return cache;
}

static void free_value(struct store_cache *cache, struct value *value)
{
    HASH_DEL(cache->values, value);
    secure_free(value->secret);
    free(value->name);
    free(value);
}

void store_cache_unref(struct store_cache *cache)
{
    struct value *value;
    struct value *next;
    struct health *health;
    struct health *after;

    if (atomic_fetch_sub_explicit(&cache->refs, 1, memory_order_acq_rel) > 1) {
        return;
    }
    HASH_ITER (hh, cache->values, value, next) {
        free_value(cache, value);
    }
    HASH_ITER (hh, cache->healths, health, after) {
        HASH_DEL(cache->healths, health);
        free(health->name);
        free(health);
    }
    (void)pthread_cond_destroy(&cache->fetched);
    (void)pthread_mutex_destroy(&cache->lock);
    free(cache);
}

static int64_t now_ms(void)
{
    struct timespec ts;

    (void)clock_gettime(CLOCK_MONOTONIC, &ts);
    return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static char *name_of(const struct provider_config *provider, const struct store_key *key)
{
    char *identity = provider_identity(provider);
    char *name = x_printf("%s\n%s\n%s", identity, key->id, key->field == NULL ? "" : key->field);

    free(identity);
    return name;
}

/* Takes over the name. */
static struct value *find_value(struct store_cache *cache, char *name)
{
    struct value *value;

    HASH_FIND_STR(cache->values, name, value);
    if (value != NULL) {
        free(name);
        return value;
    }
    value = x_zalloc(sizeof *value);
    value->name = name;
    HASH_ADD_KEYPTR(hh, cache->values, value->name, strlen(value->name), value);
    return value;
}

static struct health *find_health(struct store_cache *cache, const struct provider_config *provider)
{
    char *name = provider_identity(provider);
    struct health *health;

    HASH_FIND_STR(cache->healths, name, health);
    if (health != NULL) {
        free(name);
        return health;
    }
    health = x_zalloc(sizeof *health);
    health->name = name;
    HASH_ADD_KEYPTR(hh, cache->healths, health->name, strlen(health->name), health);
    return health;
}

/* One call. */
struct reading {
    const struct store_question *question;
    struct store_cache *cache;
    struct value *value;
};

static bool has_failed(const struct err *err)
{
    return err->code != 0 && err->code != ERR_NO_SECRET;
}

/* Is it to be left alone? Where it is down, one thread finds out whether it still is. */
static bool rests(const struct health *health)
{
    return health->down && (health->rest > now_ms() || health->asking > 0);
}

static void note_health(struct health *health, const struct err *err, int64_t took, int64_t rest)
{
    int64_t least = took * REST_TIMES < REST_MS ? REST_MS : took * REST_TIMES;

    rest = rest > least ? rest : least;
    health->failure = *err;
    if (err->code == ERR_NO_SECRET) { /* the store is well */
        health->failure.code = 0;
    }
    health->down = err->code == ERR_STORE_DOWN;
    if (health->down) {
        health->rest = now_ms() + (rest > REST_MAX ? REST_MAX : rest);
        health->err = *err;
    }
}

/* Asks the store, without the lock, and keeps what came of it. */
static void fetch(struct reading *r, struct health *health)
{
    struct value *value = r->value;
    struct err err = {0};
    char *secret = NULL;

    if (rests(health)) {
        value->err = health->err;
        return;
    }
    int64_t begun = now_ms();
    int64_t rest = 0;
    value->fetching = true;
    health->asking++;
    (void)pthread_mutex_unlock(&r->cache->lock);
    (void)r->question->ask(r->question->data, &secret, &rest, &err);
    (void)pthread_mutex_lock(&r->cache->lock);
    health->asking--;
    value->fetching = false;
    value->round++;
    value->err = err;
    if (!has_failed(&err)) { /* what does not exist any more is forgotten */
        secure_free(value->secret);
        value->secret = secret;
        value->read = now_ms();
        value->epoch = r->question->key->epoch;
    }
    note_health(health, &err, now_ms() - begun, rest);
    (void)pthread_cond_broadcast(&r->cache->fetched);
}

/* Was it rotated since? */
static bool is_behind(const struct reading *r)
{
    return (int32_t)(r->question->key->epoch - r->value->epoch) > 0;
}

static bool is_good(const struct reading *r)
{
    const struct value *value = r->value;
    int64_t age = now_ms() - value->read;

    if (is_behind(r)) {
        return false;
    }
    if (value->secret == NULL) { /* logins that fail ask one after the other */
        return value->err.code == ERR_NO_SECRET && r->question->fresh && age < FRESH_MS;
    }
    return age < r->question->lasts;
}

/* While another thread asks for it again. */
static bool may_use_old(const struct reading *r)
{
    return r->value->secret != NULL && !r->question->fresh && !is_behind(r);
}

/* Clients that fail one after the other must not become as many questions to the store. */
static bool is_due(struct value *value)
{
    int64_t now = now_ms();
    bool due = value->asked == 0 || now - value->asked >= FRESH_MS;

    value->asked = due ? now : value->asked;
    return due;
}

static void say_old(struct reading *r, struct health *health)
{
    int64_t now = now_ms();

    if (health->said == 0 || now - health->said > SAY_MS) {
        health->said = now;
        log_warning("secret store failed, what was read before is used provider=%s reason=\"%s\"",
                    r->question->provider->name, r->value->err.text);
    }
}

/* With the lock held. */
static int read_value(struct reading *r, char **out, struct err *err)
{
    struct health *health = find_health(r->cache, r->question->provider);
    struct value *value = r->value;
    uint64_t round = value->round;
    bool due = r->question->fresh && is_due(value);

    if (!is_good(r) || due) {
        if (!value->fetching) {
            fetch(r, health);
        } else if (!may_use_old(r)) {
            while (value->fetching && value->round == round) {
                (void)pthread_cond_wait(&r->cache->fetched, &r->cache->lock);
            }
        }
        if (value->err.code != 0 && value->secret != NULL) {
            say_old(r, health);
        }
    }
    if (value->secret == NULL) {
        *err = value->err;
        return err->code;
    }
    *out = x_strdup(value->secret);
    return 0;
}

/* That there is none is remembered for a moment: logins that fail ask for it one after the other.
 */
static bool is_kept(const struct store_cache *cache, const struct value *value)
{
    return value->secret != NULL
               ? HASH_COUNT(cache->values) <= VALUES_MAX
               : value->err.code == ERR_NO_SECRET && HASH_COUNT(cache->values) <= MISSES_MAX;
}

int store_cache_read(struct store_cache *cache, const struct store_question *question, char **out,
                     struct err *err)
{
    struct reading r = {.question = question, .cache = cache};

    *out = NULL;
    (void)pthread_mutex_lock(&cache->lock);
    r.value = find_value(cache, name_of(question->provider, question->key));
    r.value->users++;
    int rc = read_value(&r, out, err);
    r.value->users--;
    if (r.value->users == 0 && !is_kept(cache, r.value)) {
        free_value(cache, r.value);
    }
    (void)pthread_mutex_unlock(&cache->lock);
    return rc;
}

bool store_cache_failing(struct store_cache *cache, const struct provider_config *provider,
                         struct err *why)
{
    char *name = provider_identity(provider);
    struct health *health;

    *why = (struct err){.code = 0};
    (void)pthread_mutex_lock(&cache->lock);
    HASH_FIND_STR(cache->healths, name, health);
    if (health != NULL) {
        *why = health->failure;
    }
    (void)pthread_mutex_unlock(&cache->lock);
    free(name);
    return why->code != 0;
}

void store_cache_forget(struct store_cache *cache, const struct provider_config *provider,
                        const struct store_key *key)
{
    char *name = name_of(provider, key);
    struct value *value;

    (void)pthread_mutex_lock(&cache->lock);
    HASH_FIND_STR(cache->values, name, value);
    if (value != NULL) {
        secure_free(value->secret);
        value->secret = NULL;
        if (value->users == 0) {
            free_value(cache, value);
        }
    }
    (void)pthread_mutex_unlock(&cache->lock);
    free(name);
}
