// SPDX-License-Identifier: MIT
//
// rulefile: the form that pg_hba.conf and pg_ident.conf share: lines of fields, fields of tokens.
// Blanks part fields, commas the tokens of one, '#' begins a comment, a backslash at the end of a
// line continues it, a double quote protects all of that ("" in quotes is one quote). A token @FILE
// stands for the tokens of that file; a line "include FILE", "include_if_exists FILE" or
// "include_dir FOLDER" for the lines of others. Relative names begin at the folder of the file that
// says them.
//
// Files are read through the source that the caller gives. Every fault is reported with its place;
// a file with one is refused whole. Sizes and nesting are bounded. Pure but for the source.
#ifndef AUTH_RULEFILE_H
#define AUTH_RULEFILE_H

#include "base/buf.h"
#include "base/err.h"

struct rule_token {
    char *text;
    bool quoted;      /* begins with a quote: no keyword, no @ */
    const char *file; /* where it stands; memory of the rulefile */
    int line;         /* from 1 */
    int column;       /* from 1, in characters */
};

struct rule_field {
    struct rule_token *tokens; /* at least one, but for a field that is an empty @file */
    size_t count;
};

struct rule_line {
    struct rule_field *fields; /* at least one */
    size_t count;
    const char *file; /* where its first token stands */
    int line;
    int column;
};

struct rulefile {
    struct rule_line *lines;
    size_t count;
    /* private below */
    char **names; /* of the files read */
    size_t name_count;
    size_t bytes;  /* read so far, of all files */
    size_t tokens; /* made so far */
};

/* Where the text of files comes from. */
struct rule_source {
    /* Appends the file's text; ERR_CONFIG with what is wrong as text, RULE_MISSING where there is
     * none. */
    int (*read)(void *data, const char *path, struct buf *out, struct err *err);
    /* Calls back with the path of each file of the folder whose name ends in ".conf" and begins
     * with no dot, in the order of names. */
    int (*list)(void *data, const char *folder, void (*each)(void *arg, const char *path),
                void *arg, struct err *err);
    void *data;
};

#define RULE_MISSING (-2) /* what read returns for a file that does not exist: -ENOENT */

/* Where faults are written: one line each, FILE:LINE:COLUMN: message. */
struct rule_faults {
    struct buf *report;
    int count;
};

void rule_fault(struct rule_faults *faults, const struct rule_token *at, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
void rule_line_fault(struct rule_faults *faults, const struct rule_line *at, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* Reads the file and all that it includes. Faults are counted; *out is to be ended in any case. */
void rulefile_read(struct rulefile *out, const char *path, const struct rule_source *source,
                   struct rule_faults *faults);
void rulefile_fini(struct rulefile *file);

/* Is it this word, not in quotes? */
bool rule_token_is(const struct rule_token *token, const char *keyword);

#endif
