// SPDX-License-Identifier: MIT
#include "pool/account.h"

#include <stdlib.h>

#include "base/alloc.h"

struct account *account_find_or_add(struct account **accounts, struct slice name)
{
    struct account *account;

    HASH_FIND(hh, *accounts, name.p, name.n, account);
    if (account == NULL) {
        account = x_zalloc(sizeof *account);
        account->name = x_strndup(name);
        list_init(&account->clients_list);
        list_init(&account->full_lanes);
        HASH_ADD_KEYPTR(hh, *accounts, account->name, name.n, account);
    }
    return account;
}

void account_free_all(struct account **accounts)
{
    struct account *account;
    struct account *next;

    HASH_ITER (hh, *accounts, account, next) {
        HASH_DEL(*accounts, account);
        free(account->name);
        free(account);
    }
}
