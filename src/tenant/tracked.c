// SPDX-License-Identifier: MIT
#include "tenant/tracked.h"

#include <assert.h>

#include "tenant/setting.h"

#define NAME(text)                                                                                 \
    {                                                                                              \
        (const uint8_t *)(text), sizeof(text) - 1                                                  \
    }

/* What PostgreSQL 15 to 18 report (GUC_REPORT) and let everyone set. */
static const struct slice tracked[TRACKED_COUNT] = {
    NAME("application_name"), NAME("client_encoding"),  NAME("DateStyle"),
    NAME("IntervalStyle"),    NAME("scram_iterations"), NAME("default_transaction_read_only"),
    NAME("search_path"),      NAME("TimeZone"),         NAME("standard_conforming_strings"),
};

/* What they report beside. The session's user may be set, and is reserved. */
static const struct slice others[] = {
    NAME("server_version"), NAME("server_encoding"), NAME("integer_datetimes"),
    NAME("in_hot_standby"), NAME("is_superuser"),    NAME("session_authorization"),
};

int tracked_number(struct slice name)
{
    for (int i = 0; i < TRACKED_COUNT; i++) {
        if (setting_name_eq(name, tracked[i])) {
            return i;
        }
    }
    return -1;
}

struct slice tracked_name(int number)
{
    assert(number >= 0 && number < TRACKED_COUNT);
    return tracked[number];
}

bool tracked_describes_server(struct slice name)
{
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        if (setting_name_eq(name, others[i])) {
            return true;
        }
    }
    return false;
}
