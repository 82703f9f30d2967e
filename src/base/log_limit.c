// SPDX-License-Identifier: MIT
#include "base/log_limit.h"

#include <string.h>

size_t log_limit_head(const char *format)
{
    size_t head = 0;

    for (size_t at = 0; format[at] != '%' && format[at] != '='; at++) {
        if (format[at] == '\0') {
            return at;
        }
        if (format[at] == ' ') {
            head = at;
        }
    }
    return head;
}

static bool is_over(const struct log_place *place, int64_t now)
{
    return now - place->since >= LOG_LIMIT_WINDOW || now < place->since;
}

static void tell(struct log_limit *limit, struct log_place *place)
{
    if (place->hidden > 0) {
        limit->tell(&place->kind, place->hidden);
        place->hidden = 0;
        limit->telling--;
    }
}

static bool is_of(const struct log_place *place, const struct log_kind *kind)
{
    return place->kind.format == kind->format && strcmp(place->kind.tenant, kind->tenant) == 0;
}

/* FNV-1a. */
static uint32_t hash(const struct log_kind *kind)
{
    uint64_t h = 0xcbf29ce484222325u ^ (uintptr_t)kind->format;

    for (const char *p = kind->tenant; *p != '\0'; p++) {
        h = (h ^ (unsigned char)*p) * 0x100000001b3u;
    }
    return (uint32_t)((h * 0x9e3779b97f4a7c15u) >> 32);
}

static bool pass(struct log_limit *limit, struct log_place *place, const struct log_kind *kind,
                 uint32_t burst, int64_t now)
{
    if (!is_of(place, kind) || is_over(place, now)) {
        tell(limit, place);
        *place = (struct log_place){.kind = *kind, .since = now};
    }
    place->kind.level = kind->level;
    if (place->written < burst) {
        place->written++;
        return true;
    }
    limit->telling += place->hidden == 0 ? 1 : 0;
    place->hidden++;
    return false;
}

/* The kinds are few, and each keeps the place that it once found. */
static struct log_place *place_of_all(struct log_limit *limit, const struct log_kind *kind)
{
    uint32_t start = hash(kind) % LOG_LIMIT_KINDS;

    for (uint32_t i = 0; i < LOG_LIMIT_KINDS; i++) {
        struct log_place *place = &limit->kinds[(start + i) % LOG_LIMIT_KINDS];
        if (place->kind.format == NULL || is_of(place, kind)) {
            return place;
        }
    }
    return &limit->kinds[start];
}

/* With tenants they are many: those that share a place push each other out, and are written the
 * more. */
bool log_limit_pass(struct log_limit *limit, const struct log_kind *kind, int64_t now)
{
    struct log_kind all = {.format = kind->format, .level = kind->level};
    struct log_place *place = &limit->places[hash(kind) % LOG_LIMIT_PLACES];

    return pass(limit, place, kind, LOG_LIMIT_BURST, now) &&
           pass(limit, place_of_all(limit, &all), &all, LOG_LIMIT_BURST_OF_ALL, now);
}

static void sweep(struct log_limit *limit, struct log_place *places, size_t n, int64_t before)
{
    for (size_t i = 0; i < n && limit->telling > 0; i++) {
        if (is_over(&places[i], before)) {
            tell(limit, &places[i]);
        }
    }
}

void log_limit_sweep(struct log_limit *limit, int64_t now, bool everything)
{
    int64_t when = everything ? INT64_MAX : now;

    sweep(limit, limit->places, LOG_LIMIT_PLACES, when);
    sweep(limit, limit->kinds, LOG_LIMIT_KINDS, when);
}
