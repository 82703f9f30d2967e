// SPDX-License-Identifier: MIT
//
// faults: what is wrong with a configuration file, all of it, each with its place. A zeroed struct
// is an empty list. Whoever holds the struct owns the memory. One thread.
#ifndef CONFIG_FAULTS_H
#define CONFIG_FAULTS_H

#include <stddef.h>

#include "base/buf.h"

/* Beyond so many faults nothing more is kept: the file is not a configuration at all. */
#define CONFIG_FAULTS_MAX 1000

struct config_fault {
    int line;   /* from 1; 0: not in the file, but in an environment variable */
    int column; /* from 1, in characters; of line 0: which variable */
    char *text; /* one line; never a secret */
};

struct config_faults {
    char *file; /* as it was named */
    struct config_fault *items;
    size_t count;
    size_t cap;
    char **variables; /* names of environment variables that were read */
    size_t variable_count;
};

/* The same text at the same place is kept once. */
void config_faults_add(struct config_faults *faults, int line, int column, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

/* Keeps the name of an environment variable; returns the column that stands for it in line 0. */
int config_faults_variable(struct config_faults *faults, const char *name);

/* By position. */
void config_faults_sort(struct config_faults *faults);

/* One line each: FILE:LINE:COLUMN: message, or environment: NAME: message. */
void config_faults_print(const struct config_faults *faults, struct buf *out);

/* Empties and gives the memory back. */
void config_faults_fini(struct config_faults *faults);

#endif
