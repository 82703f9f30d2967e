// SPDX-License-Identifier: MIT
//
// named_files: what came of the files that a configuration names: rules of logins, certificates and
// keys. Read whole or not at all; part of a realm, so that a reload exchanges all of it at once.
// Blocks.
#ifndef PROXY_NAMED_FILES_H
#define PROXY_NAMED_FILES_H

#include "proxy/encryption.h"
#include "proxy/login_rules.h"

struct named_files {
    struct login_rules rules;
    struct encryption encryption;
};

/* Fills a zeroed struct; appends a line FILE:LINE:COLUMN: message to the report for every fault and
 * returns their number. The struct may be ended in either case. */
int named_files_load(struct named_files *files, const struct config *config, struct buf *report);
void named_files_fini(struct named_files *files);

#endif
