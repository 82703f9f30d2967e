// SPDX-License-Identifier: MIT
//
// parameters: ParameterStatus messages in a row, as a server sent them. Pure.
#ifndef POOL_PARAMETERS_H
#define POOL_PARAMETERS_H

#include "base/buf.h"

/* The value of a parameter; empty when it is not there. */
struct slice parameters_find(struct slice messages, struct slice name);

/* Puts a value in place of the parameter's last one; one that was never there is not taken in. */
void parameters_set(struct buf *messages, struct slice name, struct slice value);

#endif
