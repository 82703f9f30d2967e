// SPDX-License-Identifier: MIT
#include "auth/scram_client.h"

#include <assert.h>
#include <openssl/crypto.h>

#include "auth/digest.h"
#include "base/alloc.h"
#include "base/encode.h"

static char choose_flag(const struct scram_client_options *options)
{
    if (options->binding.n == 0 || options->binding.n > SCRAM_BINDING_MAX) {
        return 'n';
    }
    return options->plus ? 'p' : 'y';
}

/* The user's name as a saslname: "," and "=" are written as "=2C" and "=3D". */
static void append_name(struct buf *out, struct slice name)
{
    for (size_t i = 0; i < name.n; i++) {
        if (name.p[i] == ',') {
            buf_append_slice(out, slice_str("=2C"));
        } else if (name.p[i] == '=') {
            buf_append_slice(out, slice_str("=3D"));
        } else {
            buf_append_u8(out, name.p[i]);
        }
    }
}

void scram_client_init(struct scram_client *c, const struct scram_client_options *options)
{
    assert(options->nonce.n > 0 && options->nonce.n < SCRAM_NONCE_MAX);
    *c = (struct scram_client){
        .state = SCRAM_CLIENT_FIRST,
        .flag = choose_flag(options),
        .binding = scram_binding_of(options->binding),
    };
    buf_append_slice(&c->nonce, options->nonce);
    buf_append_slice(&c->exchange, slice_str("n="));
    append_name(&c->exchange, options->user);
    buf_append_slice(&c->exchange, slice_str(",r="));
    buf_append_slice(&c->exchange, options->nonce);
}

const char *scram_client_mechanism(const struct scram_client *c)
{
    return c->flag == 'p' ? SCRAM_MECHANISM_PLUS : SCRAM_MECHANISM;
}

void scram_client_first(struct scram_client *c, struct buf *out)
{
    assert(c->state == SCRAM_CLIENT_FIRST);
    scram_append_gs2(out, c->flag);
    buf_append_slice(out, buf_slice(&c->exchange));
    c->state = SCRAM_CLIENT_CHALLENGE;
}

/* The server's nonce must begin with ours and add to it, else it could replay an old exchange. */
static int check_nonce(const struct scram_client *c, struct slice nonce, struct err *err)
{
    struct slice ours = buf_slice(&c->nonce);

    if (nonce.n <= ours.n || !slice_eq(slice_head(nonce, ours.n), ours)) {
        return err_set(err, ERR_PROTOCOL, "invalid SCRAM response: nonce does not match");
    }
    return 0;
}

static int parse_challenge(struct scram_client *c, struct slice in, struct slice *nonce,
                           struct err *err)
{
    struct slice rest = in;
    struct slice salt, iterations;
    int rc = scram_check_message(in, err);

    if (rc != 0 || (rc = scram_take_nonce(&rest, nonce, err)) != 0 ||
        (rc = check_nonce(c, *nonce, err)) != 0 || (rc = scram_take(&rest, 's', &salt, err)) != 0 ||
        (rc = scram_take(&rest, 'i', &iterations, err)) != 0) {
        return rc;
    }
    ptrdiff_t n = base64_decode(salt, c->salt, sizeof c->salt);
    if (n <= 0) {
        return err_set(err, ERR_PROTOCOL, "malformed SCRAM message: invalid salt");
    }
    c->salt_size = (uint8_t)n;
    c->iterations = scram_parse_iterations(iterations);
    if (c->iterations == 0) {
        return err_set(err, ERR_PROTOCOL, "malformed SCRAM message: invalid iteration count");
    }
    if (rest.n > 0) {
        return err_set(err, ERR_PROTOCOL, "malformed SCRAM message: unexpected attribute");
    }
    return 0;
}

int scram_client_challenge(struct scram_client *c, struct slice in, struct err *err)
{
    struct slice nonce;

    assert(c->state == SCRAM_CLIENT_CHALLENGE);
    c->state = SCRAM_CLIENT_FAILED;
    int rc = parse_challenge(c, in, &nonce, err);
    if (rc != 0) {
        return rc;
    }
    buf_clear(&c->nonce);
    buf_append_slice(&c->nonce, nonce);
    buf_append_u8(&c->exchange, ',');
    buf_append_slice(&c->exchange, in);
    c->state = SCRAM_CLIENT_FINAL;
    return 0;
}

