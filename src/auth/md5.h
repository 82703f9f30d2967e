// SPDX-License-Identifier: MIT
//
// md5: the words of PostgreSQL's md5 method: what is stored is "md5" and the hex of
// MD5(password user), what is sent is "md5" and the hex of MD5(stored salt). Functions fail with
// ERR_UNSUPPORTED where the system's policy switches MD5 off. Pure; any thread.
#ifndef AUTH_MD5_H
#define AUTH_MD5_H

#include "base/slice.h"

enum {
    MD5_SALT = 4,  /* bytes of AuthenticationMD5Password's salt */
    MD5_WORD = 35, /* characters of a stored hash or an answer: "md5" and 32 of hex */
};

/* Is this a stored md5 hash? Lower-case hex only, as PostgreSQL. */
bool md5_is_word(struct slice s);

/* The hash that is stored for a user's password; terminated. */
int md5_store(struct slice password, struct slice user, char out[MD5_WORD + 1]);

/* The answer to the salt, from a stored hash; terminated. */
int md5_answer(const char stored[MD5_WORD], const uint8_t salt[MD5_SALT], char out[MD5_WORD + 1]);

#endif
