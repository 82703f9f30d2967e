// SPDX-License-Identifier: MIT
//
// log: one line per event to stderr, as text or JSON. A line is formatted by the caller's thread
// into a bounded ring and written by a thread of its own, so that a slow reader of stderr never
// stops a loop; what does not fit is dropped and counted in the next line that does. Of one kind so
// many lines are written within seconds, and the rest told as "repeated N times" (log_limit); not
// so lines of the level debug, which somebody asked for. Before log_start and after log_stop lines
// are written at once. This is the program's only global besides const tables. Messages start
// lower-case, have no full stop, and carry key=value; never a secret, never SQL.
//
// A line that concerns a connection or a tenant is written with an origin: its number, tenant and
// pool stand behind the message's first words, and are fields of their own in JSON. A tenant may
// have a level of its own, which goes before that of the log.
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <stdbool.h>
#include <stdint.h>

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARNING, LOG_ERROR };

/* As a level: the tenant has none of its own. Zero, so that what is cleared has it. */
enum { LOG_AS_CONFIGURED = 0 };

/* Whom or what a line is about. What is 0 or NULL is not told. */
struct log_origin {
    uint64_t client;     /* number of the client's connection */
    uint64_t connection; /* number of the server connection */
    uint32_t pid;        /* of the server's process */
    const char *tenant;
    const char *server; /* of the pool, as the two below */
    const char *database;
    const char *role;
    uint8_t level; /* the tenant's own, counted from 1, or LOG_AS_CONFIGURED */
};

void log_configure(enum log_level level, bool json);
bool log_enabled(enum log_level level);

/* The level of a word such as "debug", case aside, or -1; and the word. */
int log_level_of(const char *word);
const char *log_level_word(enum log_level level);

/* Starts and ends the writing thread; log_stop writes all that is left. */
void log_start(void);
void log_stop(void);

/* Whether a line of the level is wanted of one who has this level of its own. */
static inline bool log_wanted(enum log_level level, uint8_t own)
{
    return own == LOG_AS_CONFIGURED ? log_enabled(level) : (int)level >= own - 1;
}

void log_write(enum log_level level, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void log_about(enum log_level level, const struct log_origin *origin, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

#define log_debug(...)                                                                             \
    do {                                                                                           \
        if (log_enabled(LOG_DEBUG)) {                                                              \
            log_write(LOG_DEBUG, __VA_ARGS__);                                                     \
        }                                                                                          \
    } while (0)
#define log_info(...)    log_write(LOG_INFO, __VA_ARGS__)
#define log_warning(...) log_write(LOG_WARNING, __VA_ARGS__)
#define log_error(...)   log_write(LOG_ERROR, __VA_ARGS__)

#endif
