// SPDX-License-Identifier: MIT
#include "proxy/note.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "proxy/statements.h"
#include "wire/build.h"

/* Never prepared: what is bound to it fails. */
#define NO_STATEMENT "fahrend_none"

/* What an entry of the ledger means to us. */
struct note {
    enum note_kind kind;
    struct client_statement *cs; /* PARSE, CLOSE: whose it is; counted there */
    struct err *err;             /* ERROR; owned */
};

struct note *note_new(enum note_kind kind, struct client_statement *cs)
{
    struct note *note = x_zalloc(sizeof *note);

    note->kind = kind;
    note->cs = cs;
    if (cs != NULL) {
        cs->notes++;
    }
    return note;
}

struct note *note_error(const struct err *err)
{
    struct note *note = note_new(NOTE_ERROR, NULL);

    note->err = x_alloc(sizeof *err);
    *note->err = *err;
    return note;
}

static void finish_parse(struct frontend *f, struct client_statement *cs, bool answered)
{
    cs->in_flight = false;
    if (!answered) {
        client_statements_unlist(&f->statements, cs);
    }
}

static void finish_close(struct frontend *f, struct client_statement *cs, bool answered)
{
    if (!answered && !cs->listed) {
        client_statements_list(&f->statements, cs);
    }
}

static void finish(struct frontend *f, struct note *note, bool answered)
{
    switch (note->kind) {
    case NOTE_PARSE:
        finish_parse(f, note->cs, answered);
        break;
    case NOTE_CLOSE:
        finish_close(f, note->cs, answered);
        break;
    case NOTE_ERROR:
        if (answered) {
            frontend_tell_error(f, note->err);
        }
        free(note->err);
        break;
    }
    if (note->cs != NULL) {
        note->cs->notes--;
        client_statement_release(&f->proxy->statements, note->cs);
    }
    free(note);
}

void note_on_entry(struct frontend *f, const struct ledger_entry *entry, bool answered)
{
    finish(f, entry->note, answered);
}

bool note_push(struct frontend *f, enum ledger_kind kind, enum ledger_action action,
               uint32_t number, struct note *note)
{
    struct ledger_entry *entry = ledger_push(&f->backend->ledger, kind, action);

    if (entry == NULL) {
        if (note != NULL) {
            finish(f, note, false);
        }
        return false;
    }
    entry->arg = number;
    entry->note = note;
    if (kind == LEDGER_PARSE || kind == LEDGER_CLOSE) {
        ledger_doubt(&f->backend->ledger, entry);
    }
    return true;
}

void note_push_failure(struct frontend *f, const struct err *err, struct buf *out)
{
    if (note_push(f, LEDGER_BIND, LEDGER_REPLACE, 0, note_error(err))) {
        build_bind(out, NO_STATEMENT, NULL, 0);
    }
}
