// SPDX-License-Identifier: MIT
//
// glob: patterns in which '*' stands for any bytes. Pure.
#ifndef BASE_GLOB_H
#define BASE_GLOB_H

#include "base/slice.h"

/* '*' stands for any bytes, also none, as often as it occurs; everything else for itself. Takes
 * time linear in both lengths. */
bool glob_match(struct slice pattern, struct slice name);

#endif
