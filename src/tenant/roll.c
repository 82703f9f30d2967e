// SPDX-License-Identifier: MIT
//
// A tree over the bits of the names' hashes, two at a level. Its leaves are pages: rows packed one
// behind the other, and their names behind them. A page that grows too large becomes a branch of
// four. All pages are filled about alike, since the hash spreads names evenly.
//
// What puts and removes takes a node over and gives one back: a branch that nobody else holds is
// changed in place, everything else is copied.
#include "tenant/roll.h"

#include <assert.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "tenant/name.h"

enum {
    FAN_BITS = 2,
    FAN = 1 << FAN_BITS,
    DEPTH_MAX = 32 / FAN_BITS, /* then the hash has no bits left, and a page takes what comes */
    PAGE_MAX = 32,             /* rows */
    BRANCH = UINT16_MAX,       /* in the place of a page's number of rows */
    STATE_BITS = 0x3f,         /* of a cell's bits */
    MADE_BIT = 0x40,
    COUNTS_BIT = 0x80
};

struct roll_node {
    atomic_uint refs;
    uint16_t count; /* rows of a page, or BRANCH */
};

struct branch {
    struct roll_node node;
    struct roll_node *children[FAN]; /* references; NULL: nothing there */
};

/* A row as a page has it. */
struct cell {
    struct form *form; /* a reference */
    uint64_t change;
    uint32_t hash;
    uint16_t name;  /* where it begins, behind the cells */
    uint8_t length; /* of the name */
    uint8_t bits;   /* an enum tenant_state, and what follows */
};

struct page {
    struct roll_node node;
    struct cell cells[]; /* and then their names, each with a NUL */
};

/* What is put. */
struct entry {
    const struct roll_row *row;
    uint32_t hash;
    uint8_t length;
};

static_assert(LIMIT_NAME <= UINT8_MAX, "a name's length fits");
static_assert((int)TENANT_STATES <= (int)STATE_BITS, "a state fits");

/* ---- nodes ---- */

static struct branch *as_branch(struct roll_node *node)
{
    return (struct branch *)node;
}

static struct page *as_page(const struct roll_node *node)
{
    return (struct page *)(uintptr_t)node;
}

static char *names_of(const struct page *page)
{
    return (char *)(uintptr_t)(page->cells + page->node.count);
}

static size_t page_bytes(const struct page *page)
{
    size_t bytes = sizeof *page + page->node.count * sizeof *page->cells;

    for (uint16_t i = 0; i < page->node.count; i++) {
        bytes += page->cells[i].length + 1U;
    }
    return bytes;
}

static unsigned child_of(uint32_t hash, unsigned depth)
{
    return (hash >> (depth * FAN_BITS)) & (FAN - 1);
}

static struct roll_node *ref(struct roll_node *node)
{
    if (node != NULL) {
        (void)atomic_fetch_add_explicit(&node->refs, 1, memory_order_relaxed);
    }
    return node;
}

static void unref(struct roll_node *node)
{
    if (node == NULL || atomic_fetch_sub_explicit(&node->refs, 1, memory_order_acq_rel) > 1) {
        return;
    }
    if (node->count == BRANCH) {
        for (int i = 0; i < FAN; i++) {
            unref(as_branch(node)->children[i]);
        }
    } else {
        for (uint16_t i = 0; i < node->count; i++) {
            form_unref(as_page(node)->cells[i].form);
        }
    }
    free(node);
}

/* ---- pages ---- */

/* Where the name is, or the number of rows. */
static uint16_t search(const struct page *page, uint32_t hash, struct slice name)
{
    uint16_t i = 0;

    while (
        i < page->node.count &&
        (page->cells[i].hash != hash ||
         !slice_eq(slice_of(names_of(page) + page->cells[i].name, page->cells[i].length), name))) {
        i++;
    }
    return i;
}

/* A page of this many rows, still empty, whose names take so many bytes. */
static struct page *new_page(size_t count, size_t names)
{
    struct page *page = x_alloc(sizeof *page + count * sizeof *page->cells + names);

    assert(count < BRANCH && names <= UINT16_MAX);
    atomic_init(&page->node.refs, 1);
    page->node.count = (uint16_t)count;
    return page;
}

