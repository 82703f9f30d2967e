// SPDX-License-Identifier: MIT
//
// log_limit: how many lines of one kind are written. A kind is a message without what changes in it
// (its format, up to the first key), for each tenant by itself and for all tenants together, so
// that one that makes noise drowns neither the log nor the lines of another. Within a window only
// the first are written; the rest are counted, and the count is told when the window is over, or
// when another kind needs the place. Fixed memory, no clock of its own: the caller says what time
// it is. Whoever holds the struct owns it; one thread at a time.
#ifndef BASE_LOG_LIMIT_H
#define BASE_LOG_LIMIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    LOG_LIMIT_WINDOW = 5,         /* seconds */
    LOG_LIMIT_BURST = 10,         /* lines of a kind and a tenant, or of a kind without one */
    LOG_LIMIT_BURST_OF_ALL = 100, /* lines of a kind, over all tenants */
    LOG_LIMIT_PLACES = 128,       /* of kinds with tenants */
    LOG_LIMIT_KINDS = 128         /* more than the program has */
};

struct log_kind {
    const char *format; /* a constant: compared by address */
    char tenant[64];    /* "" for none, or for all together */
    int level;          /* of the latest line */
};

struct log_place {
    struct log_kind kind; /* no format: the place is free */
    int64_t since;        /* start of the window, s */
    uint32_t written;     /* within it */
    uint64_t hidden;      /* within it */
};

/* Tells how many lines of a kind were not written. */
typedef void (*log_limit_tell)(const struct log_kind *kind, uint64_t hidden);

struct log_limit {
    struct log_place places[LOG_LIMIT_PLACES]; /* of a kind and a tenant, or none, by hash */
    struct log_place kinds[LOG_LIMIT_KINDS];   /* of a kind, over all tenants */
    uint32_t telling;                          /* places with something to tell */
    log_limit_tell tell;
};

/* Bytes at the head of a format that are the same in all its lines, without the space behind them;
 * 0: it has no kind, and is not limited. */
size_t log_limit_head(const char *format);

/* Whether the line is to be written. */
bool log_limit_pass(struct log_limit *limit, const struct log_kind *kind, int64_t now);

/* Tells what is due: of windows that are over, or everything. */
void log_limit_sweep(struct log_limit *limit, int64_t now, bool everything);

#endif
