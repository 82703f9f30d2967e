// SPDX-License-Identifier: MIT
//
// gather: one question to every worker. It travels by mail; on each worker's thread `work` looks at
// what lives there and writes an answer into a buf; when all have come back `done` is called on the
// control thread, and the gather frees itself. Whoever loses interest calls gather_forget: the mail
// still returns, but nobody is told.
//
// Work that would take long does a part of it and returns GATHER_AGAIN: it is called anew in a
// later turn of the worker's loop. Work that waits for pools to come to rest returns GATHER_WAIT:
// it is called anew whenever a connection was released or has gone, and may then only look. `state`
// is its own between the calls.
#ifndef ADMIN_GATHER_H
#define ADMIN_GATHER_H

#include "admin/state.h"
#include "tenant/name.h"

struct gather;

enum gather_scope { GATHER_ALL, GATHER_DATABASE, GATHER_TENANT, GATHER_CLIENT };

/* What is asked; read by all workers at once, never written. */
struct question {
    enum gather_scope scope;
    char name[NAME_SIZE]; /* of the database or the tenant */
    uint64_t number;      /* of the client */
    uint32_t flags;       /* the asker's */
};

enum gather_step { GATHER_DONE, GATHER_AGAIN, GATHER_WAIT };

/* One worker's part of it. */
struct gather_part {
    struct mail mail;
    struct pools_watch watch;
    struct gather *gather;
    const struct admin_worker *worker;
    struct buf answer;
    uint64_t state; /* zero at first */
};

typedef enum gather_step (*gather_work)(struct proxy *proxy, const struct question *question,
                                        struct gather_part *part);

/* The answers are valid during the call. */
typedef void (*gather_cb)(void *data, const struct gather *gather);

/* `done` may be NULL: nobody is told. */
struct gather *gather_start(struct admin *admin, const struct question *question, gather_work work,
                            gather_cb done, void *data);
void gather_forget(struct gather *gather);

uint32_t gather_count(const struct gather *gather);
struct slice gather_answer(const struct gather *gather, uint32_t worker);

#endif
