// SPDX-License-Identifier: MIT
//
// switch: the armed switch, which puts a server connection into another session context in the same
// write as the client's first batch, ahead of it, in the extended protocol and without a Sync:
//
//   [DISCARD ALL]  BEGIN  SELECT set_config($1,$2,false), …  COMMIT   <the client's first batch>
//
// For a sealed tenant single steps that keep the plans stand in place of DISCARD ALL (switch.c).
//
// COMMIT is executed as a statement of its own, so the context is durable before the client's batch
// runs; if anything here fails the server skips all up to the next Sync, the client's batch with
// it. Values are bind parameters, so nothing is quoted; NULL resets a setting to the session's
// default. Everything is qualified, since the last tenant's search_path may still be in force.
// Pure: bytes out.
#ifndef POOL_SWITCH_H
#define POOL_SWITCH_H

#include "base/buf.h"
#include "tenant/context.h"

struct switch_order {
    const struct context *from; /* last asserted; NULL when the connection is as after its login */
    const struct context
        *birth; /* in the startup packet: what a scrub returns to; NULL for nothing */
    const struct context *to;
    bool unknown; /* `from` may not be in force any more: assert everything */
    bool scrub; /* another tenant used the connection: discard all that it left, trust no name on it
                 */
    bool fixed_only;           /* assert only the tenant's own settings */
    bool unnamed;              /* leave no statement of ours: a session sees all that there are */
    struct slice seal_setting; /* of a sealed tenant; empty for others */
    struct slice seal;         /* its value; the tenant's own settings are then asserted with it */
};

/* Settings that one SELECT sets at most; its statement is prepared once for each count. */
enum { SWITCH_SETS = 8, SWITCH_NAME = 16 };

/* Messages that are the same in every switch, made once; each worker has its own. Those that are
 * not named run the unnamed statement, parsed each time. */
struct switch_texts {
    struct buf scrub, scrub_sealed;
    struct buf begin, begin_named;
    struct buf commit, commit_named;
    struct buf select[SWITCH_SETS]; /* Parse only, by count of settings less one; likewise below */
    struct buf named[SWITCH_SETS];
    char name[SWITCH_SETS][SWITCH_NAME];
};

void switch_texts_init(struct switch_texts *texts);
void switch_texts_fini(struct switch_texts *texts);

/* Appends the switch and returns how many CommandComplete messages end it; 0 when there is nothing
 * to do. *prepared says which of our named statements exist on the connection, and is brought up to
 * date as if the switch succeeded. */
uint32_t switch_build(struct buf *out, const struct switch_order *order,
                      const struct switch_texts *texts, uint32_t *prepared);

#endif
