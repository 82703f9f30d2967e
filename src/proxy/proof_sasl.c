// SPDX-License-Identifier: MIT
#include "proxy/client_proof.h"
#include "wire/build.h"
#include "wire/cursor.h"

void proof_sasl_start(struct client_proof *proof)
{
    static const char bound[] = SCRAM_MECHANISM_PLUS "\0" SCRAM_MECHANISM "\0";
    static const char bare[] = SCRAM_MECHANISM "\0";
    bool plus = proof->origin->binding.n > 0;

    client_proof_choose_verifier(proof, VERIFIER_SCRAM);
    build_auth(proof->out, WIRE_AUTH_SASL,
               plus ? slice_of(bound, sizeof bound) : slice_of(bare, sizeof bare));
    proof->step = PROOF_SASL_INITIAL;
}

/* A step of the exchange; whatever fails in it is one answer, but for what is no SCRAM at all. */
static int sasl_error(struct client_proof *proof, int rc, struct err *err)
{
    return rc == ERR_PASSWORD ? client_proof_verdict(proof, false, err) : rc;
}

int proof_sasl_take_first(struct client_proof *proof, struct slice data, struct err *err)
{
    struct buf answer = {0};
    int rc = scram_server_first(&proof->scram, data, &answer, err);

    if (rc == 0) {
        build_auth(proof->out, WIRE_AUTH_SASL_CONTINUE, buf_slice(&answer));
        proof->step = PROOF_SASL_FINAL;
    }
    buf_release(&answer);
    return rc < 0 ? sasl_error(proof, rc, err) : CLIENT_PROOF_MORE;
}

int proof_sasl_take_initial(struct client_proof *proof, struct slice body, struct err *err)
{
    struct cursor c = cursor_of(body);
    struct slice mechanism = cursor_cstr(&c);
    uint32_t size = cursor_be32(&c);
    char nonce[SCRAM_NONCE + 1];
    bool plus = false;

    if (c.bad || (size != UINT32_MAX && size != c.left.n) || (size == UINT32_MAX && c.left.n > 0)) {
        return err_set(err, ERR_PROTOCOL, "malformed SASLInitialResponse");
    }
    const struct scram_binding *binding = &proof->origin->binding;
    if (!scram_parse_mechanism(mechanism, &plus) || (plus && binding->n == 0)) {
        return err_set(err, ERR_PROTOCOL,
                       "client selected an invalid SASL authentication mechanism");
    }
    scram_random_nonce(nonce);
    struct scram_server_options options = {
        .verifier = &proof->verifier,
        .plus = plus,
        .binding = slice_of(binding->data, binding->n),
        .nonce = slice_str(nonce),
    };
    scram_server_init(&proof->scram, &options);
    proof->scram_started = true;
    if (size == UINT32_MAX) {
        build_auth(proof->out, WIRE_AUTH_SASL_CONTINUE, SLICE_EMPTY);
        proof->step = PROOF_SASL_FIRST;
        return CLIENT_PROOF_MORE;
    }
    return proof_sasl_take_first(proof, c.left, err);
}

int proof_sasl_take_final(struct client_proof *proof, struct slice data, struct err *err)
{
    struct buf answer = {0};
    int rc = scram_server_final(&proof->scram, data, &answer, err);

    if (rc < 0) {
        buf_release(&answer);
        return sasl_error(proof, rc, err);
    }
    build_auth(proof->out, WIRE_AUTH_SASL_FINAL, buf_slice(&answer));
    buf_release(&answer);
    scram_server_keys(&proof->scram, &proof->identity->keys);
    proof->identity->has_keys = true;
    return client_proof_verdict(proof, true, err);
}
