// SPDX-License-Identifier: MIT
#include "ctl/import_read.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "ctl/import_value.h"
#include "ctl/ini.h"

#define FILE_MAX (64U << 20)

/* The file that is read now, and what holds across the files that include one another. */
struct reading {
    struct import *im;
    struct ini_reader reader;
    struct import_origin at;
    int depth;                   /* files that led here */
    enum import_section section; /* IMPORT_SECTIONS before the first, and in one not known */
    bool begun;                  /* there was a section */
};

static void read_ini(struct reading *r, const char *file, struct slice text);

/* ---- files ---- */

/* The whole of a file; a negative errno. */
static int read_all(int fd, struct buf *out)
{
    for (;;) {
        ssize_t n = read(fd, buf_reserve(out, 65536), 65536);
        if (n <= 0) {
            return n < 0 ? -errno : 0;
        }
        buf_commit(out, (size_t)n);
        if (buf_size(out) > FILE_MAX) {
            return -EFBIG;
        }
    }
}

static int read_file(const char *path, struct buf *out)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);

    if (fd < 0) {
        return -errno;
    }
    int rc = read_all(fd, out);
    (void)close(fd);
    return rc;
}

/* Reads a file that another one names; returns its name as it was found, or NULL after a fault. */
static const char *read_named(struct import *im, const char *name, struct import_origin at,
                              struct buf *out)
{
    const char *slash = strrchr(at.file, '/');
    int rc = read_file(name, out);

    if (rc == -ENOENT && name[0] != '/' && slash != NULL) {
        char *beside = x_printf("%.*s/%s", (int)(slash - at.file), at.file, name);
        rc = read_file(beside, out);
        const char *kept = rc == 0 ? import_add_file(im, beside) : NULL;
        free(beside);
        if (kept != NULL) {
            return kept;
        }
    }
    if (rc < 0) {
        import_fault(im, at, "%s: %s", name, strerror(-rc));
        return NULL;
    }
    return import_add_file(im, name);
}

/* ---- values ---- */

static bool is_utf8(const char *text)
{
    struct buf ignored = {0};
    bool yes = import_quote(&ignored, text);

    buf_release_secret(&ignored);
    return yes;
}

static void refuse_key(struct import *im, enum import_section section, const char *name,
                       struct import_origin at)
{
    const char *meant = import_key_suggest(section, name);

    import_fault(im, at, "unknown key \"%.100s\" in [%s]%s%s%s", name, import_section_name(section),
                 meant == NULL ? "" : ", did you mean \"", meant == NULL ? "" : meant,
                 meant == NULL ? "" : "\"?");
}

/* Keeps a value, and says what there is to say about its key. Takes `raw` over. */
static void set_value(struct import *im, struct import_entry *entry, const struct import_key *row,
                      char *raw, struct import_origin at)
{
    struct import_value *value = &entry->values[row - import_keys];

    secure_free(value->raw);
    secure_free(value->text);
    *value = (struct import_value){.raw = raw, .at = at};
    if (row->path != NULL) {
        value->text = import_convert(im, row, raw, at);
    } else if (!row->own && (row->harmless == NULL || strcmp(row->harmless, raw) != 0)) {
        import_note(im, at, "%s: %s", row->name, row->advice);
    }
}

static void take_value(struct import *im, struct import_entry *entry, enum import_section section,
                       const char *name, struct ini_text text, struct import_origin at)
{
    const struct import_key *row = import_key_find(section, name);
    char *raw = ini_copy(text);

    if (row == NULL) {
        refuse_key(im, section, name, at);
    } else if (!is_utf8(raw)) {
        import_fault(im, at, "the value of %s is not UTF-8", name);
    } else {
        set_value(im, entry, row, raw, at);
        return;
    }
    secure_free(raw);
}

/* The keys of a connection string, for an entry of its own. */
static void take_string(struct import *im, struct import_entry *entry, enum import_section section,
                        struct slice text, struct import_origin at)
{
    struct ini_text name;
    struct ini_text value;
    struct err err = {0};
    int rc;

    while ((rc = ini_next_pair(&text, &name, &value, &err)) > 0) {
        char *key = ini_copy(name);
        take_value(im, entry, section, key, value, at);
        free(key);
    }
    if (rc < 0) {
        import_fault(im, at, "%s", err.text);
    }
}

/* ---- lines ---- */

static void take_section(struct reading *r, const char *name)
{
    r->begun = true;
    for (int i = 0; i < IMPORT_SECTIONS; i++) {
        r->section = (enum import_section)i;
        if (strcmp(import_section_name(r->section), name) == 0) {
            return;
        }
    }
    r->section = IMPORT_SECTIONS;
    import_fault(r->im, r->at, "unknown section [%.100s]", name);
}

