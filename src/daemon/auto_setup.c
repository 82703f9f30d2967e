// SPDX-License-Identifier: MIT
#include "daemon/auto_setup.h"

#include <stdlib.h>
#include <string.h>

#include <uthash.h>

#include "auth/digest.h"
#include "base/alloc.h"
#include "base/log.h"
#include "provision/rls_setup.h"
#include "provision/server_target.h"

enum { PAUSE_FIRST = 1000, PAUSE_MAX = 60000 }; /* ms */

/* A database, and a digest of all that its set-up depends on. */
struct auto_setup_done {
    UT_hash_handle hh;
    uint8_t digest[DIGEST_SHA256]; /* the key */
};

/* One database to be set up. */
struct place {
    const struct tenant_config *config;
    char database[NAME_SIZE];
    uint8_t digest[DIGEST_SHA256];
    struct err err; /* code 0: done */
};

struct auto_setup_job {
    uv_work_t work;
    struct auto_setup *owner;
    const struct realm *realm;
    struct place *places;
    size_t count;
    size_t cap;
};

/* ---- which places ---- */

static void add_word(struct buf *text, const char *word)
{
    buf_append(text, word == NULL ? "" : word, word == NULL ? 0 : strlen(word));
    buf_append_u8(text, 0);
}

static void make_digest(const struct realm *realm, struct place *p)
{
    const struct rls_config *rls = &p->config->rls;
    struct buf text = {0};

    add_word(&text, p->config->server);
    add_word(&text, p->database);
    add_word(&text, rls->setting);
    add_word(&text, rls->column);
    add_word(&text, rls->seal ? "sealed" : "plain");
    add_word(&text, realm_secret(realm, &rls->key));
    add_word(&text, realm_secret(realm, &rls->spare_key));
    for (size_t i = 0; i < rls->tables.count; i++) {
        add_word(&text, rls->tables.items[i]);
    }
    digest_sha256(buf_slice(&text), p->digest);
    buf_release_secret(&text);
}

static bool is_planned(const struct auto_setup_job *job, const struct place *p)
{
    struct auto_setup_done *done;

    HASH_FIND(hh, job->owner->done, p->digest, sizeof p->digest, done);
    return done != NULL || (job->count > 0 && memcmp(job->places[job->count - 1].digest, p->digest,
                                                     sizeof p->digest) == 0);
}

/* The defaults have no name: only a database that is the same for all is theirs. */
static void plan(struct auto_setup_job *job, const char *name, const struct tenant_config *config)
{
    struct name_values values = {.tenant = slice_str(name)};
    struct place p = {.config = config};

    if (config->strategy != STRATEGY_RLS || config->rls.setup != RLS_AUTO ||
        config->database == NULL ||
        name_expand(slice_str(config->database), &values, p.database, NULL) < 0) {
        return;
    }
    make_digest(job->realm, &p);
    if (is_planned(job, &p)) {
        return;
    }
    if (job->count == job->cap) {
        job->cap = job->cap == 0 ? 4 : 2 * job->cap;
        job->places = x_realloc(job->places, job->cap * sizeof *job->places);
    }
    job->places[job->count++] = p;
}

/* ---- the work ---- */

static void set_up(const struct realm *realm, struct place *p)
{
    struct server_target server = {.hosts = NULL};
    struct rls_request request;
    struct rls_outcome outcome;

    if (server_target_init(&server, config_server(realm_config(realm), p->config->server),
                           realm_secrets(realm), "rls.setup: auto", &p->err) < 0) {
        return;
    }
    rls_request_init(&request, &server.target, p->database, p->config, realm_secrets(realm));
    rls_setup(&request, &outcome);
    p->err = outcome.err;
    for (size_t i = 0; i < outcome.count && p->err.code == 0; i++) {
        if (outcome.findings[i].kind == RLS_WARNING) {
            log_warning("row security database=%s object=%s: %s", p->database,
                        outcome.findings[i].object, outcome.findings[i].text);
        }
    }
    rls_outcome_fini(&outcome);
    server_target_fini(&server);
}

