// SPDX-License-Identifier: MIT
//
// words: a console command as words: bare, "quoted", 'literal', and single marks. Pure.
#ifndef ADMIN_WORDS_H
#define ADMIN_WORDS_H

#include "base/err.h"

enum { WORDS_MAX = 512 };

enum word_kind { WORD_BARE, WORD_QUOTED, WORD_LITERAL, WORD_MARK };

struct word {
    enum word_kind kind;
    struct slice text; /* without its quotes; doubled ones inside are still doubled */
};

struct words {
    struct word items[WORDS_MAX];
    size_t count;
};

/* Splits the text; semicolons at its end are dropped. ERR_SYNTAX for a quote that is not closed. */
int words_split(struct slice text, struct words *words, struct err *err);

/* Is the word at this place the keyword, in any case? A quoted one never is. */
bool words_have(const struct words *words, size_t at, const char *keyword);

bool word_is(const struct word *word, struct slice keyword);
bool word_is_mark(const struct word *word, char mark);

/* Writes the word without the doubling of its quotes, terminated. */
int word_copy(const struct word *word, char *out, size_t size, struct err *err);

/* Faults: a word that may not stand there; something that is not there. Both return ERR_SYNTAX. */
int words_unexpected(const struct word *word, struct err *err);
int words_missing(const char *command, const char *what, struct err *err);

#endif
