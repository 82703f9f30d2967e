// SPDX-License-Identifier: MIT
//
// registry_watch: follows the registry's table on a thread of its own: reads all of it, then what
// it is told by NOTIFY, and asks every few seconds whether the owner knows another number or sum of
// rows than the table has: then all of it is read again. Every answer is
// posted as mail to the owner's loop. The registry out of reach is said once in the log, and tried
// again; what was known is not taken back.
//
// Started, told and ended by the owner's thread.
#ifndef PROVISION_REGISTRY_WATCH_H
#define PROVISION_REGISTRY_WATCH_H

#include "net/mailbox.h"
#include "provision/pgexec.h"
#include "tenant/roster.h"

struct registry_watch;

/* What was read: all rows, or some of them and which are gone. */
struct registry_news {
    struct mail mail;
    struct roster_record *records;
    size_t count;
    bool whole;
    void *data; /* given at the start */
};

/* What the target points to must be kept as long. `deliver` runs on the loop of the box and ends
 * the news with registry_news_free. NULL where no thread can be had. */
struct registry_watch *registry_watch_start(const struct pgexec_target *target, struct mailbox *box,
                                            void (*deliver)(struct mail *mail), void *data);

/* Waits until the table was read for the first time, or could not be, but not longer than this.
 * Returns the news, or NULL; they are not posted then. */
struct registry_news *registry_watch_first(struct registry_watch *watch, uint64_t ms);

/* How many rows the owner knows, and the sum of their changes; after every change of that. */
void registry_watch_tell(struct registry_watch *watch, size_t count, uint64_t sum);

/* Ends the thread and waits for it; the box must still take mail. */
void registry_watch_stop(struct registry_watch *watch);

void registry_news_free(struct registry_news *news);

#endif
