// SPDX-License-Identifier: MIT
//
// scram: what both roles of SCRAM-SHA-256 share (RFC 5802, RFC 7677): the keys, the grammar of the
// messages, the channel binding's part in them. Everything that is parsed here comes from
// strangers; the functions that can fail return ERR_PROTOCOL with a fixed text that quotes nothing
// of the message. Pure but for scram_random_nonce; any thread.
#ifndef AUTH_SCRAM_H
#define AUTH_SCRAM_H

#include "auth/digest.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/slice.h"

#define SCRAM_MECHANISM      "SCRAM-SHA-256"
#define SCRAM_MECHANISM_PLUS "SCRAM-SHA-256-PLUS"

enum {
    SCRAM_KEY = DIGEST_SHA256, /* bytes of every key, signature and proof */
    SCRAM_SALT = 16,           /* bytes of the salts that we make, as PostgreSQL */
    SCRAM_SALT_MAX = 64,       /* bytes of a salt that we take */
    SCRAM_ITERATIONS = 4096,   /* of the verifiers that we make, as PostgreSQL */
    SCRAM_NONCE = 24,          /* characters of the nonces that we make, as PostgreSQL */
    SCRAM_NONCE_MAX = 1024,    /* characters of a nonce that we take, both halves */
    SCRAM_BINDING_MAX = 64,    /* bytes of tls-server-end-point data: a hash of a certificate */
};

/* What proves that one knows the password, without being it. Secret: clear with secure_zero. */
struct scram_keys {
    uint8_t client[SCRAM_KEY]; /* ClientKey: who holds it can log in */
    uint8_t server[SCRAM_KEY]; /* ServerKey: who holds it can pose as the server */
};

/* The channel binding of a TLS connection (tls-server-end-point, RFC 5929); none when n is 0. */
struct scram_binding {
    uint8_t data[SCRAM_BINDING_MAX];
    uint8_t n;
};

/* Copies the bytes; data that is too long counts as none. */
struct scram_binding scram_binding_of(struct slice data);

/* Which mechanism is it? plus says whether it binds the channel; false for any other name. */
bool scram_parse_mechanism(struct slice name, bool *plus);

/* The names in the body of AuthenticationSASL, each terminated, an empty one behind the last. */
struct scram_offer {
    bool scram; /* SCRAM-SHA-256 is there */
    bool plus;  /* SCRAM-SHA-256-PLUS is there */
};
int scram_parse_offer(struct slice names, struct scram_offer *offer, struct err *err);

/* Fills nonce with SCRAM_NONCE unpredictable printable characters and a terminator. */
void scram_random_nonce(char nonce[SCRAM_NONCE + 1]);

/* Both keys from a password. Expensive by design (about 1 ms for 4096 iterations): run it off the
 * loop. iterations is 1 to LIMIT_SCRAM_ITERATIONS. */
void scram_derive(struct slice password, struct slice salt, uint32_t iterations,
                  struct scram_keys *keys);

/* --- for the machines and the verifier --- */

/* A whole message: bounded, without NUL, not empty. */
int scram_check_message(struct slice message, struct err *err);

/* Takes "name=value" and the comma behind it off the front of *rest; a comma with nothing behind it
 * is malformed. */
int scram_take(struct slice *rest, char name, struct slice *value, struct err *err);

/* Takes a nonce: printable, no comma, 1 to SCRAM_NONCE_MAX characters. */
int scram_take_nonce(struct slice *rest, struct slice *nonce, struct err *err);

/* Passes over optional extensions up to the end, or up to an attribute named `until`. */
int scram_skip_extensions(struct slice *rest, char until, struct err *err);

/* A decimal of 1 to LIMIT_SCRAM_ITERATIONS; 0 for anything else. */
uint32_t scram_parse_iterations(struct slice digits);

/* Appends the gs2 header of a flag: "n,,", "y,," or "p=tls-server-end-point,,". */
void scram_append_gs2(struct buf *out, char flag);

/* Appends the value of "c=": the base64 of the gs2 header and, for 'p', the binding. */
void scram_append_binding(struct buf *out, char flag, const struct scram_binding *binding);

#endif
