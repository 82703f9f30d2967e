// SPDX-License-Identifier: MIT
//
// exposition: the text that Prometheus reads: a family is begun, and its samples follow, each with
// labels. The same calls write the OpenMetrics form. Pure: bytes into a buf.
#ifndef ADMIN_EXPOSITION_H
#define ADMIN_EXPOSITION_H

#include "base/buf.h"
#include "pool/times.h"

enum family_type { FAMILY_GAUGE, FAMILY_COUNTER, FAMILY_HISTOGRAM };

struct label {
    const char *name;
    const char *value;
};

enum { LABELS_MAX = 4 };

struct labels {
    struct label items[LABELS_MAX];
    uint32_t count;
};

struct exposition {
    struct buf *out;
    bool open_metrics;
    const char *family; /* the one under way, without _total */
    enum family_type type;
};

/* A counter's name is given without _total. */
void exposition_family(struct exposition *e, const char *name, enum family_type type,
                       const char *help);

/* One sample of a gauge or a counter. */
void exposition_uint(struct exposition *e, const struct labels *labels, uint64_t value);
void exposition_double(struct exposition *e, const struct labels *labels, double value);
void exposition_histogram(struct exposition *e, const struct labels *labels,
                          const struct histogram *h);
void exposition_end(struct exposition *e);

#endif
