// SPDX-License-Identifier: MIT
#include "base/rand.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/random.h>

void rand_bytes(void *p, size_t n)
{
    uint8_t *at = p;

    while (n > 0) {
        ssize_t got = getrandom(at, n, 0);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got <= 0) {
            abort();
        }
        at += got;
        n -= (size_t)got;
    }
}

uint32_t rand_u32(void)
{
    uint32_t v;

    rand_bytes(&v, sizeof v);
    return v;
}
