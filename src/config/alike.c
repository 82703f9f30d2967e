// SPDX-License-Identifier: MIT
#include "config/alike.h"

#include <stdlib.h>

#include <uthash.h>

#include "base/alloc.h"

struct alike_entry {
    UT_hash_handle hh;
    const void *became;
    char said[];
};

/* Texts have no NUL inside, and what stands before a text or a number of entries is no part of one:
 * different nodes are written differently. */
static void say(struct buf *out, const struct node *node)
{
    buf_append_u8(out, (uint8_t)node->kind);
    buf_append_u8(out, node->plain ? 1 : 0);
    if (node->kind == NODE_SCALAR) {
        buf_append_cstr(out, node->text);
        return;
    }
    buf_append(out, &node->count, sizeof node->count);
    for (size_t i = 0; i < node->count; i++) {
        if (node->entries[i].key != NULL) {
            buf_append_cstr(out, node->entries[i].key->text);
        }
        say(out, node->entries[i].value);
    }
}

const void *alike_find(struct alike *alike, const struct node *node)
{
    struct alike_entry *entry;

    buf_clear(&alike->said);
    say(&alike->said, node);
    struct slice said = buf_slice(&alike->said);
    HASH_FIND(hh, alike->entries, said.p, said.n, entry);
    return entry == NULL ? NULL : entry->became;
}

void alike_note(struct alike *alike, const void *became)
{
    struct slice said = buf_slice(&alike->said);
    struct alike_entry *entry = x_alloc(sizeof *entry + said.n);

    entry->became = became;
    memcpy(entry->said, said.p, said.n);
    HASH_ADD_KEYPTR(hh, alike->entries, entry->said, said.n, entry);
}

void alike_fini(struct alike *alike)
{
    struct alike_entry *entry;
    struct alike_entry *next;

    HASH_ITER (hh, alike->entries, entry, next) {
        HASH_DEL(alike->entries, entry);
        secure_zero(entry->said, entry->hh.keylen); /* a password may stand in a file */
        free(entry);
    }
    buf_release_secret(&alike->said);
}
