// SPDX-License-Identifier: MIT
//
// print: a value of a snapshot as YAML text, the way the table writes its defaults. Private to this
// layer.
#ifndef CONFIG_PRINT_H
#define CONFIG_PRINT_H

#include <stdbool.h>

#include "base/buf.h"
#include "config/schema.h"

enum print_secrets {
    PRINT_HIDDEN, /* a secret in the configuration becomes stars */
    PRINT_BARE    /* as it is: only for comparing */
};

/* Appends the value at `from`, without a terminator; "null" where there is none. */
void print_value(struct buf *out, const struct key *key, const void *from,
                 enum print_secrets secrets);

/* Appends a word that YAML reads as this text: plain where possible, else in double quotes. */
void print_word(struct buf *out, const char *text);

/* Are two values the same, secrets included? */
bool print_same(const struct key *key, const void *a, const void *b);

#endif
