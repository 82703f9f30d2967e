// SPDX-License-Identifier: MIT
//
// pulse: whether the loops turn. A mail goes to every worker and comes back to the control thread,
// where the callback is called; where a loop stands still it is not called, and whoever asked
// decides how long that may last.
#ifndef ADMIN_PULSE_H
#define ADMIN_PULSE_H

#include "admin/admin.h"

typedef void (*pulse_cb)(void *data);

void pulse_ask(struct admin *admin, pulse_cb cb, void *data);

#endif
