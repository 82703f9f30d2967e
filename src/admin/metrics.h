// SPDX-License-Identifier: MIT
//
// metrics: a view as metrics. The table of families is in metrics.c; monitoring that
// people set up rests on their names. One thread at a time.
#ifndef ADMIN_METRICS_H
#define ADMIN_METRICS_H

#include "admin/exposition.h"
#include "admin/named.h"

/* `named` remembers between calls which tenants have a name. */
void metrics_write(const struct view *view, struct named *named, bool open_metrics,
                   struct buf *out);

#endif
