// SPDX-License-Identifier: MIT
#include "auth/scram_server.h"

#include <assert.h>
#include <openssl/crypto.h>

#include "auth/digest.h"
#include "base/alloc.h"
#include "base/encode.h"

void scram_server_init(struct scram_server *s, const struct scram_server_options *options)
{
    assert(options->verifier->kind == VERIFIER_SCRAM && options->nonce.n > 0);
    *s = (struct scram_server){
        .state = SCRAM_SERVER_FIRST,
        .plus = options->plus,
        .mock = options->verifier->mock,
        .binding = scram_binding_of(options->binding),
        .secret = options->verifier->scram,
    };
    buf_append_slice(&s->nonce, options->nonce);
}

/* May a client with this gs2 flag go on? (RFC 5802 section 6; 'y' says that we offer no binding.)
 */
static int check_flag(const struct scram_server *s, char flag, struct err *err)
{
    if (s->plus != (flag == 'p')) {
        return err_set(err, ERR_PROTOCOL,
                       s->plus ? "client selected SCRAM-SHA-256-PLUS without channel binding data"
                               : "client selected SCRAM-SHA-256 with channel binding data");
    }
    if (flag == 'y' && s->binding.n > 0) {
        return err_set(err, ERR_PROTOCOL,
                       "client supports SCRAM channel binding but thinks the server does not");
    }
    return 0;
}

/* "n," or "y," or "p=tls-server-end-point,", then "," (no authorization identity). Sets s->flag and
 * leaves client-first-message-bare in *rest. */
static int take_gs2(struct scram_server *s, struct slice *rest, struct err *err)
{
    static const char type[] = "p=tls-server-end-point";
    char flag = (char)rest->p[0];

    if (flag != 'n' && flag != 'y' && flag != 'p') {
        return err_set(err, ERR_PROTOCOL,
                       "malformed SCRAM message: unexpected channel-binding flag");
    }
    int rc = check_flag(s, flag, err);
    if (rc != 0) {
        return rc;
    }
    size_t n = flag == 'p' ? sizeof type - 1 : 1;
    if (flag == 'p' && !slice_eq_str(slice_head(*rest, n), type)) {
        return err_set(err, ERR_PROTOCOL, "unsupported SCRAM channel-binding type");
    }
    struct slice behind = slice_from(*rest, n);
    if (behind.n < 2 || behind.p[0] != ',') {
        return err_set(err, ERR_PROTOCOL, "malformed SCRAM message: incomplete gs2 header");
    }
    if (behind.p[1] != ',') {
        return err_set(err, ERR_PROTOCOL,
                       "client uses an authorization identity, which is not supported");
    }
    s->flag = flag;
    *rest = slice_from(behind, 2);
    return 0;
}

/* The name in "n=" is ignored, as PostgreSQL does: the startup packet has named the user. */
static int parse_first(struct scram_server *s, struct slice in, struct slice *bare,
                       struct slice *nonce, struct err *err)
{
    struct slice rest = in;
    struct slice name;
    int rc = scram_check_message(in, err);

    if (rc == 0) {
        rc = take_gs2(s, &rest, err);
    }
    *bare = rest;
    if (rc == 0) {
        rc = scram_take(&rest, 'n', &name, err);
    }
    if (rc == 0) {
        rc = scram_take_nonce(&rest, nonce, err);
    }
    return rc != 0 ? rc : scram_skip_extensions(&rest, '\0', err);
}

static void append_server_first(const struct scram_server *s, struct buf *out)
{
    buf_append_slice(out, slice_str("r="));
    buf_append_slice(out, buf_slice(&s->nonce));
    buf_append_slice(out, slice_str(",s="));
    base64_append(out, slice_of(s->secret.salt, s->secret.salt_size));
    buf_printf(out, ",i=%u", s->secret.iterations);
}

/* The nonce of the exchange: the client's half, then ours. */
static void join_nonce(struct scram_server *s, struct slice client)
{
    struct buf joined = {0};

    buf_append_slice(&joined, client);
    buf_append_slice(&joined, buf_slice(&s->nonce));
    buf_release(&s->nonce);
    s->nonce = joined;
}

