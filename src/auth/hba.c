// SPDX-License-Identifier: MIT
#include "auth/hba.h"

#include <stdlib.h>

#include "auth/hba_entry.h"
#include "base/alloc.h"
#include "base/limits.h"

struct hba {
    struct hba_entry *entries;
    size_t count;
};

struct hba *hba_load(const char *path, const struct rule_source *source,
                     const struct hba_options *options, struct rule_faults *faults)
{
    int before = faults->count;
    struct hba *hba = x_zalloc(sizeof *hba);
    struct rulefile file;

    rulefile_read(&file, path, source, faults);
    hba->entries = x_zalloc((file.count + 1) * sizeof *hba->entries);
    for (size_t i = 0; i < file.count; i++) {
        hba_parse_line(&hba->entries[hba->count++], &file.lines[i], options, faults);
    }
    rulefile_fini(&file);
    if (faults->count > before) {
        hba_free(hba);
        return NULL;
    }
    return hba;
}

void hba_free(struct hba *hba)
{
    if (hba == NULL) {
        return;
    }
    for (size_t i = 0; i < hba->count; i++) {
        struct hba_entry *entry = &hba->entries[i];
        name_list_fini(&entry->databases);
        name_list_fini(&entry->users);
        name_list_fini(&entry->tenants);
        free(entry->nets);
        free(entry->map);
        free(entry->file);
        hba_service_free(entry->service);
    }
    free(hba->entries);
    free(hba);
}

static bool fits_transport(enum hba_kind kind, enum hba_transport transport)
{
    switch (kind) {
    case KIND_LOCAL:
        return transport == HBA_OVER_UNIX;
    case KIND_HOST:
    case KIND_HOSTNOGSSENC:
        return transport != HBA_OVER_UNIX;
    case KIND_HOSTSSL:
        return transport == HBA_OVER_TLS;
    case KIND_HOSTNOSSL:
        return transport == HBA_OVER_TCP;
    case KIND_HOSTGSSENC: /* which is never offered */
    case KINDS:
        break;
    }
    return false;
}

static bool fits_address(const struct hba_entry *entry, const struct hba_facts *facts)
{
    if (entry->kind == KIND_LOCAL || entry->any_address) {
        return true;
    }
    for (size_t i = 0; i < entry->net_count; i++) {
        if (cidr_holds(&entry->nets[i], facts->ip_size, facts->ip)) {
            return true;
        }
    }
    return false;
}

/* Physical replication is meant by its keyword only, as in PostgreSQL. */
static enum name_answer fits_database(const struct hba_entry *entry, const struct hba_facts *facts)
{
    if (!facts->physical_replication) {
        return name_match_database(&entry->databases, facts->database, facts->user, facts->roles);
    }
    for (size_t i = 0; i < entry->databases.count; i++) {
        if (entry->databases.items[i].kind == NAME_REPLICATION) {
            return NAME_YES;
        }
    }
    return NAME_NO;
}

static enum name_answer fits(const struct hba_entry *entry, const struct hba_facts *facts)
{
    if (!fits_transport(entry->kind, facts->transport) || !fits_address(entry, facts) ||
        (entry->tenants.count > 0 && !name_match_tenant(&entry->tenants, facts->tenant))) {
        return NAME_NO;
    }
    enum name_answer database = fits_database(entry, facts);
    enum name_answer user = name_match_user(&entry->users, facts->user, facts->roles);
    if (database == NAME_NO || user == NAME_NO) {
        return NAME_NO;
    }
    return database == NAME_YES && user == NAME_YES ? NAME_YES : NAME_UNKNOWN;
}

enum hba_verdict hba_find(const struct hba *hba, const struct hba_facts *facts,
                          const struct hba_rule **rule)
{
    *rule = NULL;
    if (facts->user.n > LIMIT_NAME || facts->database.n > LIMIT_NAME) {
        return HBA_NO_RULE; /* no name in PostgreSQL; nor work for a regular expression */
    }
    for (size_t i = 0; i < hba->count; i++) {
        enum name_answer answer = fits(&hba->entries[i], facts);
        if (answer == NAME_UNKNOWN) {
            return HBA_NEEDS_ROLES;
        }
        if (answer == NAME_YES) {
            *rule = &hba->entries[i].rule;
            return HBA_FOUND;
        }
    }
    return HBA_NO_RULE;
}

bool hba_uses(const struct hba *hba, enum hba_method method)
{
    for (size_t i = 0; i < hba->count; i++) {
        if (hba->entries[i].rule.method == method) {
            return true;
        }
    }
    return false;
}

void hba_check_maps(const struct hba *hba, bool (*known)(const void *data, const char *map),
                    const void *data, struct rule_faults *faults)
{
    for (size_t i = 0; i < hba->count; i++) {
        const struct hba_rule *rule = &hba->entries[i].rule;
        if (rule->map != NULL && !known(data, rule->map)) {
            struct rule_token at = {.file = rule->file, .line = rule->line, .column = 1};
            rule_fault(faults, &at, "map=%s: auth.ident_file has no such map", rule->map);
        }
    }
}
