// SPDX-License-Identifier: MIT
//
// options: the command line of fahrenctl. Nothing is copied but the command, whose words are put
// together with spaces.
#ifndef CTL_OPTIONS_H
#define CTL_OPTIONS_H

#include <stdbool.h>

#include "base/buf.h"

enum option_action {
    OPTION_RUN,
    OPTION_IMPORT,
    OPTION_VERIFY,
    OPTION_BULK,
    OPTION_URL,
    OPTION_EXEC,
    OPTION_PING,
    OPTION_HELP,
    OPTION_VERSION,
    OPTION_BAD
};

struct options {
    enum option_action action;
    const char *file; /* -c; NULL where it was not given, likewise below */
    const char *host;
    const char *port;
    const char *user;
    const char *import; /* OPTION_IMPORT: the pgbouncer.ini */
    const char *tenant; /* OPTION_VERIFY: which one; NULL for all of the file; OPTION_URL, _EXEC */
    const char *list;   /* OPTION_BULK: a file of tenants */
    const char *with;   /* OPTION_BULK: the options of all of them, or NULL */
    const char *sql;    /* OPTION_EXEC */
    const char *allow;  /* OPTION_VERIFY: attacks that may get through, with commas between */
    bool json;
    struct buf command; /* terminated; empty where there was none; options_fini frees it */
};

/* OPTION_BAD: what is wrong has been said on stderr. */
void options_parse(struct options *options, int argc, char **argv);
void options_fini(struct options *options);
void options_print_help(void);

#endif
