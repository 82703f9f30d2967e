// SPDX-License-Identifier: MIT
//
// units: times and sizes as people write them: "500ms", "5s", "10m", "1h", "1d"; "64KiB", "1MiB",
// "1GiB", or plain bytes. A time of 0 needs no unit. Pure.
#ifndef CONFIG_UNITS_H
#define CONFIG_UNITS_H

#include <stdint.h>

#include "base/buf.h"

enum units_result {
    UNITS_OK,
    UNITS_NO_NUMBER, /* not a whole number from 0 at its start */
    UNITS_MISSING,   /* a time without unit */
    UNITS_UNKNOWN,   /* something else behind the number */
    UNITS_TOO_LARGE
};

enum units_result units_parse_time(const char *text, int64_t *ms);
enum units_result units_parse_size(const char *text, int64_t *bytes);

/* In the largest unit that divides it. */
void units_print_time(struct buf *out, int64_t ms);
void units_print_size(struct buf *out, int64_t bytes);

#endif
