// SPDX-License-Identifier: MIT
#include "auth/md5.h"

#include "auth/digest.h"
#include "base/alloc.h"
#include "base/encode.h"
#include "base/err.h"

bool md5_is_word(struct slice s)
{
    if (s.n != MD5_WORD || !slice_eq_str(slice_head(s, 3), "md5")) {
        return false;
    }
    for (size_t i = 3; i < s.n; i++) {
        if (memchr("0123456789abcdef", s.p[i], 16) == NULL) {
            return false;
        }
    }
    return true;
}

static int write_word(struct slice a, struct slice b, char out[MD5_WORD + 1])
{
    uint8_t digest[DIGEST_MD5];

    if (!digest_md5(a, b, digest)) {
        return ERR_UNSUPPORTED;
    }
    memcpy(out, "md5", 3);
    hex_encode(slice_of(digest, sizeof digest), out + 3);
    secure_zero(digest, sizeof digest);
    return 0;
}

int md5_store(struct slice password, struct slice user, char out[MD5_WORD + 1])
{
    return write_word(password, user, out);
}

int md5_answer(const char stored[MD5_WORD], const uint8_t salt[MD5_SALT], char out[MD5_WORD + 1])
{
    return write_word(slice_of(stored + 3, MD5_WORD - 3), slice_of(salt, MD5_SALT), out);
}
