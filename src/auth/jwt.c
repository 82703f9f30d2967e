// SPDX-License-Identifier: MIT
#include "auth/jwt.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include <jansson.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/encode.h"

enum {
    KEYS_MAX = 64,
    NUMBER_MAX = 1024, /* bytes of a number of a key: RSA with 8,192 bits */
    RSA_BITS_MIN = 2048,
    ES256_HALF = 32,     /* bytes of each of its two numbers */
    SIGNATURE_MAX = 1024 /* bytes */
};

enum kind { KIND_RSA, KIND_P256, KIND_ED25519 };

struct key {
    char *id; /* NULL: it has none */
    enum kind kind;
    EVP_PKEY *pkey;
};

struct jwt_keys {
    _Atomic uint32_t refs;
    struct key keys[KEYS_MAX];
    size_t count;
};

/* ---- base64url ---- */

/* Bytes written; -1 for what is none, or is too long. */
static ptrdiff_t decode(struct slice text, uint8_t *out, size_t cap)
{
    struct buf plain = {0};
    ptrdiff_t n = -1;

    if (text.n > 4 * cap) {
        return -1;
    }
    for (size_t i = 0; i < text.n; i++) {
        uint8_t c = text.p[i];
        if (c == '+' || c == '/' || c == '=') {
            goto out;
        }
        buf_append_u8(&plain, c == '-' ? '+' : c == '_' ? '/' : c);
    }
    while (buf_size(&plain) % 4 != 0) {
        buf_append_u8(&plain, '=');
    }
    n = base64_decode(buf_slice(&plain), out, cap);
out:
    buf_release(&plain);
    return n;
}

/* A member of a key that is a number or point; bytes, or -1. */
static ptrdiff_t decode_member(const json_t *object, const char *name, uint8_t *out, size_t cap)
{
    const char *text = json_string_value(json_object_get(object, name));

    return text == NULL ? -1 : decode(slice_str(text), out, cap);
}

/* ---- keys ---- */

static EVP_PKEY *make_pkey(const char *type, OSSL_PARAM *params)
{
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
    EVP_PKEY *pkey = NULL;

    if (ctx == NULL || EVP_PKEY_fromdata_init(ctx) != 1 ||
        EVP_PKEY_fromdata(ctx, &pkey, EVP_PKEY_PUBLIC_KEY, params) != 1) {
        pkey = NULL;
    }
    EVP_PKEY_CTX_free(ctx);
    return pkey;
}

static EVP_PKEY *make_rsa(const json_t *object)
{
    uint8_t n[NUMBER_MAX];
    uint8_t e[8];
    ptrdiff_t n_size = decode_member(object, "n", n, sizeof n);
    ptrdiff_t e_size = decode_member(object, "e", e, sizeof e);
    EVP_PKEY *pkey = NULL;

    if (n_size < RSA_BITS_MIN / 8 || e_size < 1) {
        return NULL;
    }
    BIGNUM *modulus = BN_bin2bn(n, (int)n_size, NULL);
    BIGNUM *exponent = BN_bin2bn(e, (int)e_size, NULL);
    OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
    OSSL_PARAM *params = NULL;
    if (build != NULL && OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_N, modulus) == 1 &&
        OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_E, exponent) == 1 &&
        (params = OSSL_PARAM_BLD_to_param(build)) != NULL) {
        pkey = make_pkey("RSA", params);
    }
    OSSL_PARAM_free(params);
    OSSL_PARAM_BLD_free(build);
    BN_free(modulus);
    BN_free(exponent);
    if (pkey != NULL && EVP_PKEY_get_bits(pkey) < RSA_BITS_MIN) {
        EVP_PKEY_free(pkey);
        return NULL;
    }
    return pkey;
}

static EVP_PKEY *make_p256(const json_t *object)
{
    uint8_t point[1 + 2 * ES256_HALF] = {4};
    char group[] = "P-256";

    if (decode_member(object, "x", point + 1, ES256_HALF) != ES256_HALF ||
        decode_member(object, "y", point + 1 + ES256_HALF, ES256_HALF) != ES256_HALF) {
        return NULL;
    }
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, group, 0),
        OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, point, sizeof point),
        OSSL_PARAM_construct_end()};
    return make_pkey("EC", params);
}

static EVP_PKEY *make_ed25519(const json_t *object)
{
    uint8_t point[32];

    if (decode_member(object, "x", point, sizeof point) != sizeof point) {
        return NULL;
    }
    return EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, point, sizeof point);
}

static bool member_is(const json_t *object, const char *name, const char *value)
{
    const char *text = json_string_value(json_object_get(object, name));

    return text != NULL && strcmp(text, value) == 0;
}

