// SPDX-License-Identifier: MIT
//
// show_users: the users of the configuration, and whoever else is there: roles that server
// connections log in as, clients where everybody is trusted.
#include "admin/show.h"

#include <stdlib.h>

#include <uthash.h>

#include "admin/record.h"
#include "base/alloc.h"
#include "proxy/frontend.h"

static const struct column columns[] = {
    {"name", COLUMN_TEXT},
    {"pool_size", COLUMN_INT},
    {"reserve_pool_size", COLUMN_INT},
    {"pool_mode", COLUMN_TEXT},
    {"max_user_connections", COLUMN_INT},
    {"current_connections", COLUMN_INT},
    {"max_user_client_connections", COLUMN_INT},
    {"current_client_connections", COLUMN_INT},
};

struct user_record {
    char name[NAME_SIZE]; /* its unused bytes are zero: it is a key */
    uint32_t clients;
    uint32_t connections; /* server connections that log in as it */
};

struct user_sum {
    UT_hash_handle hh; /* by name, in the order in which they were found */
    struct user_record record;
};

static struct user_record *find_or_add(struct user_sum **sums, const char *name)
{
    char key[NAME_SIZE] = "";
    struct user_sum *sum;

    record_name(key, name);
    HASH_FIND(hh, *sums, key, sizeof key, sum);
    if (sum == NULL) {
        sum = x_zalloc(sizeof *sum);
        memcpy(sum->record.name, key, sizeof key);
        HASH_ADD_KEYPTR(hh, *sums, sum->record.name, sizeof key, sum);
    }
    return &sum->record;
}

static void free_sums(struct user_sum *sums)
{
    struct user_sum *sum;
    struct user_sum *next;

    HASH_ITER (hh, sums, sum, next) {
        HASH_DEL(sums, sum);
        free(sum);
    }
}

static enum gather_step collect(struct proxy *proxy, const struct question *question,
                                struct gather_part *part)
{
    struct user_sum *sums = NULL;
    struct pool *pool;
    struct pool *next;

    (void)question;
    for (struct list *node = proxy->clients.next; node != &proxy->clients; node = node->next) {
        const struct frontend *f = container_of(node, struct frontend, node);
        if (f->user != NULL) {
            find_or_add(&sums, f->user)->clients++;
        }
    }
    HASH_ITER (hh, proxy->pools.pools, pool, next) {
        find_or_add(&sums, pool->role)->connections += pool->count;
    }
    for (const struct user_sum *sum = sums; sum != NULL; sum = sum->hh.next) {
        buf_append(&part->answer, &sum->record, sizeof sum->record);
    }
    free_sums(sums);
    return GATHER_DONE;
}

static void render_user(struct rows *rows, const struct user_record *r,
                        const struct user_config *user)
{
    row_begin(rows);
    row_text(rows, r->name);
    row_null(rows); /* pools are sized by tenant */
    row_null(rows);
    row_null(rows);
    row_int(rows, 0); /* limits are by tenant and server */
    row_int(rows, r->connections);
    row_int(rows, user == NULL ? 0 : user->limits.clients);
    row_int(rows, r->clients);
    row_end(rows);
}

static void render(struct admin *admin, const struct gather *gather, struct rows *rows)
{
    const struct config *config = admin_config(admin);
    struct record_walk walk = {.answers = gather};
    struct user_sum *sums = NULL;
    const struct user_record *r;

    for (size_t i = 0; i < config->user_count; i++) {
        (void)find_or_add(&sums, config->users[i].name);
    }
    while ((r = record_next(&walk, sizeof *r)) != NULL) {
        struct user_record *sum = find_or_add(&sums, r->name);
        sum->clients += r->clients;
        sum->connections += r->connections;
    }
    for (const struct user_sum *sum = sums; sum != NULL; sum = sum->hh.next) {
        render_user(rows, &sum->record, config_user(config, slice_str(sum->record.name)));
    }
    free_sums(sums);
}

const struct show show_users = {.columns = COLUMNS(columns), .collect = collect, .render = render};
