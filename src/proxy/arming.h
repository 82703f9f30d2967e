// SPDX-License-Identifier: MIT
//
// arming: the armed switch of one link: whether the connection needs one to be what the client
// needs, what it says, and sending it in one write with the client's first batch. The worker's
// thread.
#ifndef PROXY_ARMING_H
#define PROXY_ARMING_H

#include "proxy/frontend.h"

/* Whether the connection that the client has is not known to be what it needs. */
bool arming_needed(const struct frontend *f);

/* Puts the switch together in the proxy's assembly; returns how many answers end it, 0 where the
 * connection needs none. `fixed_only`: asserts the tenant's own settings, and nothing else. */
uint32_t arming_build(struct frontend *f, bool fixed_only);

/* Sends the switch and, in the same write, the client's first batch where it is whole; else a
 * Flush, so that the switch is answered while the client's bytes wait. Nothing of the client's is
 * done with yet. */
void arming_send(struct frontend *f, uint32_t completes, struct slice rest, bool fixed_only);

/* Sends the first batch, which is whole, without a switch, and keeps it until it is answered: then
 * it is not done with yet, and this returns 0. Else returns what is done with. */
size_t arming_keep(struct frontend *f, struct slice rest);

#endif
