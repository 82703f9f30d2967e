// SPDX-License-Identifier: MIT
#include "ctl/import_fields.h"

#include <assert.h>
#include <string.h>

#include "base/alloc.h"

static struct import_field *find(const struct import_fields *fields, const char *path)
{
    for (size_t i = 0; i < fields->count; i++) {
        if (strcmp(fields->items[i].path, path) == 0) {
            return (struct import_field *)(uintptr_t)&fields->items[i];
        }
    }
    return NULL;
}

void import_fields_set(struct import_fields *fields, const char *path, char *value)
{
    struct import_field *field = find(fields, path);

    if (field == NULL) {
        assert(fields->count < IMPORT_FIELDS_MAX);
        field = &fields->items[fields->count++];
        *field = (struct import_field){.path = path};
    }
    secure_free(field->value);
    field->value = value;
}

const char *import_fields_get(const struct import_fields *fields, const char *path)
{
    const struct import_field *field = find(fields, path);

    return field == NULL ? NULL : field->value;
}

const char *import_fields_effective(const struct import_fields *fields, const char *path)
{
    const char *value = import_fields_get(fields, path);

    return value != NULL ? value : schema_find(fields->scope, path)->fallback;
}

void import_fields_fill(struct import_fields *fields, const struct import *im,
                        const struct import_entry *entry)
{
    for (size_t i = 0; i < import_key_count; i++) {
        const struct import_key *key = &import_keys[i];
        const struct import_entry *from = key->section == IMPORT_GLOBAL ? im->globals : entry;
        const char *value = from == NULL ? NULL : from->values[i].text;
        if (key->path == NULL || key->scope != fields->scope) {
            continue;
        }
        if (from != NULL && from->values[i].raw == NULL) {
            value = key->fallback;
        }
        if (value != NULL) {
            import_fields_set(fields, key->path, x_strdup(value));
        }
    }
}

/* A line for the value, behind one for each section that it is the first in. */
static void write_field(const char *path, const char *value, const char *last, int indent,
                        struct buf *out)
{
    const char *name = path;

    for (const char *dot = strchr(name, '.'); dot != NULL; dot = strchr(name, '.')) {
        size_t n = (size_t)(dot - path) + 1;
        if (last == NULL || strncmp(last, path, n) != 0) {
            buf_printf(out, "%*s%.*s:\n", indent, "", (int)(dot - name), name);
        }
        name = dot + 1;
        indent += 2;
    }
    buf_printf(out, "%*s%s: %s\n", indent, "", name, value);
}

bool import_fields_write(const struct import_fields *fields, const struct import_fields *base,
                         int indent, struct buf *out,
                         void (*named)(void *context, const char *path, struct buf *out),
                         void *context)
{
    const char *last = NULL;

    for (size_t i = 0; i < schema_key_count; i++) {
        const struct key *key = &schema_keys[i];
        if (key->scope != fields->scope) {
            continue;
        }
        if (key->type == KEY_NAMED && named != NULL) {
            named(context, key->path, out);
            continue;
        }
        const char *value = import_fields_effective(fields, key->path);
        const char *other = base == NULL ? key->fallback : import_fields_effective(base, key->path);
        if (value != NULL && (other == NULL || strcmp(value, other) != 0)) {
            write_field(key->path, value, last, indent, out);
            last = key->path;
        }
    }
    return last != NULL;
}

void import_fields_fini(struct import_fields *fields)
{
    for (size_t i = 0; i < fields->count; i++) {
        secure_free(fields->items[i].value);
    }
    fields->count = 0;
}
