// SPDX-License-Identifier: MIT
//
// show_config: every key of the configuration in force. log.level is what it is now: SET changes it
// without the file.
#include "admin/show.h"

#include <string.h>

#include "base/log.h"
#include "config/show.h"

static const struct column columns[] = {{"key", COLUMN_TEXT},
                                        {"value", COLUMN_TEXT},
                                        {"default", COLUMN_TEXT},
                                        {"changeable", COLUMN_TEXT}};

static const char *log_level_now(void)
{
    return log_enabled(LOG_DEBUG)     ? "debug"
           : log_enabled(LOG_INFO)    ? "info"
           : log_enabled(LOG_WARNING) ? "warning"
                                      : "error";
}

static void on_row(void *context, const struct config_row *row)
{
    struct rows *rows = context;
    bool level = strcmp(row->key, "log.level") == 0;

    row_begin(rows);
    row_text(rows, row->key);
    row_text(rows, level ? log_level_now() : row->value);
    row_text(rows, row->fallback);
    row_text(rows, row->reloadable ? "yes" : "no");
    row_end(rows);
}

static void render(struct admin *admin, const struct gather *gather, struct rows *rows)
{
    (void)gather;
    config_show(admin_config(admin), on_row, rows);
}

const struct show show_config = {.columns = COLUMNS(columns), .render = render};
