// SPDX-License-Identifier: MIT
//
// hba_entry: a line of the HBA file as it is kept; between the parser (hba_parse) and who asks
// (hba).
#ifndef AUTH_HBA_ENTRY_H
#define AUTH_HBA_ENTRY_H

#include "auth/hba.h"
#include "base/cidr.h"

enum hba_kind {
    KIND_LOCAL,
    KIND_HOST,
    KIND_HOSTSSL,
    KIND_HOSTNOSSL,
    KIND_HOSTGSSENC,
    KIND_HOSTNOGSSENC,
    KINDS
};

struct hba_entry {
    struct hba_rule rule;
    enum hba_kind kind;
    struct name_list databases;
    struct name_list users;
    struct name_list tenants; /* empty: any, and none */
    bool any_address;
    struct cidr *nets; /* one of them must hold the address */
    size_t net_count;
    char *map;                   /* memory of rule.map */
    char *file;                  /* memory of rule.file */
    struct hba_service *service; /* memory of rule.service */
};

/* Takes a line apart into a cleared entry; what is wrong is reported. */
void hba_parse_line(struct hba_entry *entry, const struct rule_line *line,
                    const struct hba_options *options, struct rule_faults *faults);

#endif
