// SPDX-License-Identifier: MIT
#include "proxy/named_files.h"

int named_files_load(struct named_files *files, const struct config *config, struct buf *report)
{
    int faults = encryption_build(config, &files->encryption, report);

    return faults + login_rules_load(&files->rules, config, report);
}

void named_files_fini(struct named_files *files)
{
    encryption_fini(&files->encryption);
    login_rules_fini(&files->rules);
}
