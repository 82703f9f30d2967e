// SPDX-License-Identifier: MIT
//
// build: messages written into a buf. build_begin returns where the message starts, build_end
// patches its length. The named builders make one whole message each. Pure; nothing here can fail.
#ifndef WIRE_BUILD_H
#define WIRE_BUILD_H

#include "base/buf.h"
#include "wire/types.h"

size_t build_begin(struct buf *out, uint8_t type);
void build_end(struct buf *out, size_t start);

/* A message without a body: Sync, Flush, CopyDone, ParseComplete, … */
void build_empty(struct buf *out, uint8_t type);

/* To a client. */
void build_auth(struct buf *out, uint32_t request, struct slice data);
void build_parameter_status(struct buf *out, struct slice name, struct slice value);
void build_backend_key(struct buf *out, uint32_t pid, struct slice secret);
void build_ready(struct buf *out, char status);
void build_command_complete(struct buf *out, const char *tag);

/* NegotiateProtocolVersion: the newest minor version of 3 that we speak, and the options not
 * understood. */
void build_negotiate(struct buf *out, uint32_t version, const struct slice *options, size_t count);

/* Rows of text, for the console. A column or value with p == NULL is a NULL value. */
void build_row_description(struct buf *out, const char *const *names, size_t count);
void build_data_row(struct buf *out, const struct slice *values, size_t count);

/* To a server. */
void build_query(struct buf *out, const char *sql);
void build_password(struct buf *out, struct slice data); /* 'p' with these bytes as the body */
void build_sasl_initial(struct buf *out, const char *mechanism, struct slice data);
void build_parse(struct buf *out, const char *statement, const char *sql);
/* Text parameters; values[i].p == NULL is NULL. The unnamed portal, results as text. */
void build_bind(struct buf *out, const char *statement, const struct slice *values, size_t count);
void build_execute(struct buf *out); /* the unnamed portal, all rows */
void build_close_statement(struct buf *out, const char *statement);

#endif
