// SPDX-License-Identifier: MIT
//
// json: what stores answer and keep is JSON, read and written by jansson. Its memory is cleared
// when it is freed, since secrets pass through it: json_begin sees to that, and must run before any
// other function of jansson's. Pure otherwise; any thread.
#ifndef SECRET_JSON_H
#define SECRET_JSON_H

#include <jansson.h>

#include "base/err.h"
#include "base/slice.h"

void json_begin(void); /* idempotent */

/* The object that `text` is, to be freed by json_decref; NULL with err set (ERR_STORE: "is not a
 * JSON object") for anything else. Bounded by the size of the text and jansson's depth. */
json_t *json_object_of(struct slice text, struct err *err);

/* A member that is a text, or NULL. */
const char *json_text(const json_t *object, const char *name);

/* Copies one field of a JSON object, which must be a text fit to be a secret (see secret_take);
 * *out as of store_read. ERR_CONFIG where there is none. */
int json_pick(struct slice text, const char *field, char **out, struct err *err);

/* Text of an object, which is consumed; to be freed with secure_free. */
char *json_print(json_t *object);

#endif
