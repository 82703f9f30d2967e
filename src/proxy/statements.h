// SPDX-License-Identifier: MIT
//
// statements: the clients' named prepared statements, interned. Clients that prepare the same text
// with the same types under the same scope share one statement with one number, under which it is
// prepared on whatever server connection they get; a client's own names map to it. The scope is the
// pool, or, where the meaning of a name hangs on the search path, the tenant's lane. One table per
// worker, one thread.
#ifndef PROXY_STATEMENTS_H
#define PROXY_STATEMENTS_H

#include <uthash.h>

#include "base/slice.h"

/* What a statement is called at servers: this and its number. */
#define STATEMENT_PREFIX "fahrend_"
enum { STATEMENT_NAME_SIZE = sizeof STATEMENT_PREFIX + 10 };

struct statement {
    UT_hash_handle hh; /* by key, in statements.by_key */
    UT_hash_handle by_number;
    uint32_t number; /* never 0 */
    uint32_t refs;
    char name[STATEMENT_NAME_SIZE]; /* at servers, ready for every execution; ends with 0 */
    uint8_t name_length;
    size_t key_size;
    size_t body_at; /* where the body begins in key: behind the scope */
    uint8_t *key;   /* the scope's address, then query with its terminator, count of types, types */
};

struct statements {
    struct statement *by_key;
    struct statement *by_number;
    uint32_t next_number;
    uint32_t next_dropped; /* numbers the statements that stand for deallocated ones */
};

/* A client's name for one. */
struct client_statement {
    UT_hash_handle hh; /* by name, in its client's map while `listed` */
    char *name;
    struct statement *statement; /* a reference */
    uint32_t notes;              /* entries of a ledger that point here */
    bool listed;
    bool in_flight; /* its Parse is not answered yet */
};

/* A reference to the statement of this body: what follows the name in a Parse message. */
struct statement *statements_intern(struct statements *all, const void *scope, struct slice body);
void statements_unref(struct statements *all, struct statement *statement);

/* Gives it another number: under the old one servers refuse it. Nothing happens for a number not in
 * use. */
void statements_renew(struct statements *all, uint32_t number);

/* Writes the name of a statement with this number and its final 0; returns its length. */
uint8_t statement_name_write(uint32_t number, char name[STATEMENT_NAME_SIZE]);

static inline struct slice statement_body(const struct statement *statement)
{
    return slice_of(statement->key + statement->body_at, statement->key_size - statement->body_at);
}

/* The map of one client; *map begins as NULL. */
struct client_statement *client_statements_find(struct client_statement *map, struct slice name);
struct client_statement *client_statements_add(
    struct client_statement **map, struct slice name,
    struct statement *statement); /* takes over the reference */
void client_statements_list(struct client_statement **map,
                            struct client_statement *cs); /* back in */
void client_statements_unlist(struct client_statement **map, struct client_statement *cs);

/* The client has another scope now; none of them is in flight. */
void client_statements_rescope(struct statements *all, struct client_statement *map,
                               const void *scope);

/* Frees it where it is neither listed nor noted. */
void client_statement_release(struct statements *all, struct client_statement *cs);
void client_statements_clear(struct statements *all, struct client_statement **map,
                             bool also_in_flight);

#endif
