// SPDX-License-Identifier: MIT
//
// hba_entry: a line of the HBA file as it is kept; between the parser (hba_parse) and who asks
// (hba).
#ifndef AUTH_HBA_ENTRY_H
#define AUTH_HBA_ENTRY_H

#include "auth/hba.h"

enum hba_kind {
    KIND_LOCAL,
    KIND_HOST,
    KIND_HOSTSSL,
    KIND_HOSTNOSSL,
    KIND_HOSTGSSENC,
    KIND_HOSTNOGSSENC,
    KINDS
};

/* Addresses that agree with `ip` where the mask has ones. */
struct hba_net {
    uint8_t size; /* 4 or 16 */
    uint8_t ip[16];
    uint8_t mask[16];
};

struct hba_entry {
    struct hba_rule rule;
    enum hba_kind kind;
    struct name_list databases;
    struct name_list users;
    struct name_list tenants; /* empty: any, and none */
    bool any_address;
    struct hba_net *nets; /* one of them must hold the address */
    size_t net_count;
    char *map;  /* memory of rule.map */
    char *file; /* memory of rule.file */
};

/* Takes a line apart into a cleared entry; what is wrong is reported. */
void hba_parse_line(struct hba_entry *entry, const struct rule_line *line,
                    const struct hba_options *options, struct rule_faults *faults);

#endif
