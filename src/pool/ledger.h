// SPDX-License-Identifier: MIT
//
// ledger: the answers that a server still owes, in the order in which they will come. For each
// message sent one entry says what ends its answer and what becomes of it: forwarded, swallowed
// because we asked ourselves, or made up because the server was never asked. It follows "Message
// Flow": after an error in the extended protocol the server skips all up to the next Sync. Memory
// only; belongs to a backend.
#ifndef POOL_LEDGER_H
#define POOL_LEDGER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum ledger_kind {
    LEDGER_SWITCH,   /* our switch: ends with its last CommandComplete; arg counts those to come */
    LEDGER_QUERY,    /* ends with ReadyForQuery */
    LEDGER_FUNCTION, /* FunctionCall; ends with ReadyForQuery */
    LEDGER_SYNC,     /* ends with ReadyForQuery */
    LEDGER_PARSE,    /* ends with ParseComplete */
    LEDGER_BIND,     /* ends with BindComplete */
    LEDGER_DESCRIBE, /* ends with RowDescription or NoData */
    LEDGER_EXECUTE,  /* ends with CommandComplete, EmptyQueryResponse or PortalSuspended */
    LEDGER_CLOSE,    /* ends with CloseComplete */
    LEDGER_COPY_END  /* CopyDone or CopyFail went out; has no answer of its own */
};

enum ledger_action {
    LEDGER_FORWARD,
    LEDGER_SWALLOW, /* we asked ourselves */
    LEDGER_INJECT,  /* we asked for the sake of the user's next message: an error is the user's */
    LEDGER_MAKE_UP, /* the server was not asked: PARSE and CLOSE are answered by us when their turn
                       comes */
    LEDGER_REPLACE  /* the server was asked something that fails; its error gives way to the user's
                       own */
};

struct ledger_entry {
    uint8_t kind;   /* enum ledger_kind */
    uint8_t action; /* enum ledger_action */
    bool failed;    /* QUERY: an error came */
    bool doubtful;  /* what is prepared hangs on whether the server comes to it */
    uint32_t arg;   /* SWITCH: answers to come; QUERY: of them, those to swallow; PARSE, BIND,
                       DESCRIBE,   CLOSE: number of the statement, 0 for none of ours */
    void *note;     /* the user's, who is told what became of the entry; NULL for none */
};

#define LEDGER_INLINE 8

struct ledger {
    struct ledger_entry *ring; /* inline_ring, or allocated when more than that was owed at once */
    uint32_t head;
    uint32_t count;
    uint32_t cap;    /* a power of two */
    bool skipping;   /* the server skips all up to the next Sync: nothing else will be answered */
    uint32_t doubts; /* doubtful entries of batches that are closed, but not answered */
    uint32_t new_doubts; /* … of the batch that is open: it is skipped as a whole, or not at all */
    struct ledger_entry inline_ring[LEDGER_INLINE];
};

void ledger_init(struct ledger *ledger);
void ledger_fini(struct ledger *ledger);

/* Returns the new entry, without arg and note, valid until the next push; NULL when the server
 * skips the message. */
struct ledger_entry *ledger_push(struct ledger *ledger, enum ledger_kind kind,
                                 enum ledger_action action);

/* The entry that is `i` behind the head. */
static inline struct ledger_entry *ledger_at(struct ledger *ledger, uint32_t i)
{
    return &ledger->ring[(ledger->head + i) & (ledger->cap - 1)];
}

static inline bool ledger_empty(const struct ledger *ledger)
{
    return ledger->count == 0;
}

/* The entry whose answer comes next, or NULL. Valid until the next push. */
static inline struct ledger_entry *ledger_head(struct ledger *ledger)
{
    return ledger->count == 0 ? NULL : &ledger->ring[ledger->head];
}

static inline bool ledger_kind_ends_batch(uint8_t kind)
{
    return kind == LEDGER_QUERY || kind == LEDGER_FUNCTION || kind == LEDGER_SYNC;
}

/* Whether its error may be that a statement of ours is stale. */
static inline bool ledger_may_be_stale(const struct ledger_entry *entry)
{
    return (entry->kind == LEDGER_BIND || entry->kind == LEDGER_DESCRIBE) && entry->arg != 0;
}

/* Notes that what is prepared, here or in the user's mind, hangs on an entry just pushed. */
void ledger_doubt(struct ledger *ledger, struct ledger_entry *entry);

/* Whether it cannot be known what a message pushed now would find prepared. */
static inline bool ledger_in_doubt(const struct ledger *ledger)
{
    return ledger->doubts > 0;
}

void ledger_pop(struct ledger *ledger);

/* Whether the last message sent is one that the server answers with ReadyForQuery. */
bool ledger_ends_batch(const struct ledger *ledger);

/* Gives extra memory back where nothing is owed. */
void ledger_shrink(struct ledger *ledger);

#endif