static void take_pair(struct reading *r, const char *name, struct ini_text value)
{
    switch (r->section) {
    case IMPORT_GLOBAL:
        take_value(r->im, r->im->globals, IMPORT_GLOBAL, name, value, r->at);
        break;
    case IMPORT_DATABASE:
        if (strcmp(name, "pgbouncer") == 0) {
            import_fault(r->im, r->at, "the database name \"pgbouncer\" is reserved");
            return;
        }
        take_string(r->im, import_entry_set(&r->im->databases, name, r->at), IMPORT_DATABASE,
                    value.raw, r->at);
        break;
    case IMPORT_USER:
        take_string(r->im, import_entry_set(&r->im->users, name, r->at), IMPORT_USER, value.raw,
                    r->at);
        break;
    case IMPORT_PEER:
        take_string(r->im, import_entry_set(&r->im->peers, name, r->at), IMPORT_PEER, value.raw,
                    r->at);
        break;
    case IMPORT_SECTIONS:
        if (!r->begun) {
            import_fault(r->im, r->at, "a key stands before the first [section]");
        }
        break;
    }
}

static void take_include(struct reading *r, const char *name)
{
    struct buf text = {0};

    if (r->depth == IMPORT_DEPTH_MAX) {
        import_fault(r->im, r->at, "files include one another more than %d deep", r->depth);
        return;
    }
    const char *file = read_named(r->im, name, r->at, &text);
    if (file != NULL) {
        read_ini(r, file, buf_slice(&text));
    }
    buf_release_secret(&text);
}

static void take_line(struct reading *r, const struct ini_line *line)
{
    char *name = ini_copy(line->kind == INI_INCLUDE ? line->value : line->name);

    if (!is_utf8(name)) {
        import_fault(r->im, r->at, "a name is not UTF-8");
    } else if (line->kind == INI_SECTION) {
        take_section(r, name);
    } else if (line->kind == INI_INCLUDE) {
        take_include(r, name);
    } else {
        take_pair(r, name, line->value);
    }
    free(name);
}

/* A section stays in force behind the end of an included file, as in PgBouncer. */
static void read_ini(struct reading *r, const char *file, struct slice text)
{
    struct ini_reader outer = r->reader;
    struct import_origin outer_at = r->at;
    struct ini_line line;
    struct err err = {0};
    int rc;

    r->reader = (struct ini_reader){.rest = text};
    r->at.file = file;
    r->depth++;
    while ((rc = ini_next(&r->reader, &line, &err)) != 0) {
        r->at.line = r->reader.line;
        if (rc < 0) {
            import_fault(r->im, r->at, "%s", err.text);
        } else {
            take_line(r, &line);
        }
    }
    r->depth--;
    r->reader = outer;
    r->at = outer_at;
}

/* ---- users ---- */

static void take_user(struct import *im, const char *name, char *password, struct import_origin at)
{
    struct import_entry *user = import_entry_find(im->users, name);

    if (!is_utf8(name) || !is_utf8(password)) {
        import_fault(im, at, "a name or password is not UTF-8");
        secure_free(password);
        return;
    }
    user = user == NULL ? import_entry_set(&im->users, name, at) : user;
    secure_free(user->password);
    user->password = password;
}

static void read_users(struct import *im, const char *file, struct slice text)
{
    struct ini_reader reader = {.rest = text};
    struct import_origin at = {.file = file};
    struct ini_text name;
    struct ini_text password;
    struct err err = {0};
    int rc;

    while ((rc = ini_next_user(&reader, &name, &password, &err)) != 0) {
        at.line = reader.line;
        if (rc < 0) {
            import_fault(im, at, "%s", err.text);
            continue;
        }
        char *copy = ini_copy(name);
        take_user(im, copy, ini_copy(password), at);
        free(copy);
    }
}

static void read_auth_file(struct import *im)
{
    const struct import_value *value = import_get(im->globals, IMPORT_GLOBAL, "auth_file");
    struct buf text = {0};

    if (value->raw == NULL || value->raw[0] == '\0') {
        return;
    }
    const char *file = read_named(im, value->raw, value->at, &text);
    if (file != NULL) {
        read_users(im, file, buf_slice(&text));
    }
    buf_release_secret(&text);
}

/* ---- all of it ---- */

void import_read_text(struct import *im, const char *file, struct slice text)
{
    struct reading r = {.im = im, .section = IMPORT_SECTIONS};

    read_ini(&r, import_add_file(im, file), text);
    read_auth_file(im);
}

void import_read(struct import *im, const char *path)
{
    struct buf text = {0};
    int rc = read_file(path, &text);

    if (rc < 0) {
        import_fault(im, (struct import_origin){.file = import_add_file(im, path), .line = 0}, "%s",
                     strerror(-rc));
    } else {
        import_read_text(im, path, buf_slice(&text));
    }
    buf_release_secret(&text);
}
