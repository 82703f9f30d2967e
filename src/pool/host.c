// SPDX-License-Identifier: MIT
#include "pool/host.h"

#include <stdlib.h>

#include "base/alloc.h"

struct host *host_find_or_add(struct host **hosts, const char *name, struct budget *budget)
{
    struct host *host;

    HASH_FIND_STR(*hosts, name, host);
    if (host == NULL) {
        host = x_zalloc(sizeof *host);
        host->name = x_strdup(name);
        host->budget = budget;
        list_init(&host->idle);
        list_init(&host->starved);
        HASH_ADD_KEYPTR(hh, *hosts, host->name, strlen(host->name), host);
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

static bool take_from_budget(struct budget *budget)
{
    uint32_t max = atomic_load(&budget->max);
    uint32_t used = atomic_load(&budget->used);

    do {
        if (max != 0 && used >= max) {
            return false;
        }
    } while (!atomic_compare_exchange_weak(&budget->used, &used, used + 1));
    return true;
}

static void enqueue(struct host *host, struct host_claim *claim)
{
    if (list_empty(&claim->node)) {
        list_push_tail(&host->starved, &claim->node);
        host->starved_count++;
    }
}

void host_withdraw(struct host *host, struct host_claim *claim)
{
    if (!list_empty(&claim->node)) {
        list_remove(&claim->node);
        host->starved_count--;
    }
}

bool host_take(struct host *host, struct host_claim *claim)
{
    if (take_from_budget(host->budget)) {
        host_withdraw(host, claim);
        return true;
    }
    enqueue(host, claim);
    struct list *oldest = list_tail(&host->idle);
    if (oldest != NULL && host_is_short(host)) {
        struct backend *b = container_of(oldest, struct backend, host_node);
        b->ending = BACKEND_END_ROOM;
        backend_close(b, NULL);
    }
    return false;
}

static bool has_room(struct budget *budget)
{
    uint32_t max = atomic_load(&budget->max);

    return max == 0 || atomic_load(&budget->used) < max;
}

/* Not every one that is told still needs it. */
static void tell_starved(struct host *host)
{
    struct list *node;

    while (has_room(host->budget) && (node = list_head(&host->starved)) != NULL) {
        struct host_claim *claim = container_of(node, struct host_claim, node);
        host_withdraw(host, claim);
        claim->on_room(claim);
    }
}

void host_give(struct host *host)
{
    atomic_fetch_sub(&host->budget->used, 1);
    tell_starved(host);
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

bool host_wants_back(const struct host *host, uint32_t count, bool idle)
{
    uint32_t max = atomic_load(&host->budget->max);

    if (!host_is_short(host) || max == 0) {
        return false;
    }
    uint32_t share = host->pools == 0 ? max : max / host->pools;
    return idle || count > (share == 0 ? 1 : share);
}
