// SPDX-License-Identifier: MIT
#include "daemon/process.h"

#include <sys/prctl.h>

void process_hide(bool hidden)
{
    (void)prctl(PR_SET_DUMPABLE, hidden ? 0 : 1, 0, 0, 0); /* it fails for a wrong argument only */
}
