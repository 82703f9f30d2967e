// SPDX-License-Identifier: MIT
//
// state_json: a view as JSON for the page: what is now, counters since the start (the page makes
// rates of two of them), and warnings. Rows are arrays, in the order that `columns` tells. Pure.
#ifndef ADMIN_STATE_JSON_H
#define ADMIN_STATE_JSON_H

#include "admin/view.h"

void state_json_write(const struct view *view, struct buf *out);

#endif
