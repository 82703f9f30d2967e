// SPDX-License-Identifier: MIT
#include "auth/verifier.h"

#include <assert.h>
#include <openssl/crypto.h>

#include "auth/digest.h"
#include "auth/saslprep.h"
#include "base/alloc.h"
#include "base/encode.h"
#include "base/limits.h"

/* Cuts *rest at the first c; false when there is none. */
static bool cut(struct slice *rest, uint8_t c, struct slice *part)
{
    ptrdiff_t at = slice_find(*rest, c);

    if (at < 0) {
        return false;
    }
    *part = slice_head(*rest, (size_t)at);
    *rest = slice_from(*rest, (size_t)at + 1);
    return true;
}

/* What stands behind "SCRAM-SHA-256$". */
static bool parse_scram(struct verifier_scram *s, struct slice rest)
{
    struct slice iterations, salt, stored;

    if (!cut(&rest, ':', &iterations) || !cut(&rest, '$', &salt) || !cut(&rest, ':', &stored)) {
        return false;
    }
    s->iterations = scram_parse_iterations(iterations);
    ptrdiff_t n = base64_decode(salt, s->salt, sizeof s->salt);
    if (s->iterations == 0 || n <= 0) {
        return false;
    }
    s->salt_size = (uint8_t)n;
    return base64_decode(stored, s->stored_key, SCRAM_KEY) == SCRAM_KEY &&
           base64_decode(rest, s->server_key, SCRAM_KEY) == SCRAM_KEY;
}

int verifier_parse(struct verifier *v, struct slice text, struct err *err)
{
    struct slice prefix = slice_str(SCRAM_MECHANISM "$");

    *v = (struct verifier){.kind = VERIFIER_PLAIN};
    if (text.n == 0) {
        return err_set(err, ERR_INVALID_VALUE, "password is empty");
    }
    if (slice_find(text, '\0') >= 0) {
        return err_set(err, ERR_INVALID_VALUE, "password contains a NUL");
    }
    if (slice_eq(slice_head(text, prefix.n), prefix)) {
        v->kind = VERIFIER_SCRAM;
        if (!parse_scram(&v->scram, slice_from(text, prefix.n))) {
            verifier_fini(v);
            return err_set(err, ERR_INVALID_VALUE, "malformed SCRAM verifier");
        }
    } else if (md5_is_word(text)) {
        v->kind = VERIFIER_MD5;
        memcpy(v->md5, text.p, MD5_WORD);
    } else {
        v->plain = x_strndup(text);
    }
    return 0;
}

void verifier_build(struct verifier *v, struct slice password, struct slice salt,
                    uint32_t iterations)
{
    struct scram_keys keys;

    assert(salt.n >= 1 && salt.n <= SCRAM_SALT_MAX);
    *v = (struct verifier){.kind = VERIFIER_SCRAM};
    v->scram.iterations = iterations;
    v->scram.salt_size = (uint8_t)salt.n;
    memcpy(v->scram.salt, salt.p, salt.n);
    scram_derive(password, salt, iterations, &keys);
    digest_sha256(slice_of(keys.client, sizeof keys.client), v->scram.stored_key);
    memcpy(v->scram.server_key, keys.server, sizeof keys.server);
    secure_zero(&keys, sizeof keys);
}

/* HMAC(secret, label user): the label keeps what is told (the salt) apart from what is not. */
static void derive_from_name(struct slice secret, const char *label, struct slice user,
                             uint8_t out[DIGEST_SHA256])
{
    struct buf text = {0};

    buf_append_cstr(&text, label);
    buf_append_slice(&text, user);
    digest_hmac(secret, buf_slice(&text), out);
    buf_release(&text);
}

void verifier_salt(struct slice secret, struct slice user, uint8_t salt[SCRAM_SALT])
{
    uint8_t digest[DIGEST_SHA256];

    derive_from_name(secret, "salt", user, digest);
    memcpy(salt, digest, SCRAM_SALT);
}

static void mock_scram(struct verifier_scram *s, struct slice secret, struct slice user)
{
    s->iterations = SCRAM_ITERATIONS;
    s->salt_size = SCRAM_SALT;
    verifier_salt(secret, user, s->salt);
    derive_from_name(secret, "stored key", user, s->stored_key);
    derive_from_name(secret, "server key", user, s->server_key);
}

void verifier_mock(struct verifier *v, enum verifier_kind kind, struct slice secret,
                   struct slice user)
{
    uint8_t digest[DIGEST_SHA256];
    char hex[2 * DIGEST_MD5 + 1];

