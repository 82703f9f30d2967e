// SPDX-License-Identifier: MIT
//
// rand: unpredictable bytes from the kernel. Any thread.
#ifndef BASE_RAND_H
#define BASE_RAND_H

#include <stddef.h>
#include <stdint.h>

/* Fills n bytes; aborts when the kernel cannot, since no secret may be made without it. */
void rand_bytes(void *p, size_t n);

uint32_t rand_u32(void);

#endif
