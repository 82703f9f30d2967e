// SPDX-License-Identifier: MIT
#include "proxy/directory.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include <uthash.h>

#include "base/alloc.h"
#include "base/fair.h"
#include "base/log.h"
#include "net/loop.h"
#include "tenant/hash.h"

enum { KNOWN_MAX = 16384, UNKNOWN_MAX = 2048 };

/* A question, with those who wait for its answer or, later, with the answer. */
struct directory_entry {
    UT_hash_handle hh; /* by question */
    struct directory_question question;
    const struct realm *realm;       /* under which it is asked; a reference until it is answered */
    struct fair_lane *lane;          /* in asked, while it waits its turn */
    struct list node;                /* in that while it waits, later in known or unknown */
    struct list requests;            /* who waits */
    struct directory_record *record; /* NULL until it is answered */
    uint64_t expires;                /* loop time, ms */
    bool outdated; /* another realm came meanwhile: found no more, not remembered */
};

struct directory {
    struct loop *loop;
    struct hash_key key; /* names come from strangers */
    const struct directory_ops *ops;
    struct directory_entry *entries;
    struct fair asked;   /* who waits for the server, tenants in turns */
    struct list known;   /* answered, the one used last at the end */
    struct list unknown; /* likewise, of users that there are none of */
    uint32_t known_count;
    uint32_t unknown_count;
    void *session;               /* of ops; the job's while one runs */
    const struct config *config; /* that it was made under; a reference */
    struct task task;
    struct directory_entry *current; /* being asked for; NULL: no job runs */
    struct directory_record *reply;
    struct err err;
};

/* ---- records ---- */

struct directory_record *directory_record_ref(struct directory_record *record)
{
    atomic_fetch_add_explicit(&record->refs, 1, memory_order_relaxed);
    return record;
}

static void free_strings(char *const *items, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        free(items[i]);
    }
    free((void *)(uintptr_t)items);
}

void directory_record_unref(struct directory_record *record)
{
    if (record == NULL || atomic_fetch_sub_explicit(&record->refs, 1, memory_order_acq_rel) > 1) {
        return;
    }
    if (record->has_verifier) {
        verifier_fini(&record->verifier);
    }
    if (record->has_scram) {
        verifier_fini(&record->scram);
    }
    secure_free(record->secret);
    free_strings((char *const *)(uintptr_t)record->tenants.items, record->tenants.count);
    free_strings(record->roles.names, record->roles.count);
    secure_zero(record, sizeof *record);
    free(record);
}

/* ---- what is remembered ---- */

static uint32_t hash_of(const struct directory *d, const struct directory_question *question)
{
    return (uint32_t)hash_bytes(&d->key, 0, slice_of(question, sizeof *question), false);
}

/* Takes it out of what can be found. */
static void unlist(struct directory *d, struct directory_entry *entry)
{
    if (entry->lane != NULL) {
        fair_remove(entry->lane, &entry->node);
        entry->lane = NULL;
    }
    list_remove(&entry->node);
    if (!entry->outdated) {
        HASH_DEL(d->entries, entry);
    }
    entry->outdated = true;
}

static void free_entry(struct directory_entry *entry)
{
    directory_record_unref(entry->record);
    realm_unref(entry->realm);
    free(entry);
}

static void drop(struct directory *d, struct directory_entry *entry)
{
    if (entry->record != NULL) {
        uint32_t *count = entry->record->found ? &d->known_count : &d->unknown_count;
        (*count)--;
    }
    unlist(d, entry);
    free_entry(entry);
}

static void remember(struct directory *d, struct directory_entry *entry)
{
    bool found = entry->record->found;
    uint32_t *count = found ? &d->known_count : &d->unknown_count;
    struct list *lru = found ? &d->known : &d->unknown;

    (*count)++;
    list_push_tail(lru, &entry->node);
    if (*count > (found ? KNOWN_MAX : UNKNOWN_MAX)) {
        drop(d, container_of(list_head(lru), struct directory_entry, node));
    }
}

