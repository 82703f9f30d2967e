// SPDX-License-Identifier: MIT
//
// parameters: ParameterStatus messages in a row, as a server sent them. Pure.
#ifndef POOL_PARAMETERS_H
#define POOL_PARAMETERS_H

#include "base/slice.h"

/* The value of a parameter; empty when it is not there. */
struct slice parameters_find(struct slice messages, struct slice name);

#endif
