// SPDX-License-Identifier: MIT
#include "tenant/search_path.h"

/* Where the list is written. */
struct writer {
    char *out;
    size_t cap;
    size_t n; /* may exceed cap: then the list does not fit */
};

static void put_byte(struct writer *w, uint8_t c)
{
    if (w->n < w->cap) {
        w->out[w->n] = (char)c;
    }
    w->n++;
}

static void put_bytes(struct writer *w, struct slice s)
{
    for (size_t i = 0; i < s.n; i++) {
        put_byte(w, s.p[i]);
    }
}

static void put_quoted(struct writer *w, const char *identifier)
{
    put_byte(w, '"');
    for (const char *c = identifier; *c != '\0'; c++) {
        if (*c == '"') {
            put_byte(w, '"');
        }
        put_byte(w, (uint8_t)*c);
    }
    put_byte(w, '"');
}

static struct slice trim(struct slice s)
{
    while (s.n > 0 && (s.p[0] == ' ' || s.p[0] == '\t')) {
        s = slice_from(s, 1);
    }
    while (s.n > 0 && (s.p[s.n - 1] == ' ' || s.p[s.n - 1] == '\t')) {
        s.n--;
    }
    return s;
}

/* Takes the bytes up to the next comma outside quotes, and the comma, off the list. */
static struct slice take_element(struct slice *list)
{
    bool quoted = false;
    size_t n = 0;

    while (n < list->n && (quoted || list->p[n] != ',')) {
        quoted = quoted != (list->p[n] == '"');
        n++;
    }
    struct slice element = trim(slice_head(*list, n));
    *list = slice_from(*list, n + 1);
    return element;
}

static int put_element(struct writer *w, struct slice element, const struct name_values *values,
                       struct err *err)
{
    char name[NAME_SIZE];

    if (slice_find(element, '{') < 0) {
        put_bytes(w, element);
        return 0;
    }
    if (element.n >= 2 && element.p[0] == '"' && element.p[element.n - 1] == '"') {
        element = slice_of(element.p + 1, element.n - 2);
    }
    if (slice_find(element, '"') >= 0) {
        return err_set(err, ERR_CONFIG, "search_path: a quote beside a placeholder");
    }
    int rc = name_expand(element, values, name, err);
    if (rc < 0) {
        return rc;
    }
    put_quoted(w, name);
    return 0;
}

int search_path_expand(const char *pattern, const struct name_values *values, char *out, size_t cap,
                       struct err *err)
{
    struct writer w = {.out = out, .cap = cap};

    for (struct slice list = slice_str(pattern); list.n > 0;) {
        if (w.n > 0) {
            put_bytes(&w, slice_str(", "));
        }
        int rc = put_element(&w, take_element(&list), values, err);
        if (rc < 0) {
            return rc;
        }
    }
    put_byte(&w, '\0');
    if (w.n > w.cap) {
        return err_set(err, ERR_CONFIG, "search_path exceeds %zu bytes", cap - 1);
    }
    return 0;
}
