// SPDX-License-Identifier: MIT
//
// load: a file, and what the environment lays over it (environ), to a snapshot, whole or not at
// all. Every fault is reported, sorted by position; a file with one fault yields no configuration.
// Blocks on the file; otherwise pure. Any thread.
#ifndef CONFIG_LOAD_H
#define CONFIG_LOAD_H

#include "base/slice.h"
#include "config/config.h"
#include "config/faults.h"

/* Bytes of the largest file that is read. */
#define CONFIG_FILE_MAX (64U << 20)

/* Where the file is when nobody says. It need not be there where the environment has keys. */
#define CONFIG_DEFAULT_FILE "/etc/fahrend/fahrend.yaml"

/* Returns 0 and a snapshot with one reference, or ERR_CONFIG with at least one fault. `faults` must
 * be empty and is ended by the caller in both cases. */
int config_load(const char *path, const struct config **out, struct config_faults *faults);

/* The same from memory, without the environment. `file` is used in messages; relative paths in the
 * text are taken from its folder. */
int config_parse(const char *file, struct slice text, const struct config **out,
                 struct config_faults *faults);

/* The same with these variables, as the global environ has them. */
int config_parse_environ(const char *file, struct slice text, char *const *variables,
                         const struct config **out, struct config_faults *faults);

/* Can a configuration be read without being told where: is there the default file, or a key in the
 * environment? */
bool config_is_at_hand(void);

/* Where a key is written, or the nearest thing to it; in a list, the item. For what turns out to be
 * wrong only when it is used. Reads the file again. */
struct config_place {
    int line;
    int column;
};
struct config_place config_locate(const char *path, const char *key, size_t item);

#endif
