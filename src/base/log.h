// SPDX-License-Identifier: MIT
//
// log: one line per event to stderr, as text or JSON. A line is formatted by the caller's thread
// into a bounded ring and written by a thread of its own, so that a slow reader of stderr never
// stops a loop; what does not fit is dropped and counted in the next line that does. A line that is
// the same as the last one, and comes within seconds, is counted, and the count written ahead of
// the next that is written. Before log_start and after log_stop lines are written at once. This is
// the program's only global besides const tables. Messages start lower-case, have no full stop, and
// carry key=value; never a secret, never SQL.
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <stdbool.h>
#include <stdint.h>

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARNING, LOG_ERROR };

void log_configure(enum log_level level, bool json);
bool log_enabled(enum log_level level);

/* Starts and ends the writing thread; log_stop writes all that is left. */
void log_start(void);
void log_stop(void);

void log_write(enum log_level level, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

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
