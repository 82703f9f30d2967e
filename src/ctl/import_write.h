// SPDX-License-Identifier: MIT
//
// import_write: a configuration of ours that does what was read. Every line of [databases] becomes
// a tenant, which a client names by its database; only what differs from the defaults is written.
#ifndef CTL_IMPORT_WRITE_H
#define CTL_IMPORT_WRITE_H

#include "ctl/import_model.h"

/* Appends the whole file; what cannot be as it was is noted, what cannot be at all is a fault. */
void import_write(struct import *im, struct buf *yaml);

#endif
