// SPDX-License-Identifier: MIT
//
// cleared: memory for libraries that secrets pass through (jansson, libcurl): it is overwritten
// before it is freed. The size stands in front of each block. Any thread.
#ifndef SECRET_CLEARED_H
#define SECRET_CLEARED_H

#include <stddef.h>

void *cleared_malloc(size_t n); /* NULL when memory is out, as malloc; likewise below */
void *cleared_calloc(size_t count, size_t size);
void *cleared_realloc(void *p, size_t n);
char *cleared_strdup(const char *s);
void cleared_free(void *p);

#endif
