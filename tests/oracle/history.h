// SPDX-License-Identifier: MIT
//
// history: the last that was said on a connection, for the report of a wrong answer.
#ifndef ORACLE_HISTORY_H
#define ORACLE_HISTORY_H

#include "model.h"

enum { HISTORY_MAX = 128, HISTORY_TEXT = 40 };

struct happening {
    bool sent;
    struct request request;  /* where sent */
    uint8_t type;            /* where received */
    char text[HISTORY_TEXT]; /* the start of its body, or a remark */
};

struct history {
    struct happening items[HISTORY_MAX];
    uint64_t count; /* ever noted */
};

void history_note_request(struct history *history, const struct request *request);
void history_note_message(struct history *history, uint8_t type, struct slice body);
void history_note_remark(struct history *history, const char *remark);

/* Prints all of it to stderr, the oldest first. */
void history_print(const struct history *history);

#endif