static void add_key(struct jwt_keys *keys, const json_t *object)
{
    struct key *key = &keys->keys[keys->count];
    const char *id = json_string_value(json_object_get(object, "kid"));

    if (json_object_get(object, "use") != NULL && !member_is(object, "use", "sig")) {
        return;
    }
    if (member_is(object, "kty", "RSA")) {
        key->kind = KIND_RSA;
        key->pkey = make_rsa(object);
    } else if (member_is(object, "kty", "EC") && member_is(object, "crv", "P-256")) {
        key->kind = KIND_P256;
        key->pkey = make_p256(object);
    } else if (member_is(object, "kty", "OKP") && member_is(object, "crv", "Ed25519")) {
        key->kind = KIND_ED25519;
        key->pkey = make_ed25519(object);
    }
    if (key->pkey != NULL) {
        key->id = id == NULL ? NULL : x_strdup(id);
        keys->count++;
    }
}

struct jwt_keys *jwt_keys_parse(struct slice text, struct err *err)
{
    json_t *root = json_loadb((const char *)text.p, text.n, JSON_REJECT_DUPLICATES, NULL);
    const json_t *list = json_object_get(root, "keys");

    if (!json_is_array(list)) {
        json_decref(root);
        (void)err_set(err, ERR_CONFIG, "is no JSON Web Key Set");
        return NULL;
    }
    struct jwt_keys *keys = x_zalloc(sizeof *keys);
    atomic_init(&keys->refs, 1);
    for (size_t i = 0; i < json_array_size(list) && keys->count < KEYS_MAX; i++) {
        add_key(keys, json_array_get(list, i));
    }
    json_decref(root);
    return keys;
}

struct jwt_keys *jwt_keys_ref(struct jwt_keys *keys)
{
    atomic_fetch_add_explicit(&keys->refs, 1, memory_order_relaxed);
    return keys;
}

void jwt_keys_unref(struct jwt_keys *keys)
{
    if (keys == NULL || atomic_fetch_sub_explicit(&keys->refs, 1, memory_order_acq_rel) > 1) {
        return;
    }
    for (size_t i = 0; i < keys->count; i++) {
        free(keys->keys[i].id);
        EVP_PKEY_free(keys->keys[i].pkey);
    }
    free(keys);
}

/* The key that is named; without a name the only one of its kind. */
static const struct key *find_key(const struct jwt_keys *keys, const char *id, enum kind kind)
{
    const struct key *found = NULL;

    for (size_t i = 0; i < keys->count; i++) {
        const struct key *key = &keys->keys[i];
        if (key->kind != kind || (id != NULL && (key->id == NULL || strcmp(key->id, id) != 0))) {
            continue;
        }
        if (found != NULL) {
            return NULL;
        }
        found = key;
    }
    return found;
}

/* ---- signatures ---- */

/* ES256 signs with two numbers in a row; OpenSSL reads them as DER. To be freed by OPENSSL_free. */
static int to_der(const uint8_t *pair, uint8_t **der)
{
    ECDSA_SIG *sig = ECDSA_SIG_new();
    BIGNUM *r = BN_bin2bn(pair, ES256_HALF, NULL);
    BIGNUM *s = BN_bin2bn(pair + ES256_HALF, ES256_HALF, NULL);
    int n = -1;

    if (sig != NULL && r != NULL && s != NULL && ECDSA_SIG_set0(sig, r, s) == 1) {
        r = s = NULL;
        n = i2d_ECDSA_SIG(sig, der);
    }
    BN_free(r);
    BN_free(s);
    ECDSA_SIG_free(sig);
    return n;
}

static bool verify(const struct key *key, struct slice said, struct slice signature)
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    const EVP_MD *digest = key->kind == KIND_ED25519 ? NULL : EVP_sha256();
    uint8_t *der = NULL;
    bool right = false;

    if (key->kind == KIND_P256) {
        int n = signature.n == 2 * ES256_HALF ? to_der(signature.p, &der) : -1;
        if (n <= 0) {
            EVP_MD_CTX_free(ctx);
            return false;
        }
        signature = slice_of(der, (size_t)n);
    }
    if (ctx != NULL && EVP_DigestVerifyInit(ctx, NULL, digest, NULL, key->pkey) == 1) {
        right = EVP_DigestVerify(ctx, signature.p, signature.n, said.p, said.n) == 1;
    }
    EVP_MD_CTX_free(ctx);
    OPENSSL_free(der);
    return right;
}

/* ---- tokens ---- */

struct parts {
    struct slice header;
    struct slice payload;
    struct slice signature;
    struct slice said; /* what is signed: header and payload as they were sent */
};

static bool split(struct slice token, struct parts *parts)
{
    ptrdiff_t first = slice_find(token, '.');
    struct slice rest = first < 0 ? SLICE_EMPTY : slice_from(token, (size_t)first + 1);
    ptrdiff_t second = slice_find(rest, '.');

    if (first <= 0 || second <= 0) {
        return false;
    }
    parts->header = slice_head(token, (size_t)first);
    parts->payload = slice_head(rest, (size_t)second);
    parts->signature = slice_from(rest, (size_t)second + 1);
    parts->said = slice_head(token, (size_t)(first + 1 + second));
    return parts->signature.n > 0 && slice_find(parts->signature, '.') < 0;
}

