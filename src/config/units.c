// SPDX-License-Identifier: MIT
#include "config/units.h"

#include <inttypes.h>
#include <stdbool.h>
#include <string.h>

struct unit {
    const char *name;
    int64_t factor;
};

/* The largest first; the last is what is stored. */
static const struct unit times[] = {
    {"d", 86400000}, {"h", 3600000}, {"m", 60000}, {"s", 1000}, {"ms", 1}};
static const struct unit sizes[] = {{"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10}, {"", 1}};

enum { TIME_UNITS = 5, SIZE_UNITS = 4 };

/* Reads digits up to the first other byte, which *end is set to. */
static enum units_result parse_number(const char *text, int64_t *number, const char **end)
{
    int64_t n = 0;
    const char *p = text;

    while (*p >= '0' && *p <= '9') {
        if (n > (INT64_MAX - 9) / 10) {
            return UNITS_TOO_LARGE;
        }
        n = n * 10 + (*p++ - '0');
    }
    *number = n;
    *end = p;
    return p == text ? UNITS_NO_NUMBER : UNITS_OK;
}

static enum units_result parse(const char *text, const struct unit *units, int count, int64_t *out)
{
    const char *end;
    int64_t number;
    enum units_result result = parse_number(text, &number, &end);

    if (result != UNITS_OK) {
        return result;
    }
    for (int i = 0; i < count; i++) {
        if (strcmp(end, units[i].name) == 0) {
            if (number > INT64_MAX / units[i].factor) {
                return UNITS_TOO_LARGE;
            }
            *out = number * units[i].factor;
            return UNITS_OK;
        }
    }
    if (*end != '\0') {
        return UNITS_UNKNOWN;
    }
    *out = 0;
    return number == 0 ? UNITS_OK : UNITS_MISSING;
}

enum units_result units_parse_time(const char *text, int64_t *ms)
{
    return parse(text, times, TIME_UNITS, ms);
}

enum units_result units_parse_size(const char *text, int64_t *bytes)
{
    return parse(text, sizes, SIZE_UNITS, bytes);
}

static void print(struct buf *out, const struct unit *units, int64_t value)
{
    if (value == 0) {
        buf_append_u8(out, '0');
        return;
    }
    while (value % units->factor != 0) {
        units++;
    }
    buf_printf(out, "%" PRId64 "%s", value / units->factor, units->name);
}

void units_print_time(struct buf *out, int64_t ms)
{
    print(out, times, ms);
}

void units_print_size(struct buf *out, int64_t bytes)
{
    print(out, sizes, bytes);
}
