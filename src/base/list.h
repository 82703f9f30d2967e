// SPDX-License-Identifier: MIT
//
// list: an intrusive circular list. A node that is in no list points at itself, so that removing is
// idempotent and "is it queued?" is one comparison. Owners wrap it in functions typed for their
// struct. Each list belongs to one thread.
#ifndef BASE_LIST_H
#define BASE_LIST_H

#include <stdbool.h>
#include <stddef.h>

struct list {
    struct list *next;
    struct list *prev;
};

#define container_of(ptr, type, member) ((type *)(void *)((char *)(ptr)-offsetof(type, member)))

/* The body may remove `node`, and nothing else, from the list. */
#define list_each_safe(node, tmp, head)                                                            \
    for (struct list *node = (head)->next, *tmp = node->next; node != (head);                      \
         node = tmp, tmp = node->next)

static inline void list_init(struct list *l)
{
    l->next = l->prev = l;
}

static inline bool list_empty(const struct list *l)
{
    return l->next == l;
}

static inline void list_insert_between(struct list *node, struct list *prev, struct list *next)
{
    node->prev = prev;
    node->next = next;
    prev->next = node;
    next->prev = node;
}

static inline void list_push_head(struct list *head, struct list *node)
{
    list_insert_between(node, head, head->next);
}

static inline void list_push_tail(struct list *head, struct list *node)
{
    list_insert_between(node, head->prev, head);
}

/* Takes the node out of whatever list it is in, if any. */
static inline void list_remove(struct list *node)
{
    node->prev->next = node->next;
    node->next->prev = node->prev;
    list_init(node);
}

static inline struct list *list_head(const struct list *l)
{
    return list_empty(l) ? NULL : l->next;
}

static inline struct list *list_tail(const struct list *l)
{
    return list_empty(l) ? NULL : l->prev;
}

static inline struct list *list_pop_head(struct list *l)
{
    struct list *node = list_head(l);
    if (node != NULL) {
        list_remove(node);
    }
    return node;
}

/* Moves all nodes of `from` behind those of `to`; `from` is empty afterwards. */
static inline void list_splice_tail(struct list *to, struct list *from)
{
    if (list_empty(from)) {
        return;
    }
    from->next->prev = to->prev;
    to->prev->next = from->next;
    from->prev->next = to;
    to->prev = from->prev;
    list_init(from);
}

#endif