bool jwt_is_token(struct slice password)
{
    struct parts parts;

    return password.n > 3 && memcmp(password.p, "eyJ", 3) == 0 && split(password, &parts);
}

/* A part as JSON; NULL for what is none. */
static json_t *open_part(struct slice part)
{
    uint8_t *text = x_alloc(part.n);
    ptrdiff_t n = decode(part, text, part.n);
    json_t *object =
        n < 0 ? NULL : json_loadb((const char *)text, (size_t)n, JSON_REJECT_DUPLICATES, NULL);

    free(text);
    if (object != NULL && !json_is_object(object)) {
        json_decref(object);
        return NULL;
    }
    return object;
}

static int check_signature(const struct jwt_keys *keys, const struct parts *parts, struct err *err)
{
    uint8_t signature[SIGNATURE_MAX];
    ptrdiff_t n = decode(parts->signature, signature, sizeof signature);
    json_t *header = open_part(parts->header);
    const char *id = json_string_value(json_object_get(header, "kid"));
    const struct key *key = NULL;
    int rc = 0;

    if (header == NULL || n <= 0 || json_object_get(header, "crit") != NULL) {
        rc = err_set(err, ERR_PASSWORD, "the token cannot be read");
    } else if (member_is(header, "alg", "RS256")) {
        key = find_key(keys, id, KIND_RSA);
    } else if (member_is(header, "alg", "ES256")) {
        key = find_key(keys, id, KIND_P256);
    } else if (member_is(header, "alg", "EdDSA")) {
        key = find_key(keys, id, KIND_ED25519);
    } else {
        rc = err_set(err, ERR_PASSWORD, "the token is not signed by RS256, ES256 or EdDSA");
    }
    if (rc == 0 && key == NULL) {
        rc = err_set(err, JWT_UNKNOWN_KEY, "the token's key is not known");
    } else if (rc == 0 && !verify(key, parts->said, slice_of(signature, (size_t)n))) {
        rc = err_set(err, ERR_PASSWORD, "the token's signature is wrong");
    }
    json_decref(header);
    return rc;
}

static bool names_audience(const json_t *claims, const char *audience)
{
    const json_t *aud = json_object_get(claims, "aud");

    for (size_t i = 0; i < json_array_size(aud); i++) {
        const char *one = json_string_value(json_array_get(aud, i));
        if (one != NULL && strcmp(one, audience) == 0) {
            return true;
        }
    }
    return member_is(claims, "aud", audience);
}

/* Is now within what the token says? It must say an end. */
static bool in_time(const json_t *claims, int64_t now, int64_t leeway)
{
    const json_t *exp = json_object_get(claims, "exp");
    const json_t *nbf = json_object_get(claims, "nbf");

    return json_is_number(exp) && (double)(now - leeway) < json_number_value(exp) &&
           (nbf == NULL ||
            (json_is_number(nbf) && (double)(now + leeway) >= json_number_value(nbf)));
}

static bool copy_claim(const json_t *claims, const char *name, char out[64])
{
    const char *text = json_string_value(json_object_get(claims, name));
    int n = text == NULL ? -1 : snprintf(out, 64, "%s", text);

    return n > 0 && n < 64;
}

static int check_claims(const json_t *said, const struct jwt_policy *policy, int64_t now,
                        struct jwt_claims *claims, struct err *err)
{
    if (said == NULL) {
        return err_set(err, ERR_PASSWORD, "the token cannot be read");
    }
    if (!member_is(said, "iss", policy->issuer)) {
        return err_set(err, ERR_PASSWORD, "the token is of another issuer");
    }
    if (!names_audience(said, policy->audience)) {
        return err_set(err, ERR_PASSWORD, "the token is for another audience");
    }
    if (!in_time(said, now, policy->leeway)) {
        return err_set(err, ERR_PASSWORD, "the token is expired, or not valid yet");
    }
    if (!copy_claim(said, policy->user_claim, claims->user)) {
        return err_set(err, ERR_PASSWORD, "the token names no user");
    }
    if (policy->tenant_claim != NULL && !copy_claim(said, policy->tenant_claim, claims->tenant)) {
        return err_set(err, ERR_PASSWORD, "the token names no tenant");
    }
    return 0;
}

int jwt_check(const struct jwt_keys *keys, struct slice token, const struct jwt_policy *policy,
              int64_t now, struct jwt_claims *claims, struct err *err)
{
    struct parts parts;

    *claims = (struct jwt_claims){0};
    if (!split(token, &parts)) {
        return err_set(err, ERR_PASSWORD, "the token cannot be read");
    }
    int rc = check_signature(keys, &parts, err);
    if (rc < 0) {
        return rc;
    }
    json_t *said = open_part(parts.payload);
    rc = check_claims(said, policy, now, claims, err);
    json_decref(said);
    return rc;
}