    *v = (struct verifier){.kind = kind, .mock = true};
    derive_from_name(secret, "password", user, digest);
    hex_encode(slice_of(digest, DIGEST_MD5), hex);
    switch (kind) {
    case VERIFIER_PLAIN:
        v->plain = x_strdup(hex);
        break;
    case VERIFIER_MD5:
        memcpy(v->md5, "md5", 3);
        memcpy(v->md5 + 3, hex, sizeof hex);
        break;
    case VERIFIER_SCRAM:
        mock_scram(&v->scram, secret, user);
        break;
    }
}

static void print_scram(const struct verifier_scram *s, struct buf *out)
{
    buf_printf(out, SCRAM_MECHANISM "$%u:", s->iterations);
    base64_append(out, slice_of(s->salt, s->salt_size));
    buf_append_u8(out, '$');
    base64_append(out, slice_of(s->stored_key, SCRAM_KEY));
    buf_append_u8(out, ':');
    base64_append(out, slice_of(s->server_key, SCRAM_KEY));
}

void verifier_print(const struct verifier *v, struct buf *out)
{
    switch (v->kind) {
    case VERIFIER_PLAIN:
        buf_append_slice(out, slice_str(v->plain));
        break;
    case VERIFIER_MD5:
        buf_append_slice(out, slice_str(v->md5));
        break;
    case VERIFIER_SCRAM:
        print_scram(&v->scram, out);
        break;
    }
}

static bool plain_matches(const char *plain, struct slice password)
{
    struct buf stored = {0};
    struct buf given = {0};

    saslprep_append(&stored, slice_str(plain));
    saslprep_append(&given, password);
    bool equal = digest_equal(buf_slice(&stored), buf_slice(&given));
    buf_release_secret(&stored);
    buf_release_secret(&given);
    return equal;
}

static bool md5_matches(const char *stored, struct slice user, struct slice password)
{
    char word[MD5_WORD + 1];
    bool equal = md5_store(password, user, word) == 0 && CRYPTO_memcmp(word, stored, MD5_WORD) == 0;

    secure_zero(word, sizeof word);
    return equal;
}

static bool scram_matches(const struct verifier_scram *s, struct slice password)
{
    struct scram_keys keys;

    scram_derive(password, slice_of(s->salt, s->salt_size), s->iterations, &keys);
    bool equal = CRYPTO_memcmp(keys.server, s->server_key, SCRAM_KEY) == 0;
    secure_zero(&keys, sizeof keys);
    return equal;
}

bool verifier_check_password(const struct verifier *v, struct slice user, struct slice password)
{
    bool equal = false;

    if (password.n == 0 || password.n > LIMIT_PASSWORD_PACKET) {
        return false;
    }
    switch (v->kind) {
    case VERIFIER_PLAIN:
        equal = plain_matches(v->plain, password);
        break;
    case VERIFIER_MD5:
        equal = md5_matches(v->md5, user, password);
        break;
    case VERIFIER_SCRAM:
        equal = scram_matches(&v->scram, password);
        break;
    }
    return equal && !v->mock;
}

int verifier_answer_md5(const struct verifier *v, struct slice user, const uint8_t salt[MD5_SALT],
                        char out[MD5_WORD + 1], struct err *err)
{
    char stored[MD5_WORD + 1] = {0};
    int rc = 0;

    switch (v->kind) {
    case VERIFIER_PLAIN:
        rc = md5_store(slice_str(v->plain), user, stored);
        break;
    case VERIFIER_MD5:
        memcpy(stored, v->md5, sizeof stored);
        break;
    case VERIFIER_SCRAM:
        return err_set(err, ERR_PASSWORD, "a SCRAM verifier cannot answer the md5 method");
    }
    if (rc == 0) {
        rc = md5_answer(stored, salt, out);
    }
    secure_zero(stored, sizeof stored);
    return rc == 0 ? 0 : err_set(err, rc, "MD5 is switched off on this system");
}

bool verifier_check_md5(const struct verifier *v, struct slice user, const uint8_t salt[MD5_SALT],
                        struct slice answer)
{
    char right[MD5_WORD + 1];

    if (verifier_answer_md5(v, user, salt, right, NULL) != 0 || answer.n != MD5_WORD) {
        return false;
    }
    return CRYPTO_memcmp(answer.p, right, MD5_WORD) == 0 && !v->mock;
}

void verifier_fini(struct verifier *v)
{
    if (v->kind == VERIFIER_PLAIN) {
        secure_free(v->plain);
    }
    secure_zero(v, sizeof *v);
}
