// SPDX-License-Identifier: MIT
//
// err: what went wrong. Functions return 0 or a negative code (ERR_* below, or a negative errno);
// text for people travels in a struct err, wrapped once per layer: "tenant acme: pool: connect …:
// timed out". Every code names the SQLSTATE that a client is shown. Any thread.
#ifndef BASE_ERR_H
#define BASE_ERR_H

#include "base/slice.h"

/* code, SQLSTATE, what is said where nobody said more. Codes lie below every errno. */
#define ERR_MAP(X)                                                                                 \
    X(ERR_INTERNAL, "XX000", "internal error")                                                     \
    X(ERR_PROTOCOL, "08P01", "protocol violation")                                                 \
    X(ERR_CONNECTION, "08006", "server connection failed")                                         \
    X(ERR_NO_TENANT, "08004", "no tenant could be resolved")                                       \
    X(ERR_UNKNOWN_TENANT, "3D000", "tenant does not exist")                                        \
    X(ERR_SUSPENDED, "57P03", "tenant is suspended")                                               \
    X(ERR_NOT_ALLOWED, "28000", "not allowed")                                                     \
    X(ERR_RESERVED, "42501", "reserved parameter")                                                 \
    X(ERR_PASSWORD, "28P01", "password authentication failed")                                     \
    X(ERR_TOO_MANY, "53300", "too many connections")                                               \
    X(ERR_CANCELLED, "57014", "canceling statement due to user request")                           \
    X(ERR_IDLE_TRANSACTION, "25P03", "idle in transaction for too long")                           \
    X(ERR_TRANSACTION_TIMEOUT, "25P04", "transaction took too long")                               \
    X(ERR_IDLE_SESSION, "57P05", "idle for too long")                                              \
    X(ERR_NOTICE, "00000", "notice")                                                               \
    X(ERR_SHUTDOWN, "57P01", "terminating connection due to administrator command")                \
    X(ERR_NO_STATEMENT, "26000", "prepared statement does not exist")                              \
    X(ERR_DUPLICATE_STATEMENT, "42P05", "prepared statement already exists")                       \
    X(ERR_NO_PORTAL, "34000", "portal does not exist")                                             \
    X(ERR_UNSUPPORTED, "0A000", "feature not supported")                                           \
    X(ERR_SYNTAX, "42601", "syntax error")                                                         \
    X(ERR_INVALID_VALUE, "22023", "invalid parameter value")                                       \
    X(ERR_WRONG_STATE, "55000", "not possible in the present state")                               \
    X(ERR_CONFIG, "F0000", "configuration file error")                                             \
    X(ERR_STORE, "58030", "secret store failed")                                                   \
    X(ERR_STORE_DOWN, "58030", "secret store cannot be reached")                                   \
    X(ERR_NO_SECRET, "42704", "secret does not exist")                                             \
    X(ERR_SERVER, "", "error of the server")

enum err_code {
    ERR_FIRST = -10000,
#define X(code, sqlstate, text) code,
    ERR_MAP(X)
#undef X
};

#define ERR_TEXT_MAX   1000
#define ERR_DETAIL_MAX 400

struct err {
    int code;         /* 0, or one of the codes above, or a negative errno */
    char sqlstate[6]; /* set for ERR_SERVER (the server's own); else empty: err_sqlstate knows */
    char text[ERR_TEXT_MAX];     /* one line, no full stop, no secret */
    char detail[ERR_DETAIL_MAX]; /* what a server said beside it, or empty */
    char hint[200];              /* what to do, or empty */
};

/* Nothing went wrong so far. Cheaper than a literal, which writes it all. */
static inline void err_clear(struct err *err)
{
    err->code = 0;
    err->sqlstate[0] = err->text[0] = err->detail[0] = err->hint[0] = '\0';
}

/* Sets code and text; returns the code, so that `return err_set(…)` reads well. err may be NULL. */
int err_set(struct err *err, int code, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
void err_hint(struct err *err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Puts "prefix: " before the text. */
void err_wrap(struct err *err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* The five characters that a client is shown; an errno counts as ERR_CONNECTION. */
const char *err_sqlstate(const struct err *err);
const char *err_code_sqlstate(int code);

/* A small number for each code, to count by: 0 where err is NULL; an errno counts as
 * ERR_CONNECTION. */
enum { ERR_INDEXES = ERR_SERVER - ERR_FIRST + 1 };
int err_index(const struct err *err);

/* What an index stands for: "TOO_MANY", "CONNECTION"; "" for 0. The SQLSTATE of one that a server
 * gave is empty. */
const char *err_index_word(int index);
const char *err_index_sqlstate(int index);

/* The default text of a code, or strerror of an errno. */
const char *err_code_text(int code);

#endif
