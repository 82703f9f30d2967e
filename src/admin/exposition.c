// SPDX-License-Identifier: MIT
#include "admin/exposition.h"

static const char *const type_names[] = {"gauge", "counter", "histogram"};

void exposition_family(struct exposition *e, const char *name, enum family_type type,
                       const char *help)
{
    const char *suffix = type == FAMILY_COUNTER && !e->open_metrics ? "_total" : "";

    e->family = name;
    e->type = type;
    buf_printf(e->out, "# HELP %s%s %s\n# TYPE %s%s %s\n", name, suffix, help, name, suffix,
               type_names[type]);
}

/* How many bytes the UTF-8 character at p takes; 0 where there is none. */
static size_t utf8_size(const uint8_t *p)
{
    size_t n = p[0] < 0x80 ? 1 : (p[0] & 0xe0) == 0xc0 ? 2 : (p[0] & 0xf0) == 0xe0 ? 3 : 4;

    if (n == 4 && (p[0] & 0xf8) != 0xf0) {
        return 0;
    }
    for (size_t i = 1; i < n; i++) {
        if ((p[i] & 0xc0) != 0x80) {
            return 0;
        }
    }
    return n;
}

/* Names come from clients: quotes, ends of lines and broken characters forge nothing. */
static void append_value(struct buf *out, const char *value)
{
    const uint8_t *p = (const uint8_t *)value;

    while (*p != '\0') {
        size_t n = utf8_size(p);
        if (*p == '\n') {
            buf_append(out, "\\n", 2);
        } else if (*p == '"' || *p == '\\') {
            buf_printf(out, "\\%c", *p);
        } else if (n == 0) {
            buf_append_u8(out, '?');
        } else {
            buf_append(out, p, n);
        }
        p += n == 0 ? 1 : n;
    }
}

/* `le` is the bound of a bucket, or NULL. */
static void append_labels(struct buf *out, const struct labels *labels, const char *le)
{
    char separator = '{';

    for (uint32_t i = 0; i < labels->count; i++) {
        buf_printf(out, "%c%s=\"", separator, labels->items[i].name);
        append_value(out, labels->items[i].value);
        buf_append_u8(out, '"');
        separator = ',';
    }
    if (le != NULL) {
        buf_printf(out, "%cle=\"%s\"", separator, le);
        separator = ',';
    }
    if (separator == ',') {
        buf_append_u8(out, '}');
    }
}

static void begin_sample(struct exposition *e, const char *suffix, const struct labels *labels,
                         const char *le)
{
    buf_printf(e->out, "%s%s", e->family, suffix);
    append_labels(e->out, labels, le);
    buf_append_u8(e->out, ' ');
}

void exposition_uint(struct exposition *e, const struct labels *labels, uint64_t value)
{
    begin_sample(e, e->type == FAMILY_COUNTER ? "_total" : "", labels, NULL);
    buf_printf(e->out, "%llu\n", (unsigned long long)value);
}

void exposition_double(struct exposition *e, const struct labels *labels, double value)
{
    begin_sample(e, e->type == FAMILY_COUNTER ? "_total" : "", labels, NULL);
    buf_printf(e->out, "%.6f\n", value);
}

void exposition_histogram(struct exposition *e, const struct labels *labels,
                          const struct histogram *h)
{
    static const char *const bounds[TIME_BUCKETS] = {"0.001", "0.002", "0.005", "0.01", "0.025",
                                                     "0.05",  "0.1",   "0.25",  "0.5",  "1.0",
                                                     "2.5",   "5.0",   "10.0",  "60.0", "+Inf"};
    uint64_t sum = 0;

    for (int i = 0; i < TIME_BUCKETS; i++) {
        sum += h->counts[i];
        begin_sample(e, "_bucket", labels, bounds[i]);
        buf_printf(e->out, "%llu\n", (unsigned long long)sum);
    }
    begin_sample(e, "_sum", labels, NULL);
    buf_printf(e->out, "%.6f\n", (double)h->sum_us / 1e6);
    begin_sample(e, "_count", labels, NULL);
    buf_printf(e->out, "%llu\n", (unsigned long long)sum);
}

void exposition_end(struct exposition *e)
{
    if (e->open_metrics) {
        buf_printf(e->out, "# EOF\n");
    }
}
