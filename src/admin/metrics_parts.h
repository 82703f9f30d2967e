// SPDX-License-Identifier: MIT
//
// metrics_parts: what the files of metrics have in common. Private to them; pure.
#ifndef ADMIN_METRICS_PARTS_H
#define ADMIN_METRICS_PARTS_H

#include "admin/exposition.h"
#include "admin/view.h"

/* Words for why a server connection has ended, by enum backend_end. */
extern const char *const metrics_ends[BACKEND_ENDS];

enum { METRIC_NAME = 64 };

/* The family of one kind of time of a tenant, pool, server or worker; `name` must live until the
 * next family begins. */
void metrics_begin_times(struct exposition *e, char name[METRIC_NAME], const char *of, int kind);

/* metrics_pools.c: `max` pools at most. */
void metrics_write_pools(struct exposition *e, const struct view *view, uint32_t max);

#endif