static uint8_t pack(const struct roll_row *row)
{
    return (uint8_t)((int)row->state | (row->made ? MADE_BIT : 0) | (row->counts ? COUNTS_BIT : 0));
}

/* Adds a row's name behind those there are; *used counts their bytes. */
static void set_cell(struct page *page, uint16_t at, const struct cell *cell, const char *name,
                     size_t *used)
{
    page->cells[at] = *cell;
    page->cells[at].name = (uint16_t)*used;
    memcpy(names_of(page) + *used, name, cell->length + 1U);
    *used += cell->length + 1U;
    (void)form_ref(cell->form);
}

/* The same rows but one, which is `skip` (none where it is their number), and this entry at the end
 * (none where it is NULL). NULL where nothing would be in it. */
static struct page *remake(const struct page *old, uint16_t skip, const struct entry *e)
{
    uint16_t rows = old == NULL ? 0 : old->node.count;
    size_t count = rows - (skip < rows ? 1U : 0U) + (e == NULL ? 0U : 1U);
    size_t names = e == NULL ? 0 : e->length + 1U;
    uint16_t at = 0;
    size_t used = 0;

    for (uint16_t i = 0; i < rows; i++) {
        names += i == skip ? 0 : old->cells[i].length + 1U;
    }
    if (count == 0) {
        return NULL;
    }
    struct page *page = new_page(count, names);
    for (uint16_t i = 0; i < rows; i++) {
        if (i != skip) {
            set_cell(page, at++, &old->cells[i], names_of(old) + old->cells[i].name, &used);
        }
    }
    if (e != NULL) {
        const struct cell cell = {.form = e->row->form,
                                  .change = e->row->change,
                                  .hash = e->hash,
                                  .length = e->length,
                                  .bits = pack(e->row)};
        set_cell(page, at, &cell, e->row->name, &used);
    }
    return page;
}

static void read_cell(const struct page *page, uint16_t at, struct roll_row *row)
{
    const struct cell *cell = &page->cells[at];

    *row = (struct roll_row){.name = names_of(page) + cell->name,
                             .form = cell->form,
                             .change = cell->change,
                             .state = (enum tenant_state)(cell->bits & STATE_BITS),
                             .made = (cell->bits & MADE_BIT) != 0,
                             .counts = (cell->bits & COUNTS_BIT) != 0};
}

static void count_row(struct roll *roll, const struct cell *cell, bool in)
{
    roll->count += in ? 1 : (size_t)-1;
    roll->counts += (cell->bits & COUNTS_BIT) == 0 ? 0 : in ? 1 : (size_t)-1;
    roll->sum += in ? cell->change : -cell->change;
}

/* ---- putting and removing ---- */

/* A branch that is ours alone, in the place of this one. */
static struct branch *own(struct branch *branch)
{
    if (atomic_load_explicit(&branch->node.refs, memory_order_acquire) == 1) {
        return branch;
    }
    struct branch *copy = x_alloc(sizeof *copy);
    atomic_init(&copy->node.refs, 1);
    copy->node.count = BRANCH;
    for (int i = 0; i < FAN; i++) {
        copy->children[i] = ref(branch->children[i]);
    }
    unref(&branch->node);
    return copy;
}

static struct roll_node *put(struct roll *roll, struct roll_node *node, unsigned depth,
                             const struct entry *e);

static struct roll_node *split(struct roll *roll, struct page *page, unsigned depth)
{
    struct branch *branch = x_zalloc(sizeof *branch);

    atomic_init(&branch->node.refs, 1);
    branch->node.count = BRANCH;
    roll->bytes += sizeof *branch;
    for (uint16_t i = 0; i < page->node.count; i++) {
        struct roll_row row;
        read_cell(page, i, &row);
        const struct entry e = {&row, page->cells[i].hash, page->cells[i].length};
        struct roll_node **child = &branch->children[child_of(e.hash, depth)];
        count_row(roll, &page->cells[i], false); /* put counts it again */
        *child = put(roll, *child, depth + 1, &e);
    }
    roll->bytes -= page_bytes(page);
    unref(&page->node);
    return &branch->node;
}

