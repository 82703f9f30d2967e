// SPDX-License-Identifier: MIT
#include "daemon/process.h"

#include <malloc.h>
#include <sys/prctl.h>

enum { LARGE = 1 << 20 }; /* bytes */

void process_hide(bool hidden)
{
    (void)prctl(PR_SET_DUMPABLE, hidden ? 0 : 1, 0, 0, 0); /* it fails for a wrong argument only */
}

void process_give_back(void)
{
    (void)mallopt(M_MMAP_THRESHOLD, LARGE); /* both fail for a wrong value only */
    (void)mallopt(M_TRIM_THRESHOLD, LARGE);
}
