// SPDX-License-Identifier: MIT
//
// environ: keys that environment variables give, laid over the tree of the file:
// FAHREND_SERVERS__MAIN__HOST is servers.main.host. A part in capitals stands for small letters,
// any other for itself. A value that begins with [, {, " or ' is YAML, every other is the text
// itself; it takes the place of what the file has at that key.
//
// A variable counts if it has a double underscore, or names a key of the top: what else begins with
// FAHREND_ is somebody else's (Kubernetes gives FAHREND_SERVICE_HOST to its neighbours). Nodes that
// come from a variable stand in line 0, and in the column that says which (config_faults_variable).
// Pure; any thread.
#ifndef CONFIG_ENVIRON_H
#define CONFIG_ENVIRON_H

#include <stdbool.h>

#include "config/node.h"

/* Does any variable count? `variables` is as the global environ; NULL is an empty one. */
bool environ_has_keys(char *const *variables);

/* The root with the variables laid over it, in the arena; the root itself where none counts. */
const struct node *environ_overlay(struct arena *arena, const struct node *root,
                                   char *const *variables, struct config_faults *faults);

#endif
