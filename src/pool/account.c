// SPDX-License-Identifier: MIT
#include "pool/account.h"

#include <stdlib.h>

#include "base/alloc.h"

struct account *account_find_or_add(struct account **accounts, struct quotas *quotas,
                                    struct slice name)
{
    struct account *account;

    HASH_FIND(hh, *accounts, name.p, name.n, account);
    if (account == NULL) {
        account = x_zalloc(sizeof *account);
        account->name = x_strndup(name);
        list_init(&account->clients_list);
        list_init(&account->full_lanes);
        list_init(&account->own_pools);
        account->quota = quotas == NULL ? &account->alone : quota_find_or_add(quotas, name);
        HASH_ADD_KEYPTR(hh, *accounts, account->name, name.n, account);
    }
    return account;
}

struct account_stats *account_stats_of(struct account *account, const char *server,
                                       const char *database)
{
    struct tally *tally = account->tallies;

    while (tally != NULL &&
           (strcmp(tally->server, server) != 0 || strcmp(tally->database, database) != 0)) {
        tally = tally->next;
    }
    if (tally == NULL) {
        tally = x_zalloc(sizeof *tally);
        tally->server = x_strdup(server);
        tally->database = x_strdup(database);
        tally->next = account->tallies;
        account->tallies = tally;
    }
    return &tally->stats;
}

static void free_tallies(struct account *account)
{
    while (account->tallies != NULL) {
        struct tally *tally = account->tallies;
        account->tallies = tally->next;
        free(tally->server);
        free(tally->database);
        free(tally);
    }
}

void account_free_all(struct account **accounts)
{
    struct account *account;
    struct account *next;

    HASH_ITER (hh, *accounts, account, next) {
        HASH_DEL(*accounts, account);
        free_tallies(account);
        free(account->name);
        free(account);
    }
}
