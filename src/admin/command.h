// SPDX-License-Identifier: MIT
//
// command: what may be said on the console, and how it is read. A command is one row of the const
// table in commands.c: the words that it begins with, what may follow, who may say it, and what is
// then done. Keywords are read in any case and a semicolon may end the text; a name is bare or
// "quoted", and a quoted word is never a keyword. Reading is pure.
#ifndef ADMIN_COMMAND_H
#define ADMIN_COMMAND_H

#include "admin/rows.h"
#include "base/err.h"
#include "tenant/name.h"

struct command;
struct console;
struct show;

enum command_argument {
    ARGUMENT_NONE,
    ARGUMENT_NAME,
    ARGUMENT_OPTIONAL_NAME,
    ARGUMENT_NUMBER,
    ARGUMENT_ASSIGNMENT, /* key = value, or key TO value */
    ARGUMENT_SETUP,      /* [FOR TENANT name] [ON table, …] [DRY RUN] */
    ARGUMENT_CREATE,     /* name [WITH (key = value, …)] [DRY RUN] */
    ARGUMENT_ALTER,      /* name SET (key = value, …), or ROTATE PASSWORD */
    ARGUMENT_DROP,       /* name [CASCADE] [DRY RUN] */
    ARGUMENT_LEVEL,      /* name [word] */
    ARGUMENT_ANYTHING    /* is passed over */
};

struct command_kind {
    const char *words; /* lower case, with single spaces: "show clients" */
    enum command_argument argument;
    bool looks; /* changes nothing: stats users may say it too */
    void (*run)(struct console *console, const struct command *command);
    const struct show *show; /* of a SHOW that gathers or renders rows */
    struct columns columns;  /* of a fixed answer; else the show's */
    const char *value;       /* of a fixed answer; for others the tag of CommandComplete */
    const char *usage;       /* of the argument, for SHOW HELP: "[database]"; NULL for none */
    const char *help;        /* NULL: is not listed */
};

enum { COMMAND_VALUE_SIZE = 256, COMMAND_TABLES_SIZE = 1024, COMMAND_OPTIONS_SIZE = 4096 };

struct command {
    const struct command_kind *kind; /* NULL: there was nothing but white space */
    bool has_name;
    char name[NAME_SIZE]; /* NAME; the key of an ASSIGNMENT; the tenant of a SETUP */
    char
        value[COMMAND_VALUE_SIZE]; /* ASSIGNMENT: its first word, without quotes; LEVEL: the word */
    uint64_t number;
    char tables[COMMAND_TABLES_SIZE];   /* SETUP: as they were written, each ended by a newline */
    char options[COMMAND_OPTIONS_SIZE]; /* CREATE, ALTER: key = value as a JSON object of texts,
                                           null for DEFAULT; "{}" where there are none */
    bool dry;                           /* SETUP, CREATE, DROP: only say what would be done */
    bool cascade;                       /* DROP */
    bool rotate;                        /* ALTER: ROTATE PASSWORD in place of SET */
};

extern const struct command_kind command_kinds[];
extern const size_t command_kind_count;

/* Returns 0, or ERR_SYNTAX. */
int command_parse(struct slice text, struct command *command, struct err *err);

/* What a console would say of one tenant, for work that no console asked for: a kind of the table
 * by its words, and the name, which is not read as text. */
void command_for_tenant(struct command *command, const char *words, const char *tenant);

/* The columns of its answer; none where it has no rows. */
struct columns command_columns(const struct command *command);

#endif
