// SPDX-License-Identifier: MIT
#include "proxy/client_proof.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/limits.h"
#include "wire/build.h"
#include "wire/frame.h"

static int over(struct client_proof *proof)
{
    proof->step = PROOF_OVER;
    build_auth(proof->out, WIRE_AUTH_OK, SLICE_EMPTY);
    return CLIENT_PROOF_DONE;
}

static int wrong_password(const struct client_proof *proof, struct err *err)
{
    return err_set(err, ERR_PASSWORD, "password authentication failed for user \"%.*s\"",
                   (int)(proof->identity->full_user.n < 64 ? proof->identity->full_user.n : 64),
                   (const char *)proof->identity->full_user.p);
}

int client_proof_verdict(struct client_proof *proof, bool right, struct err *err)
{
    return right ? over(proof) : wrong_password(proof, err);
}

/* ---- the thread pool ---- */

static void run_work(struct task *task)
{
    struct client_proof *proof = container_of(task, struct client_proof, task);

    proof->work(proof);
}

static void on_worked(struct task *task)
{
    struct client_proof *proof = container_of(task, struct client_proof, task);
    struct err err = {0};
    int rc = proof->after_work(proof, &err);

    proof->cb(proof->data, rc, &err);
}

static void on_gone(struct task *task)
{
    struct client_proof *proof = container_of(task, struct client_proof, task);

    proof->gone(proof->data);
}

int client_proof_work(struct client_proof *proof, enum task_kind kind,
                      void (*work)(struct client_proof *proof),
                      int (*after)(struct client_proof *proof, struct err *err))
{
    static const struct task_ops ops[TASK_KINDS] = {
        [TASK_COMPUTES] = {TASK_COMPUTES, run_work, on_worked, on_gone},
        [TASK_BLOCKS] = {TASK_BLOCKS, run_work, on_worked, on_gone},
        [TASK_HANGS] = {TASK_HANGS, run_work, on_worked, on_gone},
    };

    proof->work = work;
    proof->after_work = after;
    task_start(proof->loop, &proof->task, &ops[kind],
               client_identity_lane(proof->identity, proof->realm));
    return CLIENT_PROOF_WORKING;
}

bool client_proof_leave(struct client_proof *proof)
{
    return task_leave(&proof->task);
}

void client_proof_fini(struct client_proof *proof)
{
    if (proof->scram_started) {
        scram_server_fini(&proof->scram);
    }
    if (proof->owns_verifier) {
        verifier_fini(&proof->verifier);
    }
    buf_release_secret(&proof->password);
    free(proof->owner);
}

void client_proof_choose_verifier(struct client_proof *proof, enum verifier_kind kind)
{
    const struct realm_user *known = proof->identity->known;

    if (proof->owns_verifier) { /* of a weaker way, not taken */
        verifier_fini(&proof->verifier);
        proof->owns_verifier = false;
    }
    if (known != NULL && known->has_scram && kind == VERIFIER_SCRAM) {
        proof->verifier = known->scram; /* the realm's memory: not ended here; likewise below */
        return;
    }
    if (known != NULL && known->has_verifier &&
        (known->verifier.kind == kind || kind != VERIFIER_SCRAM)) {
        proof->verifier = known->verifier;
        return;
    }
    kind = realm_usual_kind(proof->realm, kind);
    realm_mock(proof->realm, kind, proof->identity->user, &proof->verifier);
    proof->owns_verifier = true;
}

/* ---- by trust, certificate, or process ---- */

/* Where no user is named anywhere, trust means everybody. */
static bool trusts_everybody(const struct client_proof *proof)
{
    const struct config *config = realm_config(proof->realm);

    return proof->method->kind == AUTH_TRUST && config->user_count == 0 &&
           config->auth.query.server == NULL;
}

/* Who proved its name without a password must be known all the same. */
static int admit(struct client_proof *proof, struct err *err)
{
    if (proof->identity->known == NULL && !trusts_everybody(proof)) {
        return wrong_password(proof, err);
    }
    return over(proof);
}

static void find_owner(struct client_proof *proof)
{
    proof->owner = client_method_owner(proof->origin->uid);
}

static int judge_owner(struct client_proof *proof, struct err *err)
{
    int rc = client_method_check_name(proof->method, proof->realm, slice_str(proof->owner),
                                      proof->identity->user, err);

    return rc < 0 ? rc : admit(proof, err);
}

static int start_peer(struct client_proof *proof, struct err *err)
{
    if (!proof->origin->has_uid) {
        return err_set(err, ERR_NOT_ALLOWED,
                       "peer authentication is only for clients of the Unix socket");
    }
    return client_proof_work(proof, TASK_BLOCKS, find_owner, judge_owner);
}

/* ---- the exchange ---- */

int client_proof_start(struct client_proof *proof, struct err *err)
{
    int rc = client_method_check_certificate(proof->method, proof->realm, proof->origin,
                                             proof->identity->user, err);
    if (rc < 0) {
        return rc;
    }
    switch (proof->method->kind) {
    case AUTH_TRUST:
    case AUTH_CERT: /* checked above */
        return admit(proof, err);
    case AUTH_PEER:
        return start_peer(proof, err);
    case AUTH_PASSWORD:
        proof_word_start_password(proof);
        return CLIENT_PROOF_MORE;
    case AUTH_SERVICE:
        proof_word_start_service(proof);
        return CLIENT_PROOF_MORE;
    case AUTH_MD5:
        if (proof_word_start_md5(proof)) {
            return CLIENT_PROOF_MORE;
        }
        break;
    case AUTH_SCRAM:
    case AUTH_HBA: /* which stands for one of the others */
        break;
    }
    proof_sasl_start(proof);
    return CLIENT_PROOF_MORE;
}

int client_proof_take(struct client_proof *proof, struct slice body, struct err *err)
{
    switch (proof->step) {
    case PROOF_PASSWORD:
        return proof_word_take_password(proof, body, err);
    case PROOF_SERVICE:
        return proof_word_take_service(proof, body, err);
    case PROOF_MD5:
        return proof_word_take_md5(proof, body, err);
    case PROOF_SASL_INITIAL:
        return proof_sasl_take_initial(proof, body, err);
    case PROOF_SASL_FIRST:
        return proof_sasl_take_first(proof, body, err);
    case PROOF_SASL_FINAL:
        return proof_sasl_take_final(proof, body, err);
    case PROOF_OVER:
        break;
    }
    return err_set(err, ERR_PROTOCOL, "unexpected message while logging in");
}

/* Before anything is proved a client costs no more memory than its method needs. */
size_t client_proof_message_max(const struct client_proof *proof)
{
    bool free_text = proof->step == PROOF_PASSWORD || proof->step == PROOF_SERVICE;

    return free_text ? LIMIT_PASSWORD_PACKET : LIMIT_SASL_PACKET;
}
