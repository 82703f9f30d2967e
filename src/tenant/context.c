// SPDX-License-Identifier: MIT
#include "tenant/context.h"

#include <assert.h>
#include <stdlib.h>

#include "base/alloc.h"

enum { CHAINS_FIRST = 64 };

_Static_assert(CONTEXT_SETTINGS_MAX < UINT8_MAX, "context.tracked counts in a byte");

/* Settings as the table keeps them: sorted, each name once. */
struct sorted {
    struct context_setting items[CONTEXT_SETTINGS_MAX];
    size_t count;
};

void context_table_init(struct context_table *table)
{
    *table = (struct context_table){.chain_count = CHAINS_FIRST};
    hash_key_init(&table->key);
    table->chains = x_zalloc(CHAINS_FIRST * sizeof *table->chains);
}

void context_table_fini(struct context_table *table)
{
    assert(table->count == 0 && table->bytes == 0);
    free(table->chains);
    *table = (struct context_table){.chains = NULL};
}

/* The position of the name, or of the first one above it. */
static size_t find_position(const struct context_setting *items, size_t count, struct slice name,
                            bool *found)
{
    size_t low = 0;
    size_t high = count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = setting_name_compare(items[middle].name, name);
        if (order == 0) {
            *found = true;
            return middle;
        }
        if (order < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    *found = false;
    return low;
}

/* False where there is no room for another name. */
static bool sorted_put(struct sorted *sorted, const struct context_setting *setting)
{
    bool found;
    size_t at = find_position(sorted->items, sorted->count, setting->name, &found);

    if (found) {
        if (setting->fixed || !sorted->items[at].fixed) {
            sorted->items[at] = *setting;
        }
        return true;
    }
    if (sorted->count == CONTEXT_SETTINGS_MAX) {
        return false;
    }
    memmove(&sorted->items[at + 1], &sorted->items[at],
            (sorted->count - at) * sizeof sorted->items[0]);
    sorted->items[at] = *setting;
    sorted->count++;
    return true;
}

static uint64_t hash_sorted(const struct context_table *table, const void *scope,
                            const struct sorted *sorted)
{
    uint64_t hash = (uint64_t)(uintptr_t)scope;

    for (size_t i = 0; i < sorted->count; i++) {
        const struct context_setting *s = &sorted->items[i];
        hash = hash_bytes(&table->key, hash, s->name, true);
        hash = hash_bytes(&table->key, hash + s->fixed, s->value, false);
    }
    /* An empty context has no hash yet, and addresses alone are poorly spread. */
    return hash_bytes(&table->key, hash, SLICE_EMPTY, false);
}

static bool has_settings(const struct context *context, const struct sorted *sorted)
{
    if (context->count != sorted->count) {
        return false;
    }
    for (size_t i = 0; i < sorted->count; i++) {
        const struct context_setting *a = &context->settings[i];
        const struct context_setting *b = &sorted->items[i];
        if (a->fixed != b->fixed || !setting_name_eq(a->name, b->name) ||
            !slice_eq(a->value, b->value)) {
            return false;
        }
    }
    return true;
}

static struct context **find_chain(const struct context_table *table, uint64_t hash)
{
    return &table->chains[hash & (table->chain_count - 1)];
}

static struct slice copy_bytes(char **to, struct slice bytes)
{
    struct slice copy = slice_of(*to, bytes.n);

    if (bytes.n > 0) {
        memcpy(*to, bytes.p, bytes.n);
    }
    *to += bytes.n;
    return copy;
}

static struct context *make_context(const void *scope, uint64_t hash, const struct sorted *sorted)
{
    size_t size = sizeof(struct context) + sorted->count * sizeof(struct context_setting);
    size_t text = 0;

    for (size_t i = 0; i < sorted->count; i++) {
        text += sorted->items[i].name.n + sorted->items[i].value.n;
    }
    struct context *context = x_alloc(size + text);
    struct context_setting *settings = (struct context_setting *)(void *)(context + 1);
    char *bytes = (char *)context + size;
    *context = (struct context){
        .scope = scope,
        .refs = 1,
        .count = (uint16_t)sorted->count,
        .settings = settings,
        .hash = hash,
    };
    list_init(&context->idle);
    for (size_t i = 0; i < sorted->count; i++) {
        const struct context_setting *s = &sorted->items[i];
        settings[i].name = copy_bytes(&bytes, s->name);
        settings[i].value = copy_bytes(&bytes, s->value);
        settings[i].fixed = s->fixed;
        int number = tracked_number(s->name);
        if (number >= 0) {
            context->tracked[number] = (uint8_t)(i + 1);
            context->tracks = true;
        }
    }
    return context;
}

static void double_chains(struct context_table *table)
{
    struct context **old = table->chains;
    size_t old_count = table->chain_count;

    table->chain_count = old_count * 2;
    table->chains = x_zalloc(table->chain_count * sizeof *table->chains);
    for (size_t i = 0; i < old_count; i++) {
        for (struct context *c = old[i], *next; c != NULL; c = next) {
            struct context **chain = find_chain(table, c->hash);
            next = c->next;
            c->next = *chain;
            *chain = c;
        }
    }
    free(old);
}

static struct context *intern_sorted(struct context_table *table, const void *scope,
                                     const struct sorted *sorted)
{
    uint64_t hash = hash_sorted(table, scope, sorted);

    for (struct context *c = *find_chain(table, hash); c != NULL; c = c->next) {
        if (c->hash == hash && c->scope == scope && has_settings(c, sorted)) {
            return context_ref(c);
        }
    }
    if (table->count == table->chain_count) {
        double_chains(table);
    }
    struct context *context = make_context(scope, hash, sorted);
    struct context **chain = find_chain(table, hash);
    context->next = *chain;
    *chain = context;
    table->count++;
    table->bytes += context_bytes(context);
    return context;
}

struct context *context_intern(struct context_table *table, const void *scope,
                               const struct context_setting *settings, size_t n)
{
    struct sorted sorted;

    assert(n <= CONTEXT_SETTINGS_MAX);
    sorted.count = 0;
    for (size_t i = 0; i < n; i++) {
        bool put = sorted_put(&sorted, &settings[i]);
        assert(put);
    }
    return intern_sorted(table, scope, &sorted);
}

struct context *context_ref(struct context *context)
{
    assert(context->refs > 0 && context->refs < UINT32_MAX);
    context->refs++;
    return context;
}

void context_unref(struct context_table *table, struct context *context)
{
    if (context == NULL) {
        return;
    }
    assert(context->refs > 0);
    if (--context->refs > 0) {
        return;
    }
    assert(list_empty(&context->idle));
    struct context **link = find_chain(table, context->hash);
    while (*link != context) {
        link = &(*link)->next;
    }
    *link = context->next;
    table->count--;
    table->bytes -= context_bytes(context);
    free(context);
}

struct context *context_with(struct context_table *table, struct context *context,
                             struct slice name, struct slice value)
{
    const struct context_setting *old = context_find(context, name);
    struct context_setting setting = {.name = name, .value = value, .fixed = false};
    struct sorted sorted;

    if (old != NULL && (old->fixed || slice_eq(old->value, value))) {
        return context_ref(context);
    }
    memcpy(sorted.items, context->settings, context->count * sizeof sorted.items[0]);
    sorted.count = context->count;
    if (!sorted_put(&sorted, &setting)) {
        return NULL;
    }
    return intern_sorted(table, context->scope, &sorted);
}

struct context *context_with_fixed(struct context_table *table, struct context *context,
                                   struct slice name, struct slice value)
{
    struct sorted sorted;
    bool found;
    size_t at = find_position(context->settings, context->count, name, &found);

    if (!found) {
        return NULL;
    }
    memcpy(sorted.items, context->settings, context->count * sizeof sorted.items[0]);
    sorted.count = context->count;
    sorted.items[at].value = value;
    return intern_sorted(table, context->scope, &sorted);
}

const struct context_setting *context_find(const struct context *context, struct slice name)
{
    bool found;
    size_t at = find_position(context->settings, context->count, name, &found);

    return found ? &context->settings[at] : NULL;
}

size_t context_bytes(const struct context *context)
{
    size_t bytes = sizeof *context + context->count * sizeof *context->settings;

    for (uint16_t i = 0; i < context->count; i++) {
        bytes += context->settings[i].name.n + context->settings[i].value.n;
    }
    return bytes;
}
