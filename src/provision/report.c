// SPDX-License-Identifier: MIT
#include "provision/report.h"

#include <stdlib.h>

#include "base/alloc.h"

void report_add(struct report *report, enum report_kind kind, const char *object, const char *text)
{
    if ((report->count & (report->count - 1)) == 0) { /* room is doubled at each power of two */
        size_t cap = report->count == 0 ? 1 : 2 * report->count;
        report->lines = x_realloc(report->lines, cap * sizeof *report->lines);
    }
    report->lines[report->count++] =
        (struct report_line){.kind = kind, .object = x_strdup(object), .text = x_strdup(text)};
}

const char *report_kind_name(enum report_kind kind)
{
    static const char *const names[] = {
        [REPORT_SQL] = "sql", [REPORT_NOTE] = "note", [REPORT_WARNING] = "warning"};

    return names[kind];
}

void report_fini(struct report *report)
{
    for (size_t i = 0; i < report->count; i++) {
        free(report->lines[i].object);
        free(report->lines[i].text);
    }
    free(report->lines);
    *report = (struct report){.count = 0};
}
