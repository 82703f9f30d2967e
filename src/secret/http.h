// SPDX-License-Identifier: MIT
//
// http: one request to a service and its whole answer, by libcurl. Blocks, for as long
// as it may.
// Certificates are verified, redirects are not followed (a token would go along), an answer is
// bounded; what libcurl allocates is cleared when it is freed. Errors (ERR_STORE) name the host and
// what failed, never a header or a body. Any thread.
#ifndef SECRET_HTTP_H
#define SECRET_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/slice.h"

enum {
    HTTP_HEADERS = 8,
    HTTP_ANSWER_MAX = 512 * 1024, /* bytes of a body: a secret whose every byte is escaped fits */
    HTTP_CONNECT_MS = 3000,
    HTTP_ATTEMPTS = 3, /* of one call that a service is too busy for */
};

struct http_request {
    const char *method;
    const char *url;
    const char *headers[HTTP_HEADERS]; /* "Name: value"; the first NULL ends them */
    struct slice body;                 /* sent where the method is not GET */
    int64_t timeout_ms;                /* for all of it */
    const char *ca;                    /* file of certificates to trust; NULL: the system's */
    bool near;              /* a service of this machine: no proxy, and at once or never */
    const char *sigv4;      /* sign as "aws:amz:REGION:SERVICE"; NULL: unsigned */
    const char *access_key; /* … with these */
    const char *secret_key;
};

struct http_answer {
    long status;
    long retry_after;  /* seconds until which the service does not want to be asked; 0: none said */
    char redirect[96]; /* the host that it sends us to, or empty */
    char *body;        /* ends with a NUL, which is not counted */
    size_t size;
};

void http_begin(void); /* before the first request; idempotent */

/* Returns 0 with an answer of any status, to be ended by http_answer_fini; or ERR_STORE_DOWN,
 * or ERR_STORE for an answer that is too large. */
int http_ask(const struct http_request *request, struct http_answer *answer, struct err *err);
void http_answer_fini(struct http_answer *answer);

static inline struct slice http_body(const struct http_answer *answer)
{
    return slice_of(answer->body, answer->size);
}

/* After attempt 0, 1, … for which a service was too busy: waits, longer each time, not the same for
 * all, and at least as long as the service asked for. False where that was the last attempt, or the
 * service asks for more than timeout_ms: then nothing was waited for. */
bool http_again(int attempt, const struct http_answer *answer, int64_t timeout_ms);

/* Sets the code, and for text which status `who` answered with, `words` of its own, and where it
 * sends us or for how long. Returns the code. */
int http_refusal(struct err *err, int code, const char *who, const struct http_answer *answer,
                 const char *words);

/* Copies what a service said into a message: the first line, printable, at most cap - 1 bytes. */
void http_words(const char *said, char *out, size_t cap);

/* Appends a piece of a path, with everything but letters, digits and -._~ escaped; `keep` are more
 * that stay. */
struct buf;
void http_escape(struct buf *out, const char *text, const char *keep);

#endif
