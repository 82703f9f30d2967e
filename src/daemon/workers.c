// SPDX-License-Identifier: MIT
#include "daemon/workers.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/alloc.h"
#include "net/task.h"
#include "proxy/slots.h"

/* Of libuv's pool: for tenants that are made, and names that are resolved. */
enum { CONTROL_THREADS = 4 };

/* Seconds that the threads have to end in: more than anything that has a time limit of its own. */
enum { END_PATIENCE = 10 };

static unsigned count_wanted(const struct config *config)
{
    unsigned count = config->workers > 0 ? (unsigned)config->workers : uv_available_parallelism();

    return count < CREW_MAX ? count : CREW_MAX;
}

/* libuv reads it when the first step comes. Idle threads cost little; too few of them would let
 * steps that block keep those that compute. */
static void size_thread_pool(unsigned workers)
{
    char threads[16];

    (void)snprintf(threads, sizeof threads, "%u", CONTROL_THREADS + tasks_threads(workers));
    (void)setenv("UV_THREADPOOL_SIZE", threads, 0);
}

static void close_sets(const struct listener_set *sets, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        for (size_t j = 0; j < sets[i].count; j++) {
            (void)close(sets[i].fds[j]);
        }
    }
}

int workers_init(struct workers *workers, struct listeners *listeners, const struct realm *realm,
                 struct errands *errands, struct err *err)
{
    const struct config *config = realm_config(realm);
    static const struct worker_hooks hooks = {
        .on_console = errands_console,
        .on_cancel = errands_cancel,
        .on_tampering = errands_tampering,
        .on_unknown = errands_unknown,
        .on_drained = errands_drained,
    };
    unsigned count = count_wanted(config);
    struct listener_set *sets = x_zalloc(count * sizeof *sets);

    size_thread_pool(count);
    *workers = (struct workers){.one_queue = listeners->given};
    workers->shared.addresses = addresses_new();
    quotas_init(&workers->shared.crew.tenants);
    quotas_init(&workers->shared.crew.users);
    workers->items = x_zalloc(count * sizeof *workers->items);
    int rc = listeners_open(listeners, &config->listen, sets, count, err);
    while (rc == 0 && workers->count < count) {
        struct worker *w = &workers->items[workers->count];
        rc = worker_init(w, &sets[workers->count], realm_ref(realm), &workers->shared, &hooks,
                         errands);
        if (rc < 0) {
            (void)err_set(err, rc, "worker: %s", uv_strerror(rc));
        } else {
            workers->count++; /* and the sockets are its */
        }
    }
    close_sets(sets + workers->count, count - workers->count);
    free(sets);
    return rc;
}

int workers_start(struct workers *workers, struct err *err)
{
    workers->listening = true;
    for (size_t i = 0; i < workers->count; i++) {
        int rc = worker_start(&workers->items[i]);
        if (rc < 0) {
            return err_set(err, rc, "worker: %s", uv_strerror(rc));
        }
    }
    return 0;
}

void workers_set_realm(struct workers *workers, const struct realm *realm)
{
    for (size_t i = 0; i < workers->count; i++) {
        worker_set_realm(&workers->items[i], realm_ref(realm));
    }
}

void workers_refresh(struct workers *workers, struct slice names)
{
    for (size_t i = 0; i < workers->count; i++) {
        worker_refresh(&workers->items[i], names);
    }
}

void workers_answer(struct workers *workers, const char *tenant, const struct err *err)
{
    for (size_t i = 0; i < workers->count; i++) {
        worker_answer(&workers->items[i], tenant, err);
    }
}

/* Where the sockets outlive us whoever comes from now on waits for the next process, and those who
 * have come already are not refused. */
static enum proxy_drain kindly(const struct workers *workers, enum proxy_drain how)
{
    if (!workers->one_queue) {
        return how;
    }
    return how == PROXY_DRAIN_CLIENTS   ? PROXY_DRAIN_HANDED_OVER
           : how == PROXY_DRAIN_SERVERS ? PROXY_DRAIN_BETWEEN
                                        : how;
}

void workers_drain(struct workers *workers, enum proxy_drain how)
{
    bool shared = workers->one_queue || how == PROXY_DRAIN_HANDED_OVER;

    for (size_t i = 0; i < workers->count; i++) {
        if (workers->listening) {
            worker_stop_listening(&workers->items[i], !shared);
        }
        worker_drain(&workers->items[i], kindly(workers, how));
    }
    workers->listening = false;
}

void workers_stop(struct workers *workers)
{
    for (size_t i = 0; i < workers->count; i++) {
        worker_stop(&workers->items[i]);
    }
}

void workers_cancel(struct workers *workers, const struct cancel_key *key)
{
    uint32_t index = slot_worker(key->pid);

    if (index < workers->count) {
        worker_cancel(&workers->items[index], key);
    }
}

bool workers_join(struct workers *workers)
{
    struct timespec until;

    (void)clock_gettime(CLOCK_REALTIME, &until); /* ThreadSanitizer knows no join by another */
    until.tv_sec += END_PATIENCE;
    for (size_t i = 0; i < workers->count; i++) {
        if (!worker_join(&workers->items[i], &until)) {
            return false;
        }
    }
    for (size_t i = 0; i < workers->count; i++) {
        worker_fini(&workers->items[i]);
    }
    return true;
}

void workers_fini(struct workers *workers)
{
    free(workers->items);
    quotas_fini(&workers->shared.crew.tenants);
    quotas_fini(&workers->shared.crew.users);
    addresses_free(workers->shared.addresses);
}
