// SPDX-License-Identifier: MIT
//
// quote: names and texts as SQL, for a server with standard_conforming_strings on. Pure.
#ifndef PROVISION_QUOTE_H
#define PROVISION_QUOTE_H

#include "base/buf.h"

/* "name", always in quotes, so that no word is a keyword and no case is folded. */
void quote_ident(struct buf *out, const char *name);

/* 'text', or E'text' where a backslash is in it. */
void quote_literal(struct buf *out, const char *text);

/* $fahrend$text$fahrend$, with another tag where the text has this one: a function's body stays
 * readable. */
void quote_body(struct buf *out, struct slice text);

#endif
