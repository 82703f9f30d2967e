// SPDX-License-Identifier: MIT
#include "base/log.h"
#include "base/rand.h"
#include "proxy/client_proof.h"
#include "wire/build.h"
#include "wire/cursor.h"

/* ---- a password ---- */

void proof_word_start_password(struct client_proof *proof)
{
    client_proof_choose_verifier(proof, VERIFIER_PLAIN);
    build_auth(proof->out, WIRE_AUTH_CLEARTEXT, SLICE_EMPTY);
    proof->step = PROOF_PASSWORD;
}

static void check_password(struct client_proof *proof)
{
    proof->password_right = verifier_check_password(&proof->verifier, proof->identity->user,
                                                    buf_slice(&proof->password));
}

static int judge_password(struct client_proof *proof, struct err *err)
{
    return client_proof_verdict(proof, proof->password_right, err);
}

/* ---- a token ---- */

static void check_token(struct client_proof *proof)
{
    proof->token_verdict =
        token_keys_check(realm_rules(proof->realm)->tokens, buf_slice(&proof->password),
                         &proof->token.claims, &proof->token_err);
}

/* Why is for the log: the client is told what a wrong password is told. */
static int judge_token(struct client_proof *proof, struct err *err)
{
    int rc = proof->token_verdict;

    if (rc == 0) {
        rc = client_token_take(&proof->token, proof->identity, &proof->token_err);
    }
    if (rc < 0) {
        log_info("token refused reason=\"%s\"", proof->token_err.text);
    }
    return client_proof_verdict(proof, rc == 0, err);
}

static int take_token(struct client_proof *proof, struct slice password, struct err *err)
{
    proof->token_verdict = client_token_allowed(proof->realm, proof->origin, &proof->token_err);
    if (proof->token_verdict < 0) {
        return judge_token(proof, err);
    }
    buf_append_slice(&proof->password, password);
    return client_proof_work(proof, TASK_BLOCKS, check_token, judge_token);
}

/* ---- */

int proof_word_take_password(struct client_proof *proof, struct slice body, struct err *err)
{
    struct cursor c = cursor_of(body);
    struct slice password = cursor_cstr(&c);

    if (c.bad || c.left.n > 0) {
        return err_set(err, ERR_PROTOCOL, "invalid password packet size");
    }
    if (password.n == 0) {
        return err_set(err, ERR_PASSWORD, "empty password returned by client");
    }
    if (client_token_expected(proof->realm, password)) {
        return take_token(proof, password, err);
    }
    if (proof->verifier.kind != VERIFIER_SCRAM) {
        return client_proof_verdict(
            proof, verifier_check_password(&proof->verifier, proof->identity->user, password), err);
    }
    buf_append_slice(&proof->password, password);
    return client_proof_work(proof, TASK_COMPUTES, check_password, judge_password);
}

/* ---- md5 ---- */

bool proof_word_start_md5(struct client_proof *proof)
{
    client_proof_choose_verifier(proof, VERIFIER_MD5);
    if (proof->verifier.kind == VERIFIER_SCRAM) {
        return false;
    }
    rand_bytes(proof->salt, sizeof proof->salt);
    build_auth(proof->out, WIRE_AUTH_MD5, slice_of(proof->salt, sizeof proof->salt));
    proof->step = PROOF_MD5;
    return true;
}

int proof_word_take_md5(struct client_proof *proof, struct slice body, struct err *err)
{
    struct cursor c = cursor_of(body);
    struct slice word = cursor_cstr(&c);

    if (c.bad || c.left.n > 0) {
        return err_set(err, ERR_PROTOCOL, "invalid password packet size");
    }
    return client_proof_verdict(
        proof, verifier_check_md5(&proof->verifier, proof->identity->user, proof->salt, word), err);
}
