// SPDX-License-Identifier: MIT
#include <string.h>

#include "base/limits.h"
#include "base/log.h"
#include "base/rand.h"
#include "judge/judge.h"
#include "proxy/client_proof.h"
#include "wire/build.h"
#include "wire/cursor.h"

/* The password of a message that is well formed. */
static int read_password(struct slice body, struct slice *password, struct err *err)
{
    struct cursor c = cursor_of(body);

    *password = cursor_cstr(&c);
    if (c.bad || c.left.n > 0) {
        return err_set(err, ERR_PROTOCOL, "invalid password packet size");
    }
    return password->n > 0 ? 0 : err_set(err, ERR_PASSWORD, "empty password returned by client");
}

/* The tenant is as the client says. */
static struct log_origin origin_of(const struct client_proof *proof)
{
    return (struct log_origin){.client = proof->origin->client, .tenant = proof->identity->tenant};
}

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
                         &proof->token.claims, &proof->refusal);
}

/* Why is for the log: the client is told what a wrong password is told. */
static int judge_token(struct client_proof *proof, struct err *err)
{
    int rc = proof->token_verdict;

    if (rc == 0) {
        rc = client_token_take(&proof->token, proof->identity, &proof->refusal);
    }
    if (rc < 0) {
        struct log_origin origin = origin_of(proof);
        log_about(LOG_INFO, &origin, "token refused reason=\"%s\"", proof->refusal.text);
    }
    return client_proof_verdict(proof, rc == 0, err);
}

static int take_token(struct client_proof *proof, struct slice password, struct err *err)
{
    proof->token_verdict = client_token_allowed(proof->realm, proof->origin, &proof->refusal);
    if (proof->token_verdict < 0) {
        return judge_token(proof, err);
    }
    buf_append_slice(&proof->password, password);
    return client_proof_work(proof, TASK_BLOCKS, check_token, judge_token);
}

/* ---- what PAM or a directory says ---- */

void proof_word_start_service(struct client_proof *proof)
{
    build_auth(proof->out, WIRE_AUTH_CLEARTEXT, SLICE_EMPTY);
    proof->step = PROOF_SERVICE;
}

/* A user that is not known here is asked for all the same: the time it takes would tell. */
static void ask_service(struct client_proof *proof)
{
    char user[LIMIT_NAME + 1];
    char address[ADDR_TEXT] = "";
    const struct addr *peer = &proof->origin->peer;
    struct judge_question question = {.service = proof->method->service,
                                      .user = user,
                                      .password = (const char *)buf_slice(&proof->password).p,
                                      .address = address};

    memcpy(user, proof->identity->user.p, proof->identity->user.n);
    user[proof->identity->user.n] = '\0';
    if (peer->family == AF_INET || peer->family == AF_INET6) {
        addr_print_host(peer, address, sizeof address);
    }
    proof->password_right = judge_ask(&question, &proof->refusal) == 0;
}

static int judge_service(struct client_proof *proof, struct err *err)
{
    if (!proof->password_right) {
        struct log_origin origin = origin_of(proof);
        log_about(proof->refusal.code == ERR_PASSWORD ? LOG_INFO : LOG_WARNING, &origin,
                  "password not accepted user=%.*s reason=\"%s\"", (int)proof->identity->user.n,
                  (const char *)proof->identity->user.p, proof->refusal.text);
    }
    return client_proof_verdict(proof, proof->password_right && proof->identity->known != NULL,
                                err);
}

int proof_word_take_service(struct client_proof *proof, struct slice body, struct err *err)
{
    struct slice password;
    int rc = read_password(body, &password, err);

    if (rc < 0) {
        return rc;
    }
    if (proof->identity->user.n > LIMIT_NAME) {
        return client_proof_verdict(proof, false, err);
    }
    buf_append_slice(&proof->password, password);
    buf_append_u8(&proof->password, 0);
    return client_proof_work(proof, proof->method->service->ldap ? TASK_BLOCKS : TASK_HANGS,
                             ask_service, judge_service);
}

/* ---- */

int proof_word_take_password(struct client_proof *proof, struct slice body, struct err *err)
{
    struct slice password;
    int rc = read_password(body, &password, err);

    if (rc < 0) {
        return rc;
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