/* ClientProof: ClientKey XOR the signature that StoredKey makes over the exchange. */
static void make_proof(const struct scram_client *c, const struct scram_keys *keys,
                       uint8_t proof[SCRAM_KEY])
{
    uint8_t stored_key[SCRAM_KEY];

    digest_sha256(slice_of(keys->client, SCRAM_KEY), stored_key);
    digest_hmac(slice_of(stored_key, SCRAM_KEY), buf_slice(&c->exchange), proof);
    for (int i = 0; i < SCRAM_KEY; i++) {
        proof[i] ^= keys->client[i];
    }
    secure_zero(stored_key, sizeof stored_key);
}

void scram_client_final(struct scram_client *c, const struct scram_keys *keys, struct buf *out)
{
    uint8_t proof[SCRAM_KEY];
    struct buf message = {0}; /* client-final-message-without-proof */

    assert(c->state == SCRAM_CLIENT_FINAL);
    buf_append_slice(&message, slice_str("c="));
    scram_append_binding(&message, c->flag, &c->binding);
    buf_append_slice(&message, slice_str(",r="));
    buf_append_slice(&message, buf_slice(&c->nonce));
    buf_append_u8(&c->exchange, ',');
    buf_append_slice(&c->exchange, buf_slice(&message));
    make_proof(c, keys, proof);
    digest_hmac(slice_of(keys->server, SCRAM_KEY), buf_slice(&c->exchange), c->server_signature);
    buf_append_slice(out, buf_slice(&message));
    buf_append_slice(out, slice_str(",p="));
    base64_append(out, slice_of(proof, sizeof proof));
    secure_zero(proof, sizeof proof);
    buf_release(&message);
    c->state = SCRAM_CLIENT_VERIFY;
}

/* "e=…": what is quoted of it is short and of the letters that RFC 5802 uses for it. */
static int refused(struct slice reason, struct err *err)
{
    char text[48] = "";
    size_t n = reason.n < sizeof text - 1 ? reason.n : sizeof text - 1;

    for (size_t i = 0; i < n; i++) {
        uint8_t c = reason.p[i];
        text[i] = (char)((c >= 'a' && c <= 'z') || c == '-' ? c : '?');
    }
    int rc = err_set(err, ERR_SERVER, "server refused the SCRAM exchange: %s", text);
    if (err != NULL) {
        memcpy(err->sqlstate, "28P01", sizeof err->sqlstate);
    }
    return rc;
}

int scram_client_verify(struct scram_client *c, struct slice in, struct err *err)
{
    struct slice rest = in;
    struct slice text;
    uint8_t signature[SCRAM_KEY];

    assert(c->state == SCRAM_CLIENT_VERIFY);
    c->state = SCRAM_CLIENT_FAILED;
    int rc = scram_check_message(in, err);
    if (rc != 0) {
        return rc;
    }
    if (in.n >= 2 && memcmp(in.p, "e=", 2) == 0) {
        return refused(slice_from(in, 2), err);
    }
    if ((rc = scram_take(&rest, 'v', &text, err)) != 0) {
        return rc;
    }
    if (rest.n > 0 || base64_decode(text, signature, sizeof signature) != SCRAM_KEY) {
        return err_set(err, ERR_PROTOCOL, "malformed SCRAM message: invalid server signature");
    }
    if (CRYPTO_memcmp(signature, c->server_signature, SCRAM_KEY) != 0) {
        return err_set(err, ERR_CONNECTION,
                       "server signature is wrong: server does not know the "
                       "password");
    }
    c->state = SCRAM_CLIENT_DONE;
    return 0;
}

void scram_client_fini(struct scram_client *c)
{
    buf_release(&c->nonce);
    buf_release_secret(&c->exchange);
    secure_zero(c, sizeof *c);
}
