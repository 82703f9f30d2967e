// SPDX-License-Identifier: MIT
//
// record: what a worker copies of a thing that lives on it, to be mailed: structs of one type, one
// behind the other in a buf. Names are copied into arrays, cut where they are longer (no name of
// PostgreSQL is). Any thread; each buf belongs to one.
#ifndef ADMIN_RECORD_H
#define ADMIN_RECORD_H

#include "admin/gather.h"
#include "base/buf.h"
#include "tenant/name.h"

/* A cleared record at the end of the buf; valid until the next is added. */
static inline void *record_add(struct buf *out, size_t size)
{
    void *record = buf_reserve(out, size);

    memset(record, 0, size);
    buf_commit(out, size);
    return record;
}
/* Steps through the records of all workers. */
struct record_walk {
    const struct gather *answers;
    uint32_t worker; /* whose record was given last */
    size_t at;       /* bytes of its answer that were given */
};

/* The next record, or NULL at the end. */
static inline const void *record_next(struct record_walk *walk, size_t size)
{
    while (walk->worker < gather_count(walk->answers)) {
        struct slice answer = gather_answer(walk->answers, walk->worker);
        if (walk->at + size <= answer.n) {
            const void *record = answer.p + walk->at;
            walk->at += size;
            return record;
        }
        walk->worker++;
        walk->at = 0;
    }
    return NULL;
}

static inline void record_name_slice(char out[NAME_SIZE], struct slice name)
{
    size_t n = name.n < NAME_SIZE - 1 ? name.n : NAME_SIZE - 1;

    if (n > 0) {
        memcpy(out, name.p, n);
    }
    out[n] = '\0';
}

static inline void record_name(char out[NAME_SIZE], const char *name)
{
    record_name_slice(out, slice_str(name));
}

#endif
