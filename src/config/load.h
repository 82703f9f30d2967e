// SPDX-License-Identifier: MIT
//
// load: a file to a snapshot, whole or not at all. Every fault is reported, sorted by position; a
// file with one fault yields no configuration. Blocks on the file; otherwise pure. Any thread.
#ifndef CONFIG_LOAD_H
#define CONFIG_LOAD_H

#include "base/slice.h"
#include "config/config.h"
#include "config/faults.h"

/* Bytes of the largest file that is read. */
#define CONFIG_FILE_MAX (64U << 20)

/* Returns 0 and a snapshot with one reference, or ERR_CONFIG with at least one fault. `faults` must
 * be empty and is ended by the caller in both cases. */
int config_load(const char *path, const struct config **out, struct config_faults *faults);

/* The same from memory. `file` is used in messages; relative paths in the text are taken from its
 * folder. */
int config_parse(const char *file, struct slice text, const struct config **out,
                 struct config_faults *faults);

/* Where a key is written, or the nearest thing to it; in a list, the item. For what turns out to be
 * wrong only when it is used. Reads the file again. */
struct config_place {
    int line;
    int column;
};
struct config_place config_locate(const char *path, const char *key, size_t item);

#endif
