// SPDX-License-Identifier: MIT
#include "proxy/statements.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

uint8_t statement_name_write(uint32_t number, char name[STATEMENT_NAME_SIZE])
{
    return (uint8_t)snprintf(name, STATEMENT_NAME_SIZE, STATEMENT_PREFIX "%u", number);
}

static void number_it(struct statements *all, struct statement *statement)
{
    statement->number = ++all->next_number;
    if (statement->number == 0) {
        statement->number = ++all->next_number;
    }
    statement->name_length = statement_name_write(statement->number, statement->name);
    HASH_ADD(by_number, all->by_number, number, sizeof statement->number, statement);
}

struct statement *statements_intern(struct statements *all, const void *scope, struct slice body)
{
    struct statement *statement;
    size_t size = sizeof scope + body.n;
    uint8_t *key = x_alloc(size);

    memcpy(key, &scope, sizeof scope);
    memcpy(key + sizeof scope, body.p, body.n);
    HASH_FIND(hh, all->by_key, key, size, statement);
    if (statement != NULL) {
        free(key);
        statement->refs++;
        return statement;
    }
    statement = x_zalloc(sizeof *statement);
    *statement =
        (struct statement){.refs = 1, .key = key, .key_size = size, .body_at = sizeof scope};
    HASH_ADD_KEYPTR(hh, all->by_key, statement->key, size, statement);
    number_it(all, statement);
    return statement;
}

void statements_unref(struct statements *all, struct statement *statement)
{
    assert(statement->refs > 0);
    if (--statement->refs > 0) {
        return;
    }
    HASH_DELETE(hh, all->by_key, statement);
    HASH_DELETE(by_number, all->by_number, statement);
    free(statement->key);
    free(statement);
}

void statements_renew(struct statements *all, uint32_t number)
{
    struct statement *statement;

    HASH_FIND(by_number, all->by_number, &number, sizeof number, statement);
    if (statement != NULL) {
        HASH_DELETE(by_number, all->by_number, statement);
        number_it(all, statement);
    }
}

struct client_statement *client_statements_find(struct client_statement *map, struct slice name)
{
    struct client_statement *cs;

    HASH_FIND(hh, map, name.p, name.n, cs);
    return cs;
}

struct client_statement *client_statements_add(struct client_statement **map, struct slice name,
                                               struct statement *statement)
{
    struct client_statement *cs = x_zalloc(sizeof *cs);

    cs->name = x_strndup(name);
    cs->statement = statement;
    client_statements_list(map, cs);
    return cs;
}

void client_statements_list(struct client_statement **map, struct client_statement *cs)
{
    HASH_ADD_KEYPTR(hh, *map, cs->name, strlen(cs->name), cs);
    cs->listed = true;
}

void client_statements_unlist(struct client_statement **map, struct client_statement *cs)
{
    if (cs->listed) {
        HASH_DEL(*map, cs);
        cs->listed = false;
    }
}

void client_statement_release(struct statements *all, struct client_statement *cs)
{
    if (cs->listed || cs->notes > 0) {
        return;
    }
    statements_unref(all, cs->statement);
    free(cs->name);
    free(cs);
}

void client_statements_clear(struct statements *all, struct client_statement **map,
                             bool also_in_flight)
{
    struct client_statement *cs;
    struct client_statement *next;

    HASH_ITER (hh, *map, cs, next) {
        if (also_in_flight || !cs->in_flight) {
            client_statements_unlist(map, cs);
            client_statement_release(all, cs);
        }
    }
}

void client_statements_rescope(struct statements *all, struct client_statement *map,
                               const void *scope)
{
    for (struct client_statement *cs = map; cs != NULL; cs = cs->hh.next) {
        struct statement *old = cs->statement;
        cs->statement = statements_intern(all, scope, statement_body(old));
        statements_unref(all, old);
    }
}
