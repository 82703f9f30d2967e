// SPDX-License-Identifier: MIT
#include "auth/saslprep.h"

#include <assert.h>
#include <stdlib.h>
#include <stringprep.h>

#include "base/alloc.h"

enum {
    EXPANSION = 18, /* characters that NFKC makes of one, at most (U+FDFA) */
    STEPS = 32      /* more than the steps of any profile of RFC 3454 */
};

static bool is_ascii(struct slice s)
{
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] >= 0x80) {
            return false;
        }
    }
    return true;
}

/* The library's profile with its normalization moved to the end: PostgreSQL checks the characters
 * before it normalizes them, where RFC 4013 checks the result. */
static void order_as_postgresql(Stringprep_profile out[STEPS])
{
    const Stringprep_profile *step = stringprep_saslprep;
    int n = 0;

    for (; step->operation != 0; step++) {
        assert(n < STEPS - 2);
        if (step->operation != STRINGPREP_NFKC) {
            out[n++] = *step;
        }
    }
    out[n] = (Stringprep_profile){.operation = STRINGPREP_NFKC};
    out[n + 1] = (Stringprep_profile){0};
}

/* Prepares the n characters of `text`, which has room for `cap`, and appends them as UTF-8. */
static bool append_prepared(struct buf *out, uint32_t *text, size_t n, size_t cap)
{
    Stringprep_profile profile[STEPS];
    size_t written = 0;

    order_as_postgresql(profile);
    if (stringprep_4i(text, &n, cap, STRINGPREP_NO_UNASSIGNED, profile) != STRINGPREP_OK ||
        n == 0) {
        return false;
    }
    char *utf8 = stringprep_ucs4_to_utf8(text, (ssize_t)n, NULL, &written);
    if (utf8 == NULL) {
        return false;
    }
    buf_append(out, utf8, written);
    secure_zero(utf8, written);
    free(utf8);
    return true;
}

static bool prepare(struct buf *out, struct slice password)
{
    size_t n = 0;
    uint32_t *chars = stringprep_utf8_to_ucs4((const char *)password.p, (ssize_t)password.n, &n);

    if (chars == NULL) {
        return false;
    }
    size_t cap = n * EXPANSION + 1; /* the library wants one more than it fills */
    uint32_t *text = x_alloc(cap * sizeof *text);
    memcpy(text, chars, n * sizeof *text);
    secure_zero(chars, n * sizeof *chars);
    free(chars);
    bool done = append_prepared(out, text, n, cap);
    secure_zero(text, cap * sizeof *text);
    free(text);
    return done;
}

void saslprep_append(struct buf *out, struct slice password)
{
    if (is_ascii(password) || password.n > SASLPREP_MAX || !prepare(out, password)) {
        buf_append_slice(out, password);
    }
}
