// SPDX-License-Identifier: MIT
//
// alloc: memory. The x_ functions abort when memory is out: nothing of ours can go on without it.
// Sizes that a peer chooses are checked against limits.h first, or asked for with try_alloc. Any
// thread.
#ifndef BASE_ALLOC_H
#define BASE_ALLOC_H

#include <stddef.h>

#include "base/slice.h"

void *x_alloc(size_t n);  /* not cleared */
void *x_zalloc(size_t n); /* cleared */
void *x_realloc(void *p, size_t n);
char *x_strdup(const char *s);
char *x_strndup(struct slice s); /* a C string of the slice's bytes; a NUL inside ends it early */
char *x_printf(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* NULL when memory is out; the caller refuses the work. */
void *try_alloc(size_t n) __attribute__((warn_unused_result));

/* Overwrites n bytes in a way that the compiler keeps: for secrets before they are freed. */
void secure_zero(void *p, size_t n);

/* Clears and frees a secret C string; NULL is allowed. */
void secure_free(char *s);

#endif
