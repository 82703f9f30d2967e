// SPDX-License-Identifier: MIT
//
// fuzz_auth_hba: files of rules, which people write by hand. The input is the file, and each file
// that it names is the input too, so that @ and include meet their bounds. What is taken is asked;
// a line that is not understood must refuse the whole.
#include <assert.h>

#include "auth/hba.h"
#include "auth/ident_map.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int read_same(void *data, const char *path, struct buf *out, struct err *err)
{
    (void)err;
    if (strstr(path, "missing") != NULL) {
        return RULE_MISSING;
    }
    buf_append_slice(out, *(const struct slice *)data);
    return 0;
}

static int list_two(void *data, const char *folder, void (*each)(void *arg, const char *path),
                    void *arg, struct err *err)
{
    (void)data;
    (void)err;
    each(arg, folder);
    each(arg, "missing");
    return 0;
}

static void ask(const struct hba *hba)
{
    static char *const names[] = {(char *)(uintptr_t) "staff"};
    const struct role_list roles = {.names = names, .count = 1};
    const struct hba_rule *rule;
    struct hba_facts facts = {.transport = HBA_OVER_TLS,
                              .ip_size = 4,
                              .ip = {10, 0, 0, 7},
                              .user = slice_str("joe"),
                              .database = slice_str("app"),
                              .tenant = slice_str("acme")};

    enum hba_verdict first = hba_find(hba, &facts, &rule);
    assert((first == HBA_FOUND) == (rule != NULL));
    facts.roles = &roles;
    assert(hba_find(hba, &facts, &rule) != HBA_NEEDS_ROLES);
    facts.transport = HBA_OVER_UNIX;
    facts.physical_replication = true;
    (void)hba_find(hba, &facts, &rule);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct hba_interface loopback = {.size = 4, .ip = {127, 0, 0, 1}, .mask = {255}};
    struct slice text = slice_of(data, size);
    struct rule_source source = {.read = read_same, .list = list_two, .data = &text};
    struct hba_options options = {.interfaces = &loopback,
                                  .interface_count = 1,
                                  .can_ask_roles = true,
                                  .has_pam = true,
                                  .has_ldap = true};
    struct buf report = {0};
    struct rule_faults faults = {.report = &report};

    if (size > 4096) {
        return 0;
    }
    struct hba *hba = hba_load("rules/hba.conf", &source, &options, &faults);
    assert((hba == NULL) == (faults.count > 0) && (hba == NULL) == (buf_size(&report) > 0));
    if (hba != NULL) {
        ask(hba);
    }
    hba_free(hba);
    faults.count = 0;
    struct ident_maps *maps = ident_maps_load("rules/ident.conf", &source, &faults);
    if (maps != NULL) {
        (void)ident_maps_allow(maps, "m", slice_str("joe@example.com"), slice_str("joe"));
    }
    ident_maps_free(maps);
    buf_release(&report);
    return 0;
}
