// SPDX-License-Identifier: MIT
//
// ini: the text formats of PgBouncer: its ini file line by line, the connection strings of
// [databases] and [users], and the users of an auth_file. Nothing is copied: what is found are
// slices of the text, which the caller keeps. Broken text is ERR_CONFIG, and the next call goes on
// behind the broken line. Pure.
#ifndef CTL_INI_H
#define CTL_INI_H

#include "base/err.h"

struct ini_reader {
    struct slice rest; /* what was not read yet */
    int line;          /* number of the line that was read last, from 1; 0 before the first */
};

/* A name or value as it is written. */
struct ini_text {
    struct slice raw; /* without the quotes around it */
    char quote;       /* that stood around it, and is doubled inside; 0 for none */
};

enum ini_kind { INI_SECTION, INI_PAIR, INI_INCLUDE };

struct ini_line {
    enum ini_kind kind;
    struct ini_text name;  /* of the section or the key; empty for an include */
    struct ini_text value; /* of the key, or the file to include */
};

/* 1 and a line that says something, or 0 at the end. */
int ini_next(struct ini_reader *reader, struct ini_line *line, struct err *err);

/* The next key=value of a connection string: 1, or 0 at the end. A string with an error is given
 * up. */
int ini_next_pair(struct slice *rest, struct ini_text *name, struct ini_text *value,
                  struct err *err);

/* The next "user" "password" of an auth_file: 1, or 0 at the end. */
int ini_next_user(struct ini_reader *reader, struct ini_text *name, struct ini_text *password,
                  struct err *err);

/* The next word of a list with commas, without the space around it; false at the end. */
bool ini_next_word(struct slice *rest, struct slice *word);

/* The text with doubled quotes made single; the caller frees it. */
char *ini_copy(struct ini_text text);

#endif
