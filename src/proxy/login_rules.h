// SPDX-License-Identifier: MIT
//
// login_rules: the files that say who may log in and how, beside the configuration: HBA and maps.
// Read whole by the control thread (it blocks), part of the realm, immutable then; any thread.
#ifndef PROXY_LOGIN_RULES_H
#define PROXY_LOGIN_RULES_H

#include "auth/hba.h"
#include "auth/ident_map.h"
#include "config/config.h"
#include "proxy/token_keys.h"

struct login_rules {
    struct hba *hba;           /* NULL unless auth.method is hba */
    struct ident_maps *ident;  /* NULL without auth.ident_file */
    struct token_keys *tokens; /* NULL without auth.jwt */
};

/* Reads what the configuration names. Returns the number of faults, each a line of the report. */
int login_rules_load(struct login_rules *rules, const struct config *config, struct buf *report);
void login_rules_fini(struct login_rules *rules);

#endif
