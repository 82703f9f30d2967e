// SPDX-License-Identifier: MIT
//
// tracked: the parameters that follow a client from server connection to server connection, each
// with a number: what PostgreSQL reports of its own accord and lets everyone set. Pure.
#ifndef TENANT_TRACKED_H
#define TENANT_TRACKED_H

#include "base/slice.h"

enum { TRACKED_COUNT = 9 };

/* The number of a parameter by its name in any case, or -1: it only describes the server, or is
 * none that is reported. */
int tracked_number(struct slice name);

/* Its name, as PostgreSQL spells it. */
struct slice tracked_name(int number);

/* Reported as well, and described by its name: what everyone may not set. */
bool tracked_describes_server(struct slice name);

#endif
