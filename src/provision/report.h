// SPDX-License-Identifier: MIT
//
// report: what a piece of work did, for people: the statements that it ran or would run, what it
// did beside them, and warnings; and how it ended. A zeroed struct is empty. One thread at a time.
#ifndef PROVISION_REPORT_H
#define PROVISION_REPORT_H

#include <stddef.h>

#include "base/err.h"

enum report_kind { REPORT_SQL, REPORT_NOTE, REPORT_WARNING };

struct report_line {
    enum report_kind kind;
    char *object; /* what it is about */
    char *text;
};

struct report {
    struct err err; /* code 0: no error */
    struct report_line *lines;
    size_t count;
};

void report_add(struct report *report, enum report_kind kind, const char *object, const char *text);
const char *report_kind_name(enum report_kind kind);
void report_fini(struct report *report);

static inline bool report_failed(const struct report *report)
{
    return report->err.code != 0;
}

#endif
