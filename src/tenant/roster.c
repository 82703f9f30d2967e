// SPDX-License-Identifier: MIT
#include "tenant/roster.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "base/log.h"

struct roster_entry {
    UT_hash_handle hh; /* by record.name */
    struct roster_record record;
    bool seen; /* by the roster_take_all under way */
};

/* What a list of options came to. */
struct roster_form {
    UT_hash_handle hh; /* by options */
    char *options;
    const struct overlay *overlay; /* NULL: they are at fault */
};

/* What rows point to. */
struct sheet {
    struct registry_row *items;
    size_t count;
    const struct overlay **overlays; /* references */
    size_t overlay_count;
    char names[]; /* NAME_SIZE bytes each */
};

/* ---- records ---- */

void roster_record_fini(struct roster_record *record)
{
    free(record->options);
    record->options = NULL;
}

static struct roster_entry *find(const struct roster *roster, const char *name, size_t n)
{
    struct roster_entry *entry;

    HASH_FIND(hh, roster->entries, name, n, entry);
    return entry;
}

static void drop(struct roster *roster, struct roster_entry *entry)
{
    buf_append_cstr(&roster->changed, entry->record.name);
    HASH_DEL(roster->entries, entry);
    roster_record_fini(&entry->record);
    free(entry);
}

static void keep(struct roster *roster, struct roster_entry *entry,
                 const struct roster_record *record)
{
    if (entry == NULL) {
        entry = x_zalloc(sizeof *entry);
        memcpy(entry->record.name, record->name, sizeof record->name);
        HASH_ADD_KEYPTR(hh, roster->entries, entry->record.name, strlen(entry->record.name), entry);
    }
    buf_append_cstr(&roster->changed, record->name);
    free(entry->record.options);
    entry->record = *record;
    entry->record.options = x_strdup(record->options == NULL ? "{}" : record->options);
}

void roster_take(struct roster *roster, const struct roster_record *record)
{
    struct roster_entry *entry = find(roster, record->name, strlen(record->name));

    if (!name_valid(slice_str(record->name))) {
        log_warning("registry: a row is left out: its name is no tenant's");
    } else if (!record->gone) {
        if (entry == NULL || record->change > entry->record.change) {
            keep(roster, entry, record);
        }
    } else if (entry != NULL && record->change >= entry->record.change) {
        drop(roster, entry);
    }
}

void roster_take_all(struct roster *roster, const struct roster_record *records, size_t count)
{
    struct roster_entry *entry;
    struct roster_entry *next;

    HASH_ITER (hh, roster->entries, entry, next) {
        entry->seen = false;
    }
    for (size_t i = 0; i < count; i++) {
        roster_take(roster, &records[i]);
        entry = find(roster, records[i].name, strlen(records[i].name));
        if (entry != NULL) {
            entry->seen = true;
        }
    }
    HASH_ITER (hh, roster->entries, entry, next) {
        if (!entry->seen) {
            drop(roster, entry);
        }
    }
}

const struct roster_record *roster_find(const struct roster *roster, struct slice name)
{
    const struct roster_entry *entry = find(roster, (const char *)name.p, name.n);

    return entry == NULL ? NULL : &entry->record;
}

size_t roster_count(const struct roster *roster)
{
    return HASH_COUNT(roster->entries);
}

/* ---- forms ---- */

static void forget_forms(struct roster *roster)
{
    struct roster_form *form;
    struct roster_form *next;

    HASH_ITER (hh, roster->forms, form, next) {
        HASH_DEL(roster->forms, form);
        overlay_unref(form->overlay);
        free(form->options);
        free(form);
    }
    config_unref(roster->config);
    roster->config = NULL;
}

static const struct overlay *form_of(struct roster *roster, const struct roster_record *record)
{
    size_t n = strlen(record->options);
    struct roster_form *form;
    struct err err = {0};

    HASH_FIND(hh, roster->forms, record->options, n, form);
    if (form == NULL) {
        form = x_zalloc(sizeof *form);
        form->options = x_strdup(record->options);
        form->overlay = overlay_build(roster->config, slice_of(record->options, n), &err);
        HASH_ADD_KEYPTR(hh, roster->forms, form->options, n, form);
        if (form->overlay == NULL) {
            log_warning("registry: tenants with these options are left out: %s first=%s", err.text,
                        record->name);
        }
    }
    return form->overlay;
}

/* Forms that no record has any more would stay for ever where tenants are changed often. */
static void follow_config(struct roster *roster, const struct config *config)
{
    if (roster->config != config || HASH_COUNT(roster->forms) > 2 * roster_count(roster) + 16) {
        const struct config *held = config_ref(config);
        forget_forms(roster);
        roster->config = held;
    }
}

/* ---- rows ---- */

static void release_sheet(void *owner)
{
    struct sheet *sheet = owner;

    for (size_t i = 0; i < sheet->overlay_count; i++) {
        overlay_unref(sheet->overlays[i]);
    }
    free(sheet->overlays);
    free(sheet->items);
    free(sheet);
}

/* Its configuration; false where there is no such tenant. */
static bool define(struct roster *roster, const struct roster_record *record,
                   const struct overlay **overlay)
{
    *overlay = NULL;
    if (config_tenant(roster->config, slice_str(record->name)) != NULL) {
        return true;
    }
    if (!record->made) {
        return roster->config->tenancy.unknown == UNKNOWN_TEMPLATE;
    }
    *overlay = form_of(roster, record);
    return *overlay != NULL;
}

static void add_row(struct sheet *sheet, const struct roster_record *record,
                    const struct overlay *overlay)
{
    char *name = sheet->names + sheet->count * NAME_SIZE;

    memcpy(name, record->name, NAME_SIZE);
    sheet->items[sheet->count++] = (struct registry_row){
        .name = name, .overlay = overlay, .state = record->state, .change = record->change};
}

static void hold_overlays(struct sheet *sheet, const struct roster *roster)
{
    sheet->overlays = x_alloc((HASH_COUNT(roster->forms) + 1) * sizeof(void *));
    for (const struct roster_form *form = roster->forms; form != NULL; form = form->hh.next) {
        if (form->overlay != NULL) {
            sheet->overlays[sheet->overlay_count++] = overlay_ref(form->overlay);
        }
    }
}

void roster_rows(struct roster *roster, const struct config *config, struct registry_rows *rows)
{
    size_t most = roster_count(roster);
    struct sheet *sheet = x_alloc(sizeof *sheet + most * NAME_SIZE);

    *sheet = (struct sheet){.items = x_alloc((most + 1) * sizeof *sheet->items)};
    follow_config(roster, config);
    for (const struct roster_entry *entry = roster->entries; entry != NULL;
         entry = entry->hh.next) {
        const struct overlay *own;
        if (define(roster, &entry->record, &own)) {
            add_row(sheet, &entry->record, own);
        }
    }
    hold_overlays(sheet, roster);
    *rows = (struct registry_rows){
        .items = sheet->items, .count = sheet->count, .owner = sheet, .release = release_sheet};
}

void roster_fini(struct roster *roster)
{
    struct roster_entry *entry;
    struct roster_entry *next;

    HASH_ITER (hh, roster->entries, entry, next) {
        drop(roster, entry);
    }
    forget_forms(roster);
    buf_release(&roster->changed);
}
