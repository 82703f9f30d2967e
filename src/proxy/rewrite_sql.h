// SPDX-License-Identifier: MIT
//
// rewrite_sql: what SQL does to named statements, and to what a client leaves behind, in
// transaction mode. DEALLOCATE of a statement that the protocol made takes the client's name away
// and leaves the server's, which is shared; DEALLOCATE ALL and DISCARD ALL go as they are, and what
// is known is forgotten with their answer; LISTEN is refused. Each is seen where it stands alone,
// or first in its query; others are none of ours.
#ifndef PROXY_REWRITE_SQL_H
#define PROXY_REWRITE_SQL_H

#include "proxy/rewrite.h"

/* Whether a query could begin with DEALLOCATE, DISCARD or LISTEN, perhaps behind a comment, from
 * its first byte that is no space. */
bool rewrite_sql_concerns(struct slice query);

/* A Query, and a Parse of the unnamed statement, that may be one of these; as rewrite_message. */
enum rewrite_look rewrite_sql_query(struct frontend *f, struct slice rest,
                                    const struct frame *frame, struct buf *out, size_t *done);
enum rewrite_look rewrite_sql_parse(struct frontend *f, struct slice rest,
                                    const struct frame *frame, struct buf *out, size_t *done);

#endif
