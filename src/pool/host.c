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

/* Closing an idle one gives its place back; the claim is in no list meanwhile, so that the place is
 * not offered to another that waits. */
bool host_take(struct host *host, struct host_claim *claim)
{
    list_remove(&claim->node);
    if (take_from_budget(host->budget)) {
        return true;
    }
    struct list *oldest = list_tail(&host->idle);
    if (oldest != NULL && list_empty(&host->starved)) {
        backend_close(container_of(oldest, struct backend, host_node), NULL);
        if (take_from_budget(host->budget)) {
            return true;
        }
    }
    list_push_tail(&host->starved, &claim->node);
    return false;
}

void host_give(struct host *host)
{
    atomic_fetch_sub(&host->budget->used, 1);
    struct list *node = list_pop_head(&host->starved);
    if (node != NULL) {
        struct host_claim *claim = container_of(node, struct host_claim, node);
        claim->on_room(claim);
    }
}

bool host_wants_back(const struct host *host, uint32_t count, bool idle)
{
    uint32_t max = atomic_load(&host->budget->max);

    if (list_empty(&host->starved) || max == 0) {
        return false;
    }
    uint32_t share = host->pools == 0 ? max : max / host->pools;
    return idle || count > (share == 0 ? 1 : share);
}