static struct directory_entry *recall(struct directory *d,
                                      const struct directory_question *question)
{
    struct directory_entry *entry;

    HASH_FIND_BYHASHVALUE(hh, d->entries, question, sizeof *question, hash_of(d, question), entry);
    if (entry == NULL || entry->record == NULL) {
        return entry;
    }
    if (entry->expires <= loop_now(d->loop)) {
        drop(d, entry);
        return NULL;
    }
    list_remove(&entry->node);
    list_push_tail(entry->record->found ? &d->known : &d->unknown, &entry->node);
    return entry;
}

/* ---- asking ---- */

static void ask_next(struct directory *d);

/* Where the users' passwords are kept plain, SCRAM's keys are derived here, off the loop. A secret
 * that is none lets nobody in. */
static void make_verifiers(const struct directory *d, struct directory_record *record)
{
    const char *user = d->current->question.user;
    struct err err;

    if (record->secret == NULL || record->secret[0] == '\0') {
        return;
    }
    if (verifier_parse(&record->verifier, slice_str(record->secret), &err) < 0) {
        log_warning("auth.query told a secret that is none: user=%s reason=\"%s\"", user, err.text);
        return;
    }
    record->has_verifier = true;
    if (record->verifier.kind == VERIFIER_PLAIN) {
        realm_derive_scram(d->current->realm, user, record->verifier.plain, &record->scram);
        record->has_scram = true;
    }
}

static void run_job(struct task *task)
{
    struct directory *d = container_of(task, struct directory, task);

    if (d->config != realm_config(d->current->realm)) {
        if (d->session != NULL) {
            d->ops->close(d->session);
        }
        d->session = NULL;
        config_unref(d->config);
        d->config = config_ref(realm_config(d->current->realm));
    }
    int rc = d->ops->ask(&d->session, d->current->realm, &d->current->question, d->reply, &d->err);
    if (rc == 0) {
        d->err = (struct err){0}; /* an attempt before the one that succeeded may have set it */
        make_verifiers(d, d->reply);
    }
}

static void free_now(struct directory *d)
{
    directory_record_unref(d->reply);
    if (d->current != NULL) {
        free_entry(d->current);
    }
    if (d->session != NULL) {
        d->ops->close(d->session);
    }
    config_unref(d->config);
    free(d);
}

/* Tells everybody who waits; each may ask again, or cancel others, meanwhile. */
static void tell(struct directory_entry *entry, const struct err *err)
{
    struct directory_record *record =
        entry->record == NULL ? NULL : directory_record_ref(entry->record);
    struct list waiting;

    list_init(&waiting);
    while (!list_empty(&entry->requests)) {
        struct list *node = list_head(&entry->requests);
        list_remove(node);
        container_of(node, struct directory_request, node)->entry = NULL;
        list_push_tail(&waiting, node);
    }
    while (!list_empty(&waiting)) {
        struct directory_request *request =
            container_of(list_head(&waiting), struct directory_request, node);
        list_remove(&request->node);
        request->cb(request->data, record, err);
    }
    directory_record_unref(record);
}

/* One who asks again meanwhile makes a question of its own. */
static void tell_and_drop(struct directory *d, struct directory_entry *entry, const struct err *err)
{
    unlist(d, entry);
    tell(entry, err);
    free_entry(entry);
}

/* The next in turn, which is in no lane any more; NULL: nobody waits. */
static struct directory_entry *take_next(struct directory *d)
{
    struct list *node = fair_take(&d->asked);

    if (node == NULL) {
        return NULL;
    }
    struct directory_entry *entry = container_of(node, struct directory_entry, node);
    fair_done(entry->lane);
    entry->lane = NULL;
    return entry;
}

/* The server cannot be asked: everybody who waits is told at once. */
static void fail_all(struct directory *d, struct directory_entry *entry)
{
    struct err err = d->err;
    struct list failed;

    log_error("auth.query failed reason=\"%s\"", err.text);
    (void)err_set(&err, ERR_CONNECTION, "the server that knows the users cannot be asked");
    list_init(&failed);
    for (; entry != NULL; entry = take_next(d)) {
        list_push_tail(&failed, &entry->node);
    }
    while (!list_empty(&failed)) {
        tell_and_drop(d, container_of(list_head(&failed), struct directory_entry, node), &err);
    }
}

