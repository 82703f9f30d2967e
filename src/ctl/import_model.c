// SPDX-License-Identifier: MIT
#include "ctl/import_model.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"

static struct import_entry *new_entry(const char *name)
{
    struct import_entry *entry = x_zalloc(sizeof *entry);

    entry->name = x_strdup(name);
    entry->values = x_zalloc(import_key_count * sizeof *entry->values);
    return entry;
}

static void clear_values(struct import_entry *entry)
{
    for (size_t i = 0; i < import_key_count; i++) {
        secure_free(entry->values[i].raw);
        secure_free(entry->values[i].text);
        entry->values[i] = (struct import_value){.raw = NULL};
    }
}

static void free_entry(struct import_entry *entry)
{
    clear_values(entry);
    secure_free(entry->password);
    free(entry->values);
    free(entry->name);
    free(entry);
}

static void free_entries(struct import_entry **all)
{
    struct import_entry *entry;
    struct import_entry *next;

    HASH_ITER (hh, *all, entry, next) {
        HASH_DEL(*all, entry);
        free_entry(entry);
    }
}

void import_init(struct import *im)
{
    *im = (struct import){.globals = new_entry("pgbouncer")};
}

void import_fini(struct import *im)
{
    free_entry(im->globals);
    free_entries(&im->databases);
    free_entries(&im->users);
    free_entries(&im->peers);
    for (size_t i = 0; i < im->file_count; i++) {
        free(im->files[i]);
    }
    free(im->files);
    buf_release(&im->notes);
}

const char *import_add_file(struct import *im, const char *file)
{
    im->files = x_realloc(im->files, (im->file_count + 1) * sizeof *im->files);
    im->files[im->file_count] = x_strdup(file);
    return im->files[im->file_count++];
}

struct import_entry *import_entry_find(struct import_entry *all, const char *name)
{
    struct import_entry *entry;

    HASH_FIND_STR(all, name, entry);
    return entry;
}

struct import_entry *import_entry_set(struct import_entry **all, const char *name,
                                      struct import_origin at)
{
    struct import_entry *entry = import_entry_find(*all, name);

    if (entry == NULL) {
        entry = new_entry(name);
        HASH_ADD_KEYPTR(hh, *all, entry->name, strlen(entry->name), entry);
    }
    clear_values(entry);
    entry->at = at;
    return entry;
}

const struct import_value *import_get(const struct import_entry *entry, enum import_section section,
                                      const char *name)
{
    const struct import_key *key = import_key_find(section, name);

    return &entry->values[key - import_keys];
}

static void add_line(struct import *im, struct import_origin at, const char *fmt, va_list ap)
{
    char text[600];

    (void)vsnprintf(text, sizeof text, fmt, ap);
    if (at.line > 0) {
        buf_printf(&im->notes, "%s:%d: %s\n", at.file, at.line, text);
    } else {
        buf_printf(&im->notes, "%s: %s\n", at.file, text);
    }
}

void import_fault(struct import *im, struct import_origin at, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    add_line(im, at, fmt, ap);
    va_end(ap);
    im->faults++;
}

void import_note(struct import *im, struct import_origin at, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    add_line(im, at, fmt, ap);
    va_end(ap);
}
