// SPDX-License-Identifier: MIT
#include "base/alloc.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *or_abort(void *p)
{
    if (p == NULL) {
        static const char text[] = "fahrend: out of memory\n";
        (void)fwrite(text, 1, sizeof text - 1, stderr);
        abort();
    }
    return p;
}

void *x_alloc(size_t n)
{
    return or_abort(malloc(n == 0 ? 1 : n));
}

void *x_zalloc(size_t n)
{
    return or_abort(calloc(1, n == 0 ? 1 : n));
}

void *x_realloc(void *p, size_t n)
{
    return or_abort(realloc(p, n == 0 ? 1 : n));
}

char *x_strdup(const char *s)
{
    return or_abort(strdup(s));
}

char *x_strndup(struct slice s)
{
    char *copy = x_alloc(s.n + 1);

    if (s.n > 0) {
        memcpy(copy, s.p, s.n);
    }
    copy[s.n] = '\0';
    return copy;
}

char *x_printf(const char *fmt, ...)
{
    char *text = NULL;
    va_list ap;

    va_start(ap, fmt);
    if (vasprintf(&text, fmt, ap) < 0) {
        text = NULL;
    }
    va_end(ap);
    return or_abort(text);
}

void *try_alloc(size_t n)
{
    return malloc(n == 0 ? 1 : n);
}

void secure_zero(void *p, size_t n)
{
    if (n > 0) {
        explicit_bzero(p, n);
    }
}

void secure_free(char *s)
{
    if (s != NULL) {
        secure_zero(s, strlen(s));
        free(s);
    }
}