static void answer(struct directory *d, struct directory_entry *entry)
{
    int64_t keep = realm_config(entry->realm)->auth.query.cache;

    entry->record = d->reply;
    d->reply = NULL;
    if (keep == 0 || entry->outdated) {
        tell_and_drop(d, entry, NULL);
        return;
    }
    realm_unref(entry->realm);
    entry->realm = NULL;
    entry->expires = loop_now(d->loop) + (uint64_t)keep;
    remember(d, entry);
    tell(entry, NULL);
}

static void on_answered(struct task *task)
{
    struct directory *d = container_of(task, struct directory, task);
    struct directory_entry *entry = d->current;

    d->current = NULL;
    if (d->err.code != 0) {
        directory_record_unref(d->reply);
        d->reply = NULL;
        fail_all(d, entry);
    } else {
        answer(d, entry);
    }
    ask_next(d);
}

static void on_gone(struct task *task)
{
    free_now(container_of(task, struct directory, task));
}

static const struct task_ops asking = {TASK_BLOCKS, run_job, on_answered, on_gone};

static void ask_next(struct directory *d)
{
    if (d->current != NULL || !fair_ready(&d->asked)) {
        return;
    }
    d->current = take_next(d);
    d->err = (struct err){0};
    d->reply = x_zalloc(sizeof *d->reply);
    atomic_init(&d->reply->refs, 1);
    task_start(d->loop, &d->task, &asking, slice_str("directory"));
}

/* ---- */

struct directory *directory_new(struct loop *loop, const struct directory_ops *ops)
{
    struct directory *d = x_zalloc(sizeof *d);

    d->loop = loop;
    d->ops = ops;
    hash_key_init(&d->key);
    fair_init(&d->asked, 1);
    list_init(&d->known);
    list_init(&d->unknown);
    return d;
}

static void drop_all(struct directory *d, struct list *list)
{
    while (!list_empty(list)) {
        drop(d, container_of(list_head(list), struct directory_entry, node));
    }
}

/* Nobody who waits for it is told. */
static void silence(struct directory_entry *entry)
{
    while (!list_empty(&entry->requests)) {
        struct list *first = list_head(&entry->requests);
        container_of(first, struct directory_request, node)->entry = NULL;
        list_remove(first);
    }
}

void directory_free(struct directory *d)
{
    struct directory_entry *entry;

    if (d == NULL) {
        return;
    }
    while ((entry = take_next(d)) != NULL) {
        silence(entry);
        drop(d, entry);
    }
    if (d->current != NULL) {
        silence(d->current);
        unlist(d, d->current);
    }
    drop_all(d, &d->known);
    drop_all(d, &d->unknown);
    if (!task_leave(&d->task)) {
        free_now(d);
    }
}

void directory_forget(struct directory *d)
{
    struct directory_entry *entry;
    struct directory_entry *next;

    drop_all(d, &d->known);
    drop_all(d, &d->unknown);
    HASH_ITER (hh, d->entries, entry, next) { /* those that are asked for */
        HASH_DEL(d->entries, entry);
        entry->outdated = true;
    }
}

struct directory_record *directory_recall(struct directory *d,
                                          const struct directory_question *question)
{
    struct directory_entry *entry = recall(d, question);

    return entry == NULL ? NULL : entry->record;
}

void directory_ask(struct directory *d, const struct realm *realm,
                   const struct directory_question *question, struct slice lane,
                   struct directory_request *request)
{
    struct directory_entry *entry = recall(d, question);

    assert(entry == NULL || entry->record == NULL);
    if (entry == NULL) {
        entry = x_zalloc(sizeof *entry);
        entry->question = *question;
        entry->realm = realm_ref(realm);
        list_init(&entry->requests);
        entry->lane = fair_push(&d->asked, lane, &entry->node);
        HASH_ADD_BYHASHVALUE(hh, d->entries, question, sizeof entry->question, hash_of(d, question),
                             entry);
    }
    request->entry = entry;
    list_push_tail(&entry->requests, &request->node);
    ask_next(d);
}

void directory_cancel(struct directory *d, struct directory_request *request)
{
    struct directory_entry *entry = request->entry;

    if (request->node.next == NULL) {
        return;
    }
    list_remove(&request->node);
    request->entry = NULL;
    if (entry != NULL && list_empty(&entry->requests) && entry != d->current) {
        drop(d, entry);
    }
}
