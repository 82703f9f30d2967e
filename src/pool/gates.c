// SPDX-License-Identifier: MIT
#include "pool/gates.h"

#include <stdlib.h>

#include <uthash.h>

#include "base/alloc.h"

struct gate {
    UT_hash_handle hh;
    char *name;
    uint32_t flags; /* not 0 */
};

static struct gate *find(const struct gates *gates, enum gate_kind kind, struct slice name)
{
    struct gate *gate;

    HASH_FIND(hh, gates->named[kind], name.p, name.n, gate);
    return gate;
}

uint32_t gates_get(const struct gates *gates, enum gate_kind kind, struct slice name)
{
    const struct gate *gate = find(gates, kind, name);

    return gate == NULL ? 0 : gate->flags;
}

void gates_add(struct gates *gates, enum gate_kind kind, struct slice name, uint32_t flags)
{
    struct gate *gate = find(gates, kind, name);

    if (gate == NULL) {
        gate = x_zalloc(sizeof *gate);
        gate->name = x_strndup(name);
        HASH_ADD_KEYPTR(hh, gates->named[kind], gate->name, name.n, gate);
    }
    gate->flags |= flags;
}

static void free_gate(struct gates *gates, enum gate_kind kind, struct gate *gate)
{
    HASH_DEL(gates->named[kind], gate);
    free(gate->name);
    free(gate);
}

void gates_remove(struct gates *gates, enum gate_kind kind, struct slice name, uint32_t flags)
{
    struct gate *gate = find(gates, kind, name);

    if (gate != NULL) {
        gate->flags &= ~flags;
        if (gate->flags == 0) {
            free_gate(gates, kind, gate);
        }
    }
}

void gates_each(const struct gates *gates, enum gate_kind kind,
                void (*each)(void *data, const char *name, uint32_t flags), void *data)
{
    for (const struct gate *gate = gates->named[kind]; gate != NULL; gate = gate->hh.next) {
        each(data, gate->name, gate->flags);
    }
}

void gates_fini(struct gates *gates)
{
    for (enum gate_kind kind = 0; kind < GATE_KINDS; kind++) {
        while (gates->named[kind] != NULL) {
            free_gate(gates, kind, gates->named[kind]);
        }
    }
}
