// SPDX-License-Identifier: MIT
//
// options: the command line. Pure but for what it prints.
#ifndef DAEMON_OPTIONS_H
#define DAEMON_OPTIONS_H

#include <stdbool.h>

enum option_action {
    OPTION_RUN,
    OPTION_CHECK,
    OPTION_REFERENCE,
    OPTION_VERSION,
    OPTION_HELP,
    OPTION_BAD /* was complained of on stderr */
};

struct options {
    enum option_action action;
    const char *file; /* the configuration */
    bool takeover;    /* from the process that runs */
};

struct options options_parse(int argc, char **argv);
void options_print_help(void);

#endif
