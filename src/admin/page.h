// SPDX-License-Identifier: MIT
//
// page: the page at /, as it stands in page.html, which the build makes bytes of. Constant.
#ifndef ADMIN_PAGE_H
#define ADMIN_PAGE_H

#include "base/slice.h"

struct slice page_html(void);

#endif