static struct roll_node *put_in_page(struct roll *roll, struct roll_node *node, unsigned depth,
                                     const struct entry *e)
{
    const struct page *old = node == NULL ? NULL : as_page(node);
    uint16_t at = old == NULL ? 0 : search(old, e->hash, slice_of(e->row->name, e->length));
    struct page *page = remake(old, at, e);

    if (old != NULL && at < old->node.count) {
        count_row(roll, &old->cells[at], false);
    }
    count_row(roll, &page->cells[page->node.count - 1], true);
    roll->bytes += page_bytes(page) - (old == NULL ? 0 : page_bytes(old));
    unref(node);
    return page->node.count > PAGE_MAX && depth < DEPTH_MAX ? split(roll, page, depth)
                                                            : &page->node;
}

static struct roll_node *put(struct roll *roll, struct roll_node *node, unsigned depth,
                             const struct entry *e)
{
    if (node == NULL || node->count != BRANCH) {
        return put_in_page(roll, node, depth, e);
    }
    struct branch *branch = own(as_branch(node));
    struct roll_node **child = &branch->children[child_of(e->hash, depth)];
    *child = put(roll, *child, depth + 1, e);
    return &branch->node;
}

static bool is_empty(const struct branch *branch)
{
    for (int i = 0; i < FAN; i++) {
        if (branch->children[i] != NULL) {
            return false;
        }
    }
    return true;
}

/* Of a row that is there. */
static struct roll_node *take_out(struct roll *roll, struct roll_node *node, unsigned depth,
                                  uint32_t hash, struct slice name)
{
    if (node->count != BRANCH) {
        struct page *old = as_page(node);
        uint16_t at = search(old, hash, name);
        struct page *page = remake(old, at, NULL);
        count_row(roll, &old->cells[at], false);
        roll->bytes -= page_bytes(old) - (page == NULL ? 0 : page_bytes(page));
        unref(node);
        return page == NULL ? NULL : &page->node;
    }
    struct branch *branch = own(as_branch(node));
    struct roll_node **child = &branch->children[child_of(hash, depth)];
    *child = take_out(roll, *child, depth + 1, hash, name);
    if (!is_empty(branch)) {
        return &branch->node;
    }
    roll->bytes -= sizeof *branch;
    unref(&branch->node);
    return NULL;
}

/* ---- in public ---- */

void roll_init(struct roll *roll)
{
    *roll = (struct roll){.root = NULL};
    hash_key_init(&roll->key);
}

void roll_fini(struct roll *roll)
{
    unref(roll->root);
    roll->root = NULL;
}

struct roll roll_copy(const struct roll *roll)
{
    (void)ref(roll->root);
    return *roll;
}

static uint32_t hash_of(const struct roll *roll, struct slice name)
{
    return (uint32_t)hash_bytes(&roll->key, 0, name, false);
}

void roll_put(struct roll *roll, const struct roll_row *row)
{
    struct slice name = slice_str(row->name);
    const struct entry e = {row, hash_of(roll, name), (uint8_t)name.n};

    assert(name_valid(name));
    roll->root = put(roll, roll->root, 0, &e);
}

void roll_remove(struct roll *roll, struct slice name)
{
    struct roll_row row;

    if (roll_find(roll, name, &row)) {
        roll->root = take_out(roll, roll->root, 0, hash_of(roll, name), name);
    }
}

bool roll_find(const struct roll *roll, struct slice name, struct roll_row *row)
{
    uint32_t hash = hash_of(roll, name);
    struct roll_node *node = roll->root;

    for (unsigned depth = 0; node != NULL && node->count == BRANCH; depth++) {
        node = as_branch(node)->children[child_of(hash, depth)];
    }
    uint16_t at = node == NULL ? 0 : search(as_page(node), hash, name);
    if (node == NULL || at == node->count) {
        return false;
    }
    read_cell(as_page(node), at, row);
    return true;
}

static void visit_node(struct roll_node *node,
                       void (*visit)(void *data, const struct roll_row *row), void *data)
{
    if (node == NULL) {
        return;
    }
    if (node->count == BRANCH) {
        for (int i = 0; i < FAN; i++) {
            visit_node(as_branch(node)->children[i], visit, data);
        }
        return;
    }
    for (uint16_t i = 0; i < node->count; i++) {
        struct roll_row row;
        read_cell(as_page(node), i, &row);
        visit(data, &row);
    }
}

void roll_each(const struct roll *roll, void (*visit)(void *data, const struct roll_row *row),
               void *data)
{
    visit_node(roll->root, visit, data);
}
