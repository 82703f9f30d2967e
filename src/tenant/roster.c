// SPDX-License-Identifier: MIT
#include "tenant/roster.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "base/log.h"

void roster_record_fini(struct roster_record *record)
{
    free(record->options);
    record->options = NULL;
}

void roster_init(struct roster *roster)
{
    *roster = (struct roster){.roll.root = NULL};
    roll_init(&roster->roll);
}

void roster_fini(struct roster *roster)
{
    roll_fini(&roster->roll);
    forms_fini(&roster->forms);
    buf_release(&roster->changed);
}

/* Is the row a tenant that the configuration does not have? */
static bool counts(const struct roster *roster, const char *name, bool made,
                   const struct form *form)
{
    const struct config *config = roster->forms.config;

    if (config == NULL || config_tenant(config, slice_str(name)) != NULL) {
        return false;
    }
    return made ? form->overlay != NULL : config->tenancy.unknown == UNKNOWN_TEMPLATE;
}

/* Puts the row, with what its options come to now. */
static void put(struct roster *roster, struct roll *roll, struct roll_row row, const char *options)
{
    row.form = forms_get(&roster->forms, options, row.name);
    row.counts = counts(roster, row.name, row.made, row.form);
    roll_put(roll, &row);
    form_unref(row.form); /* the roll has its own */
}

static void put_record(struct roster *roster, struct roll *roll, const struct roster_record *record)
{
    const struct roll_row row = {.name = record->name,
                                 .change = record->change,
                                 .state = record->state,
                                 .made = record->made};

    put(roster, roll, row, record->options == NULL ? "{}" : record->options);
}

static bool check_name(const struct roster_record *record)
{
    if (!name_valid(slice_str(record->name))) {
        log_warning("registry: a row is left out: its name is no tenant's");
        return false;
    }
    return true;
}

void roster_take(struct roster *roster, const struct roster_record *record)
{
    struct roll_row known;

    if (!check_name(record)) {
        return;
    }
    bool is_known = roll_find(&roster->roll, slice_str(record->name), &known);
    if (record->gone && is_known && record->change >= known.change) {
        roll_remove(&roster->roll, slice_str(record->name));
    } else if (!record->gone && (!is_known || record->change > known.change)) {
        put_record(roster, &roster->roll, record);
    } else {
        return;
    }
    buf_append_cstr(&roster->changed, record->name);
}

/* ---- all at once ---- */

/* What is known is kept where it is as new. */
static void take_into(struct roster *roster, struct roll *roll, const struct roster_record *record)
{
    struct roll_row known;

    if (!check_name(record)) {
        return;
    }
    if (roll_find(&roster->roll, slice_str(record->name), &known) &&
        known.change >= record->change) {
        roll_put(roll, &known);
    } else {
        put_record(roster, roll, record);
        buf_append_cstr(&roster->changed, record->name);
    }
}

struct comparison {
    const struct roll *after;
    struct buf *changed;
};

static void note_if_gone(void *data, const struct roll_row *row)
{
    const struct comparison *comparison = data;
    struct roll_row found;

    if (!roll_find(comparison->after, slice_str(row->name), &found)) {
        buf_append_cstr(comparison->changed, row->name);
    }
}

void roster_take_all(struct roster *roster, const struct roster_record *records, size_t count)
{
    struct comparison comparison = {.changed = &roster->changed};
    struct roll all;

    roll_init(&all);
    for (size_t i = 0; i < count; i++) {
        take_into(roster, &all, &records[i]);
    }
    comparison.after = &all;
    roll_each(&roster->roll, note_if_gone, &comparison);
    roll_fini(&roster->roll);
    roster->roll = all;
}

/* ---- registries ---- */

struct rewriting {
    struct roster *roster;
    struct roll *to;
};

static void rewrite_row(void *data, const struct roll_row *row)
{
    const struct rewriting *rewriting = data;

    put(rewriting->roster, rewriting->to, *row, row->form->options);
}

static void follow_config(struct roster *roster, const struct config *config)
{
    struct roll all;
    struct rewriting rewriting = {roster, &all};

    roll_init(&all);
    forms_follow(&roster->forms, config);
    roll_each(&roster->roll, rewrite_row, &rewriting);
    roll_fini(&roster->roll);
    roster->roll = all;
}

const struct registry *roster_registry(struct roster *roster, const struct config *config)
{
    if (roster->forms.config != config) {
        follow_config(roster, config);
    }
    return registry_build(config, &roster->roll);
}