int scram_server_first(struct scram_server *s, struct slice in, struct buf *out, struct err *err)
{
    struct slice bare, nonce;

    assert(s->state == SCRAM_SERVER_FIRST);
    s->state = SCRAM_SERVER_FAILED;
    if (s->plus && s->binding.n == 0) {
        return err_set(err, ERR_PROTOCOL,
                       "client selected an invalid SASL authentication mechanism");
    }
    int rc = parse_first(s, in, &bare, &nonce, err);
    if (rc != 0) {
        return rc;
    }
    join_nonce(s, nonce);
    buf_append_slice(&s->exchange, bare);
    buf_append_u8(&s->exchange, ',');
    append_server_first(s, &s->exchange);
    append_server_first(s, out);
    s->state = SCRAM_SERVER_FINAL;
    return 0;
}

static int check_binding(const struct scram_server *s, struct slice given, struct err *err)
{
    struct buf expected = {0};

    scram_append_binding(&expected, s->flag, &s->binding);
    bool equal = slice_eq(given, buf_slice(&expected));
    buf_release(&expected);
    return equal ? 0 : err_set(err, ERR_PROTOCOL, "SCRAM channel binding check failed");
}

/* Adds client-final-message-without-proof to the exchange and decodes the proof. */
static int parse_final(struct scram_server *s, struct slice in, uint8_t proof[SCRAM_KEY],
                       struct err *err)
{
    struct slice rest = in;
    struct slice binding, nonce, text;
    int rc = scram_check_message(in, err);

    if (rc != 0 || (rc = scram_take(&rest, 'c', &binding, err)) != 0 ||
        (rc = check_binding(s, binding, err)) != 0 ||
        (rc = scram_take_nonce(&rest, &nonce, err)) != 0) {
        return rc;
    }
    if (!slice_eq(nonce, buf_slice(&s->nonce))) {
        return err_set(err, ERR_PROTOCOL, "invalid SCRAM response: nonce does not match");
    }
    if ((rc = scram_skip_extensions(&rest, 'p', err)) != 0) {
        return rc;
    }
    size_t without_proof = in.n - rest.n;
    if ((rc = scram_take(&rest, 'p', &text, err)) != 0) {
        return rc;
    }
    if (rest.n > 0 || base64_decode(text, proof, SCRAM_KEY) != SCRAM_KEY) {
        return err_set(err, ERR_PROTOCOL, "malformed SCRAM message: invalid proof");
    }
    buf_append_u8(&s->exchange, ',');
    buf_append_slice(&s->exchange, slice_head(in, without_proof - 1));
    return 0;
}

/* ClientKey is the proof XOR the signature that StoredKey makes; its hash must be StoredKey. */
static bool proof_holds(struct scram_server *s, const uint8_t proof[SCRAM_KEY])
{
    uint8_t signature[SCRAM_KEY];
    uint8_t stored_key[SCRAM_KEY];

    digest_hmac(slice_of(s->secret.stored_key, SCRAM_KEY), buf_slice(&s->exchange), signature);
    for (int i = 0; i < SCRAM_KEY; i++) {
        s->client_key[i] = proof[i] ^ signature[i];
    }
    digest_sha256(slice_of(s->client_key, SCRAM_KEY), stored_key);
    bool holds = CRYPTO_memcmp(stored_key, s->secret.stored_key, SCRAM_KEY) == 0;
    secure_zero(signature, sizeof signature);
    return holds && !s->mock;
}

int scram_server_final(struct scram_server *s, struct slice in, struct buf *out, struct err *err)
{
    uint8_t proof[SCRAM_KEY];
    uint8_t signature[SCRAM_KEY];

    assert(s->state == SCRAM_SERVER_FINAL);
    s->state = SCRAM_SERVER_FAILED;
    int rc = parse_final(s, in, proof, err);
    if (rc != 0) {
        return rc;
    }
    bool holds = proof_holds(s, proof);
    secure_zero(proof, sizeof proof);
    if (!holds) {
        secure_zero(s->client_key, sizeof s->client_key);
        return err_set(err, ERR_PASSWORD, "SASL authentication failed");
    }
    digest_hmac(slice_of(s->secret.server_key, SCRAM_KEY), buf_slice(&s->exchange), signature);
    buf_append_slice(out, slice_str("v="));
    base64_append(out, slice_of(signature, sizeof signature));
    s->state = SCRAM_SERVER_DONE;
    return 0;
}

void scram_server_keys(const struct scram_server *s, struct scram_keys *keys)
{
    assert(s->state == SCRAM_SERVER_DONE);
    memcpy(keys->client, s->client_key, SCRAM_KEY);
    memcpy(keys->server, s->secret.server_key, SCRAM_KEY);
}

void scram_server_fini(struct scram_server *s)
{
    buf_release(&s->nonce);
    buf_release_secret(&s->exchange);
    secure_zero(s, sizeof *s);
}
