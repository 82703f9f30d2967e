// SPDX-License-Identifier: MIT
//
// verifier: what is stored to check one user's password, in the forms that PostgreSQL knows: the
// plain password, an md5 hash, or SCRAM keys. Parsing fails with ERR_INVALID_VALUE and a text that
// does not quote the secret; checks answer yes or no, in a time that does not depend on how much
// of a guess is right.
//
// A user that is not known gets a mock: a verifier of any kind that takes the same steps, with a
// salt that stays the same per name, and that no password passes. For this to be invisible, real
// SCRAM verifiers that are made from plain passwords take their salt from verifier_salt too.
//
// The struct is the caller's; verifier_fini clears it. Any thread, immutable once made.
#ifndef AUTH_VERIFIER_H
#define AUTH_VERIFIER_H

#include "auth/md5.h"
#include "auth/scram.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/slice.h"

enum verifier_kind { VERIFIER_PLAIN, VERIFIER_MD5, VERIFIER_SCRAM };

struct verifier_scram {
    uint32_t iterations; /* 1 to LIMIT_SCRAM_ITERATIONS */
    uint8_t salt_size;   /* bytes used of salt; at least 1 */
    uint8_t salt[SCRAM_SALT_MAX];
    uint8_t stored_key[SCRAM_KEY]; /* SHA-256 of ClientKey */
    uint8_t server_key[SCRAM_KEY];
};

struct verifier {
    enum verifier_kind kind;
    bool mock; /* nothing passes */
    union {
        char *plain;                 /* VERIFIER_PLAIN: a C string, ours, not empty */
        char md5[MD5_WORD + 1];      /* VERIFIER_MD5 */
        struct verifier_scram scram; /* VERIFIER_SCRAM */
    };
};

/* Reads a stored secret: "SCRAM-SHA-256$iterations:salt$StoredKey:ServerKey", "md5" and 32 hex
 * digits, or else a plain password. Fails for an empty one, one with a NUL inside, and what begins
 * like a SCRAM verifier and is none. On failure *v needs no fini. */
int verifier_parse(struct verifier *v, struct slice text, struct err *err);

/* A SCRAM verifier from a plain password; as expensive as scram_derive. salt is 1 to SCRAM_SALT_MAX
 * bytes, iterations 1 to LIMIT_SCRAM_ITERATIONS. */
void verifier_build(struct verifier *v, struct slice password, struct slice salt,
                    uint32_t iterations);

/* A verifier that nothing passes, for a user that does not exist; `secret` is random bytes of the
 * process (at least 16), made once. */
void verifier_mock(struct verifier *v, enum verifier_kind kind, struct slice secret,
                   struct slice user);

/* The salt that stands for a user's name as long as `secret` stays. */
void verifier_salt(struct slice secret, struct slice user, uint8_t salt[SCRAM_SALT]);

/* Appends the text that verifier_parse reads, and CREATE ROLE … PASSWORD takes. */
void verifier_print(const struct verifier *v, struct buf *out);

/* Is this the user's password? An empty one never is. A SCRAM verifier makes it as expensive as
 * scram_derive, a mock of one too. */
bool verifier_check_password(const struct verifier *v, struct slice user, struct slice password);

/* The server's side of the md5 method: is this (a PasswordMessage without its terminator) the right
 * answer to the salt? Never for a SCRAM verifier, from which no md5 hash can be had. */
bool verifier_check_md5(const struct verifier *v, struct slice user, const uint8_t salt[MD5_SALT],
                        struct slice answer);

/* The client's side: the answer to the server's salt, terminated. ERR_PASSWORD for a SCRAM
 * verifier, ERR_UNSUPPORTED where MD5 is switched off. */
int verifier_answer_md5(const struct verifier *v, struct slice user, const uint8_t salt[MD5_SALT],
                        char out[MD5_WORD + 1], struct err *err);

void verifier_fini(struct verifier *v);

#endif