static void work(uv_work_t *request)
{
    struct auto_setup_job *job = (struct auto_setup_job *)request->data;

    for (size_t i = 0; i < job->count; i++) {
        set_up(job->realm, &job->places[i]);
    }
}

static void free_job(struct auto_setup_job *job)
{
    realm_unref(job->realm);
    free(job->places);
    free(job);
}

static void note_done(struct auto_setup *a, const struct place *p)
{
    struct auto_setup_done *done;

    HASH_FIND(hh, a->done, p->digest, sizeof p->digest, done);
    if (done == NULL) {
        done = x_zalloc(sizeof *done);
        memcpy(done->digest, p->digest, sizeof done->digest);
        HASH_ADD(hh, a->done, digest, sizeof done->digest, done);
    }
}

/* Returns whether all went well. */
static bool tell(struct auto_setup *a, const struct auto_setup_job *job)
{
    bool well = true;

    for (size_t i = 0; i < job->count; i++) {
        const struct place *p = &job->places[i];
        if (p->err.code == 0) {
            log_info("row security set up database=%s", p->database);
            note_done(a, p);
        } else {
            log_error("row security cannot be set up database=%s reason=\"%s\"", p->database,
                      p->err.text);
            well = false;
        }
    }
    return well;
}

static void start(struct auto_setup *a);

static void on_retry(struct deadline *deadline)
{
    start(container_of(deadline, struct auto_setup, retry));
}

static void retry_later(struct auto_setup *a)
{
    deadline_arm(&a->loop->deadlines, &a->retry, a->pause, on_retry);
    a->pause = 2 * a->pause < PAUSE_MAX ? 2 * a->pause : PAUSE_MAX;
}

static void on_worked(uv_work_t *request, int status)
{
    struct auto_setup_job *job = (struct auto_setup_job *)request->data;
    struct auto_setup *a = job->owner;
    bool newer = a->realm != job->realm;

    (void)status; /* nobody cancels it */
    a->job = NULL;
    bool well = tell(a, job);
    free_job(job);
    if (a->stopped) {
        return;
    }
    if (newer) {
        start(a);
    } else if (!well) {
        retry_later(a);
    }
}

static void start(struct auto_setup *a)
{
    const struct config *config = realm_config(a->realm);
    struct auto_setup_job *job = x_zalloc(sizeof *job);

    job->owner = a;
    job->realm = realm_ref(a->realm);
    job->work.data = job;
    plan(job, "", &config->defaults);
    for (size_t i = 0; i < config->tenant_count; i++) {
        plan(job, config->tenants[i].name, config->tenants[i].config);
    }
    if (job->count == 0 || uv_queue_work(&a->loop->uv, &job->work, work, on_worked) < 0) {
        free_job(job);
        return;
    }
    a->job = job;
}

/* ---- its life ---- */

void auto_setup_init(struct auto_setup *a, struct loop *loop)
{
    *a = (struct auto_setup){.loop = loop};
    deadline_init(&a->retry);
}

void auto_setup_follow(struct auto_setup *a, const struct realm *realm)
{
    realm_unref(a->realm);
    a->realm = realm_ref(realm);
    a->pause = PAUSE_FIRST;
    deadline_disarm(&a->retry);
    if (a->job == NULL && !a->stopped) {
        start(a);
    }
}

void auto_setup_stop(struct auto_setup *a)
{
    a->stopped = true;
    deadline_disarm(&a->retry);
}

void auto_setup_fini(struct auto_setup *a)
{
    struct auto_setup_done *done;
    struct auto_setup_done *next;

    HASH_ITER (hh, a->done, done, next) {
        HASH_DEL(a->done, done);
        free(done);
    }
    realm_unref(a->realm);
    a->realm = NULL;
}
