// SPDX-License-Identifier: MIT
//
// suggest: what was likely meant by a word that is none of ours. Memory only; any thread.
#ifndef CONFIG_SUGGEST_H
#define CONFIG_SUGGEST_H

#include "config/schema.h"

/* The path that is likely to be meant by a word that is no key of that section, or NULL. */
const char *suggest_key(enum key_scope scope, const char *section, const char *word);

/* The same for a whole path: "pool.size" for "pool.sise", and for "size" alone. */
const char *suggest_path(enum key_scope scope, const char *path);

/* Single edits (insert, drop, replace, swap neighbours) between two words of at most 64 bytes, case
 * aside; longer ones are 64 apart. */
int suggest_distance(const char *a, const char *b);

/* Are two words so near that one may be a slip for the other? */
bool suggest_is_slip(const char *a, const char *b);

#endif
