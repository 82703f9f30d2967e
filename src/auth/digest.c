// SPDX-License-Identifier: MIT
#include "auth/digest.h"

#include <assert.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

static const void *bytes(struct slice s)
{
    return s.n == 0 ? "" : (const void *)s.p;
}

void digest_sha256(struct slice in, uint8_t out[DIGEST_SHA256])
{
    int done = EVP_Digest(bytes(in), in.n, out, NULL, EVP_sha256(), NULL);

    assert(done == 1);
}

void digest_hmac(struct slice key, struct slice in, uint8_t out[DIGEST_SHA256])
{
    const uint8_t *done =
        HMAC(EVP_sha256(), bytes(key), (int)key.n, (const uint8_t *)bytes(in), in.n, out, NULL);

    assert(done != NULL);
}

/* libcrypto leaves a password on the stack that it used. */
static __attribute__((noinline)) void wipe_stack_below(void)
{
    uint8_t below[4096];

    OPENSSL_cleanse(below, sizeof below);
}

void digest_pbkdf2(struct slice password, struct slice salt, uint32_t iterations,
                   uint8_t out[DIGEST_SHA256])
{
    int done = PKCS5_PBKDF2_HMAC(bytes(password), (int)password.n, (const uint8_t *)bytes(salt),
                                 (int)salt.n, (int)iterations, EVP_sha256(), DIGEST_SHA256, out);

    wipe_stack_below();
    assert(done == 1);
}

bool digest_md5(struct slice a, struct slice b, uint8_t out[DIGEST_MD5])
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    bool done = ctx != NULL && EVP_DigestInit_ex(ctx, EVP_md5(), NULL) == 1 &&
                EVP_DigestUpdate(ctx, bytes(a), a.n) == 1 &&
                EVP_DigestUpdate(ctx, bytes(b), b.n) == 1 &&
                EVP_DigestFinal_ex(ctx, out, NULL) == 1;

    EVP_MD_CTX_free(ctx);
    return done;
}

bool digest_equal(struct slice a, struct slice b)
{
    uint8_t left[DIGEST_SHA256];
    uint8_t right[DIGEST_SHA256];

    /* Digests of one length, so that the comparison does not tell the lengths apart. */
    digest_sha256(a, left);
    digest_sha256(b, right);
    bool equal = CRYPTO_memcmp(left, right, sizeof left) == 0;
    OPENSSL_cleanse(left, sizeof left);
    OPENSSL_cleanse(right, sizeof right);
    return equal;
}
