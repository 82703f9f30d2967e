// SPDX-License-Identifier: MIT
#include "tenant/appname.h"

#include <string.h>

#define PLACE_OWN    "{application_name}"
#define PLACE_TENANT "{tenant}"
#define PLACE_CLIENT "{client_addr}"

/* A name that is being put together; what does not fit is left out. */
struct line {
    char *out;
    size_t n;
};

static void add(struct line *line, struct slice text)
{
    for (size_t i = 0; i < text.n && line->n < LIMIT_NAME; i++) {
        uint8_t c = text.p[i];
        line->out[line->n++] = c >= 0x20 && c < 0x7f ? (char)c : '?';
    }
}

static bool begins_with(struct slice text, const char *place)
{
    return text.n >= strlen(place) && memcmp(text.p, place, strlen(place)) == 0;
}

/* A part of the pattern, with tenant and client filled in. */
static void add_part(struct line *line, struct slice part, const struct appname *as)
{
    while (part.n > 0) {
        if (begins_with(part, PLACE_TENANT)) {
            add(line, as->tenant);
            part = slice_from(part, strlen(PLACE_TENANT));
        } else if (begins_with(part, PLACE_CLIENT)) {
            add(line, as->client_addr);
            part = slice_from(part, strlen(PLACE_CLIENT));
        } else {
            add(line, slice_head(part, 1));
            part = slice_from(part, 1);
        }
    }
}

/* The pattern on both sides of the client's part, which a checked pattern has once. */
static void split(struct slice pattern, struct slice *before, struct slice *behind)
{
    const uint8_t *at = memmem(pattern.p, pattern.n, PLACE_OWN, strlen(PLACE_OWN));

    if (at == NULL) {
        *before = pattern;
        *behind = SLICE_EMPTY;
        return;
    }
    *before = slice_head(pattern, (size_t)(at - pattern.p));
    *behind = slice_from(pattern, before->n + strlen(PLACE_OWN));
}

static struct slice trim(struct slice text)
{
    while (text.n > 0 && text.p[0] == ' ') {
        text = slice_from(text, 1);
    }
    while (text.n > 0 && text.p[text.n - 1] == ' ') {
        text = slice_head(text, text.n - 1);
    }
    return text;
}

void appname_make(const struct appname *as, struct slice own, char out[NAME_SIZE])
{
    char end[NAME_SIZE];
    struct line line = {.out = out};
    struct line tail = {.out = end};
    struct slice before;
    struct slice behind;

    split(as->pattern, &before, &behind);
    add_part(&tail, behind, as);
    add_part(&line, before, as);
    size_t fixed = line.n + tail.n;
    size_t room = fixed < LIMIT_NAME ? LIMIT_NAME - fixed : 0;
    add(&line, slice_head(own, own.n < room ? own.n : room));
    add(&line, slice_of(end, tail.n));
    out[line.n] = '\0';
    if (own.n == 0) {
        struct slice trimmed = trim(slice_of(out, line.n));
        memmove(out, trimmed.p, trimmed.n);
        out[trimmed.n] = '\0';
    }
}

/* Whether it is what a client without a name is called, or a connection that is no client's yet. */
static bool is_nameless(const struct appname *as, struct slice name)
{
    struct appname nobody = {.pattern = as->pattern, .tenant = as->tenant};
    char nameless[NAME_SIZE];
    char unused[NAME_SIZE];

    appname_make(as, SLICE_EMPTY, nameless);
    appname_make(&nobody, SLICE_EMPTY, unused);
    return slice_eq_str(name, nameless) || slice_eq_str(name, unused);
}

bool appname_own(const struct appname *as, struct slice name, struct slice *own)
{
    char start[NAME_SIZE];
    char end[NAME_SIZE];
    struct line head = {.out = start};
    struct line tail = {.out = end};
    struct slice before;
    struct slice behind;

    *own = SLICE_EMPTY;
    if (is_nameless(as, name)) {
        return true;
    }
    split(as->pattern, &before, &behind);
    add_part(&head, before, as);
    add_part(&tail, behind, as);
    if (name.n < head.n + tail.n || memcmp(name.p, start, head.n) != 0 ||
        memcmp(name.p + name.n - tail.n, end, tail.n) != 0) {
        return false;
    }
    *own = slice_of(name.p + head.n, name.n - head.n - tail.n);
    return true;
}
