// SPDX-License-Identifier: MIT
//
// json: text as a JSON string, appended to a buf. Pure.
#ifndef BASE_JSON_H
#define BASE_JSON_H

#include "base/buf.h"

/* With its quotes; control bytes and quotes escaped, all else as it is. */
void json_append_text(struct buf *out, struct slice text);

#endif
