// SPDX-License-Identifier: MIT
#include "pool/host.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "pool/letter.h"
#include "pool/pools.h"
#include "pool/quota.h"

struct host *host_find_or_add(struct pools *owner, const char *name, struct budget *budget)
{
    struct host *host;

    HASH_FIND_STR(owner->hosts, name, host);
    if (host == NULL) {
        host = x_zalloc(sizeof *host);
        host->name = x_strdup(name);
        host->owner = owner;
        host->budget = budget;
        list_init(&host->idle);
        list_init(&host->starved);
        HASH_ADD_KEYPTR(hh, owner->hosts, host->name, strlen(host->name), host);
    }
    return host;
}

void host_free_all(struct host **hosts)
{
    struct host *host;
    struct host *next;

    HASH_ITER (hh, *hosts, host, next) {
        HASH_DEL(*hosts, host);
        free(host->name);
        free(host);
    }
}

/* ---- who starves ---- */

static uint64_t own_bit(const struct host *host)
{
    return (uint64_t)1 << host->owner->worker % CREW_MAX;
}

static uint64_t other_bits(const struct host *host)
{
    const struct crew *crew = host->owner->crew;

    return crew == NULL ? 0 : crew_bits(crew) & ~own_bit(host);
}

/* Those who starve take turns, from worker to worker. Negative where nobody does. */
static int next_starving(const struct host *host)
{
    uint64_t bits = atomic_load(&host->budget->starving);
    uint32_t turn = atomic_load(&host->budget->turn);

    for (uint32_t i = 1; bits != 0 && i <= CREW_MAX; i++) {
        uint32_t worker = (turn + i) % CREW_MAX;
        if ((bits >> worker & 1) != 0) {
            atomic_store(&host->budget->turn, worker);
            return (int)worker;
        }
    }
    return -1;
}

static void enqueue(struct host *host, struct host_claim *claim)
{
    if (list_empty(&claim->node)) {
        list_push_tail(&host->starved, &claim->node);
        host->starved_count++;
    }
    (void)atomic_fetch_or(&host->budget->starving, own_bit(host));
}

void host_withdraw(struct host *host, struct host_claim *claim)
{
    if (!list_empty(&claim->node)) {
        list_remove(&claim->node);
        host->starved_count--;
    }
    if (host->starved_count == 0 && (atomic_load(&host->budget->starving) & own_bit(host)) != 0) {
        (void)atomic_fetch_and(&host->budget->starving, ~own_bit(host));
    }
}

/* One question to the other workers is on its way at a time: the next is asked when a place has
 * come. */
static void make_room(struct host *host)
{
    if (!list_empty(&host->idle)) {
        host_close_idle(host);
    } else if (!host->asked) {
        host->asked = true;
        letter_post_all(host->owner, other_bits(host), LETTER_STARVING, host->name);
    }
}

/* ---- taking and giving ---- */

static bool take(struct host *host)
{
    if (host->spare > 0) {
        host->spare--;
        return true;
    }
    return quota_take(&host->budget->used, atomic_load(&host->budget->max));
}

/* A place that came back before the others could see who starves here is found by the second try.
 */
bool host_take(struct host *host, struct host_claim *claim)
{
    if (take(host)) {
        host_withdraw(host, claim);
        return true;
    }
    enqueue(host, claim);
    if (take(host)) {
        host_withdraw(host, claim);
        return true;
    }
    if (host_is_short(host)) {
        make_room(host);
    }
    return false;
}

void host_close_idle(struct host *host)
{
    struct list *oldest = list_tail(&host->idle);

    if (oldest != NULL) {
        struct backend *b = container_of(oldest, struct backend, host_node);
        backend_close_for(b, BACKEND_END_ROOM);
    }
}

/* Not every one that is told still needs it. */
void host_receive_place(struct host *host)
{
    struct list *node;

    host->spare++;
    host->asked = false;
    while (host->spare > 0 && (node = list_head(&host->starved)) != NULL) {
        struct host_claim *claim = container_of(node, struct host_claim, node);
        host_withdraw(host, claim);
        claim->on_room(claim);
    }
    if (host->spare > 0) {
        host->spare--;
        host_give(host);
    }
}

/* A place is handed on, not put back to be fought for: whoever starves on another worker would come
 * too late each time. The second look finds who began to starve while it was put back. */
void host_give(struct host *host)
{
    struct budget *budget = host->budget;

    for (;;) {
        int worker = next_starving(host);
        if (worker == (int)host->owner->worker % CREW_MAX) {
            host_receive_place(host);
            return;
        }
        if (worker >= 0) {
            letter_post(host->owner, (uint32_t)worker, LETTER_PLACE, host->name);
            return;
        }
        atomic_fetch_sub(&budget->used, 1);
        if (atomic_load(&budget->starving) == 0 ||
            !quota_take(&budget->used, atomic_load(&budget->max))) {
            return;
        }
    }
}

void host_give_later(struct host *host)
{
    host->leaving++;
}

void host_given(struct host *host)
{
    host->leaving--;
    host_give(host);
}

void host_retry(struct host *host)
{
    struct budget *budget = host->budget;

    while (!list_empty(&host->starved) && quota_take(&budget->used, atomic_load(&budget->max))) {
        host_receive_place(host);
    }
}

void host_leave(struct host *host)
{
    struct list *node;

    while ((node = list_head(&host->starved)) != NULL) {
        host_withdraw(host, container_of(node, struct host_claim, node));
    }
}

/* Of the others it is known that they starve, not how many: one at a time is on its way to them. */
static bool is_wanted(const struct host *host)
{
    uint64_t starving = atomic_load_explicit(&host->budget->starving, memory_order_relaxed);

    return starving != 0 &&
           (host_is_short(host) || ((starving & ~own_bit(host)) != 0 && host->leaving == 0));
}

bool host_wants_back(const struct host *host, uint32_t count, bool idle)
{
    uint32_t max = atomic_load_explicit(&host->budget->max, memory_order_relaxed);

    if (max == 0 || !is_wanted(host)) {
        return false;
    }
    uint32_t pools = atomic_load(&host->budget->pools);
    uint32_t share = pools == 0 ? max : max / pools;
    return idle || count > (share == 0 ? 1 : share);
}
