// SPDX-License-Identifier: MIT
//
// passage: one pass over a linked client's messages on their way to the server. They go as they lie
// in the view, in one run, but for those of named statements, which are put together anew
// (rewrite); all leaves in one write. What was put into proxy.assembly before, an armed switch,
// goes ahead. One thread.
#ifndef PROXY_PASSAGE_H
#define PROXY_PASSAGE_H

#include "proxy/frontend.h"
#include "wire/frame.h"

/* One pass over a client's messages: some go as they lie in the view, some were put together anew.
 */
struct passage {
    struct slice view;
    size_t at; /* bytes done with */
    size_t
        run; /* start of the last run that goes as it lies; what went before is in proxy.assembly */
    uint8_t last; /* type of the last message that was begun; 0: none was */
};

/* Walks messages up to the end of the view, or to one that must be treated apart, which is left in
 * *result and *frame. Notes in the ledger what will come back. */
void passage_walk(struct frontend *f, struct passage *p, enum frame_result *result,
                  struct frame *frame);

/* Sends what the walk gathered: what was put together, then the last run as it lies. */
void passage_send(struct frontend *f, const struct passage *p);

/* Whether a copy's bytes come too late: they are sent on only while a server may read them as such.
 */
bool passage_is_late_copy(const struct frontend *f);

#endif
