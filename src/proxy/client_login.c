// SPDX-License-Identifier: MIT
#include "proxy/client_login.h"

#include <stdlib.h>
#include <string.h>

#include "auth/scram_server.h"
#include "base/alloc.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/rand.h"
#include "net/loop.h"
#include "proxy/client_startup.h"
#include "proxy/client_token.h"
#include "wire/build.h"
#include "wire/frame.h"

enum login_step {
    STEP_STARTUP,
    STEP_PASSWORD,
    STEP_MD5,
    STEP_SASL_INITIAL, /* also after an empty initial response */
    STEP_SASL_FIRST,
    STEP_SASL_FINAL,
    STEP_OVER
};

struct client_login {
    struct loop *loop;
    const struct realm *realm;
    client_login_cb cb;
    void *data;
    struct client_origin origin;
    struct client_search search; /* for its method, and who it is */
    enum login_step step;
    bool ssl_refused; /* SSLRequest was answered: it may not come again */
    bool gss_refused;
    struct client_startup said; /* which the identity's slices point into */
    struct client_identity identity;
    struct verifier verifier; /* of the user, or a mock */
    bool owns_verifier;
    uint8_t salt[MD5_SALT];
    struct scram_server scram;
    bool scram_started;
    struct buf out;
    struct cancel_key cancel_key;                                  /* of a CancelRequest */
    uv_work_t work;                                                /* what takes long, or blocks */
    void (*job)(struct client_login *login);                       /* … in the thread pool */
    int (*after_job)(struct client_login *login, struct err *err); /* … back on the loop */
    struct buf password; /* of the client, while it is checked */
    bool password_right;
    struct client_token token;
    int token_verdict; /* 0: it is right */
    struct err token_err;
    char *owner;  /* of the client's process */
    bool working; /* in the thread pool: the struct must stay */
    bool freed;   /* … and goes when it comes back */
};

static void on_searched(void *data, const struct err *failure);

struct client_login *client_login_new(const struct client_login_needs *needs,
                                      const struct client_origin *origin, client_login_cb cb,
                                      void *data)
{
    struct client_login *login = x_zalloc(sizeof *login);

    login->loop = needs->loop;
    login->realm = realm_ref(needs->realm);
    login->origin = *origin;
    login->search = (struct client_search){.realm = login->realm,
                                           .directory = needs->directory,
                                           .origin = &login->origin,
                                           .identity = &login->identity,
                                           .cb = on_searched,
                                           .data = login};
    login->cb = cb;
    login->data = data;
    return login;
}

void client_login_free(struct client_login *login)
{
    if (login == NULL) {
        return;
    }
    if (login->working) {
        login->freed = true;
        return;
    }
    if (login->scram_started) {
        scram_server_fini(&login->scram);
    }
    if (login->owns_verifier) {
        verifier_fini(&login->verifier);
    }
    secure_zero(&login->identity.keys, sizeof login->identity.keys);
    buf_release_secret(&login->password);
    buf_release_secret(&login->out);
    client_startup_fini(&login->said);
    free(login->owner);
    client_search_fini(&login->search);
    realm_unref(login->realm);
    free(login);
}

struct slice client_login_output(const struct client_login *login)
{
    return buf_slice(&login->out);
}

void client_login_sent(struct client_login *login)
{
    buf_release_secret(&login->out);
}

const struct client_identity *client_login_identity(const struct client_login *login)
{
    return &login->identity;
}

struct cancel_key client_login_cancel_key(const struct client_login *login)
{
    return login->cancel_key;
}

/* ---- proving the password ---- */

static int over(struct client_login *login)
{
    login->step = STEP_OVER;
    build_auth(&login->out, WIRE_AUTH_OK, SLICE_EMPTY);
    return CLIENT_LOGIN_DONE;
}

static int wrong_password(const struct client_login *login, struct err *err)
{
    return err_set(err, ERR_PASSWORD, "password authentication failed for user \"%.*s\"",
                   (int)(login->identity.full_user.n < 64 ? login->identity.full_user.n : 64),
                   (const char *)login->identity.full_user.p);
}

/* ---- the thread pool ---- */

static void run_job(uv_work_t *work)
{
    struct client_login *login = container_of(work, struct client_login, work);

    login->job(login);
}

static void on_job_done(uv_work_t *work, int status)
{
    struct client_login *login = container_of(work, struct client_login, work);
    struct err err = {0};

    (void)status; /* never cancelled */
    login->working = false;
    if (login->freed) {
        client_login_free(login);
        return;
    }
    int rc = login->after_job(login, &err);
    login->cb(login->data, rc, &err);
}

static int start_job(struct client_login *login, void (*job)(struct client_login *login),
                     int (*after)(struct client_login *login, struct err *err), struct err *err)
{
    login->job = job;
    login->after_job = after;
    login->working = uv_queue_work(&login->loop->uv, &login->work, run_job, on_job_done) == 0;
    return login->working ? CLIENT_LOGIN_WORKING : err_set(err, ERR_INTERNAL, "out of threads");
}

/* ---- by trust, certificate, or process ---- */

/* Where no user is named anywhere, trust means everybody. */
static bool trusts_everybody(const struct client_login *login)
{
    const struct config *config = realm_config(login->realm);

    return login->search.method.kind == AUTH_TRUST && config->user_count == 0 &&
           config->auth.query.server == NULL;
}

/* Who proved its name without a password must be known all the same. */
static int admit(struct client_login *login, struct err *err)
{
    if (login->identity.known == NULL && !trusts_everybody(login)) {
        return wrong_password(login, err);
    }
    return over(login);
}

static void find_owner(struct client_login *login)
{
    login->owner = client_method_owner(login->origin.uid);
}

static int judge_owner(struct client_login *login, struct err *err)
{
    int rc = client_method_check_name(&login->search.method, login->realm, slice_str(login->owner),
                                      login->identity.user, err);

    return rc < 0 ? rc : admit(login, err);
}

static int start_peer(struct client_login *login, struct err *err)
{
    if (!login->origin.has_uid) {
        return err_set(err, ERR_NOT_ALLOWED,
                       "peer authentication is only for clients of the Unix socket");
    }
    return start_job(login, find_owner, judge_owner, err);
}

/* ---- by password ---- */

/* The kind of secret that the exchange works with; a mock for who is not known, or has none that
 * fits. */
static void choose_verifier(struct client_login *login, enum verifier_kind kind)
{
    const struct realm_user *known = login->identity.known;

    if (known != NULL && known->has_scram && kind == VERIFIER_SCRAM) {
        login->verifier = known->scram; /* the realm's memory: not ended here; likewise below */
        return;
    }
    if (known != NULL && known->has_verifier &&
        (known->verifier.kind == kind || kind != VERIFIER_SCRAM)) {
        login->verifier = known->verifier;
        return;
    }
    realm_mock(login->realm, kind, login->identity.user, &login->verifier);
    login->owns_verifier = true;
}

static void start_md5(struct client_login *login)
{
    choose_verifier(login, VERIFIER_MD5);
    if (login->verifier.kind == VERIFIER_SCRAM) {
        return; /* the caller takes the stronger way */
    }
    rand_bytes(login->salt, sizeof login->salt);
    build_auth(&login->out, WIRE_AUTH_MD5, slice_of(login->salt, sizeof login->salt));
    login->step = STEP_MD5;
}

static void start_sasl(struct client_login *login)
{
    static const char bound[] = SCRAM_MECHANISM_PLUS "\0" SCRAM_MECHANISM "\0";
    static const char bare[] = SCRAM_MECHANISM "\0";
    bool plus = login->origin.binding.n > 0;

    choose_verifier(login, VERIFIER_SCRAM);
    build_auth(&login->out, WIRE_AUTH_SASL,
               plus ? slice_of(bound, sizeof bound) : slice_of(bare, sizeof bare));
    login->step = STEP_SASL_INITIAL;
}

static int start_method(struct client_login *login, struct err *err)
{
    int rc = client_method_check_certificate(&login->search.method, login->realm, &login->origin,
                                             login->identity.user, err);
    if (rc < 0) {
        return rc;
    }
    switch (login->search.method.kind) {
    case AUTH_TRUST:
    case AUTH_CERT: /* checked above */
        return admit(login, err);
    case AUTH_PEER:
        return start_peer(login, err);
    case AUTH_PASSWORD:
        choose_verifier(login, VERIFIER_PLAIN);
        build_auth(&login->out, WIRE_AUTH_CLEARTEXT, SLICE_EMPTY);
        login->step = STEP_PASSWORD;
        return CLIENT_LOGIN_MORE;
    case AUTH_MD5:
        start_md5(login);
        if (login->step == STEP_MD5) {
            return CLIENT_LOGIN_MORE;
        }
        break;
    case AUTH_SCRAM:
    case AUTH_HBA: /* which stands for one of the others */
        break;
    }
    start_sasl(login);
    return CLIENT_LOGIN_MORE;
}

static void on_searched(void *data, const struct err *failure)
{
    struct client_login *login = data;
    struct err err = {0};

    if (failure != NULL) {
        login->cb(login->data, failure->code, failure);
        return;
    }
    int rc = start_method(login, &err);
    login->cb(login->data, rc, &err);
}

static int start_authentication(struct client_login *login, struct err *err)
{
    int rc = client_search_start(&login->search, err);

    if (rc < 0) {
        return rc;
    }
    return rc == CLIENT_SEARCH_LATER ? CLIENT_LOGIN_WORKING : start_method(login, err);
}

/* ---- before the first typed message ---- */

/* Over a Unix socket there is nothing to protect, as in PostgreSQL. */
static bool offers_tls(const struct client_login *login)
{
    return realm_client_tls(login->realm) != NULL && login->origin.peer.family != AF_UNIX;
}

/* What the listener asks of a connection, whoever it is. */
static int check_encryption(const struct client_login *login, struct err *err)
{
    enum tls_mode mode = realm_config(login->realm)->listen.tls.mode;

    if (mode >= TLS_REQUIRE && offers_tls(login) && !login->origin.encrypted) {
        return err_set(err, ERR_NOT_ALLOWED, "SSL required: connect with sslmode=require");
    }
    return 0;
}

/* verify-full: the certificate is in the user's name. */
static int check_certificate_name(const struct client_login *login, struct err *err)
{
    const struct client_origin *origin = &login->origin;
    const struct client_identity *identity = &login->identity;

    if (realm_config(login->realm)->listen.tls.mode != TLS_VERIFY_FULL || !origin->encrypted ||
        slice_eq(origin->certificate_cn, identity->user) ||
        slice_eq(origin->certificate_cn, identity->full_user)) {
        return 0;
    }
    return err_set(err, ERR_NOT_ALLOWED, "certificate authentication failed for user \"%.*s\"",
                   (int)(identity->full_user.n < 64 ? identity->full_user.n : 64),
                   (const char *)identity->full_user.p);
}

/* Whoever asks for more than there is hears what there is, as from PostgreSQL 18. */
static void negotiate(struct client_login *login, uint32_t version)
{
    const struct client_startup *said = &login->said;
    uint32_t spoken = version < WIRE_PROTOCOL_3_2 ? version : WIRE_PROTOCOL_3_2;

    if (version != spoken || said->extension_count > 0) {
        build_negotiate(&login->out, spoken, said->extensions, said->extension_count);
    }
}

static int start_session(struct client_login *login, const struct startup *startup, struct err *err)
{
    struct client_startup *said = &login->said;
    int rc = check_encryption(login, err);

    rc = rc < 0 ? rc : client_startup_read(said, startup->body, err);
    if (rc < 0) {
        return rc;
    }
    login->identity.long_key = startup->version >= WIRE_PROTOCOL_3_2;
    negotiate(login, startup->version);
    client_startup_resolve(said, &realm_config(login->realm)->tenancy, &login->origin,
                           &login->identity);
    rc = check_certificate_name(login, err);
    return rc < 0 ? rc : start_authentication(login, err);
}

/* Bytes behind a request would be read as if they had been protected. */
static int check_behind(bool out_of_place, size_t behind, const char *what, struct err *err)
{
    return out_of_place || behind > 0
               ? err_set(err, ERR_PROTOCOL, "received unencrypted data after %s request", what)
               : 0;
}

static int refuse_encryption(struct client_login *login, bool *refused, size_t behind,
                             const char *what, struct err *err)
{
    int rc = check_behind(*refused, behind, what, err);

    if (rc == 0) {
        *refused = true;
        buf_append_u8(&login->out, 'N');
    }
    return rc < 0 ? rc : CLIENT_LOGIN_MORE;
}

static int answer_ssl(struct client_login *login, size_t behind, struct err *err)
{
    if (!offers_tls(login)) {
        return refuse_encryption(login, &login->ssl_refused, behind, "SSL", err);
    }
    int rc = check_behind(login->origin.encrypted, behind, "SSL", err);
    if (rc == 0) {
        buf_append_u8(&login->out, 'S');
    }
    return rc < 0 ? rc : CLIENT_LOGIN_SECURE;
}

void client_login_relayed(struct client_login *login, const struct addr *peer)
{
    login->origin.peer = *peer;
}

void client_login_secured(struct client_login *login, struct tls *tls)
{
    client_origin_secured(&login->origin, tls);
}

static int feed_startup(struct client_login *login, struct slice view, size_t *consumed,
                        struct err *err)
{
    struct startup startup;
    int rc = startup_parse(view, &startup, err);

    if (rc <= 0) {
        return rc < 0 ? rc : CLIENT_LOGIN_MORE;
    }
    *consumed = startup.size;
    switch (startup.kind) {
    case STARTUP_SSL:
        return answer_ssl(login, view.n - startup.size, err);
    case STARTUP_GSSENC:
        return refuse_encryption(login, &login->gss_refused, view.n - startup.size,
                                 "GSSAPI encryption", err);
    case STARTUP_CANCEL:
        login->cancel_key = cancel_key_read(be32_read(startup.body.p), slice_from(startup.body, 4));
        return CLIENT_LOGIN_CANCEL;
    case STARTUP_SESSION:
        return start_session(login, &startup, err);
    }
    return CLIENT_LOGIN_MORE;
}

/* ---- answers of the client ---- */

static int verdict(struct client_login *login, bool right, struct err *err)
{
    return right ? over(login) : wrong_password(login, err);
}

static void check_password(struct client_login *login)
{
    login->password_right = verifier_check_password(&login->verifier, login->identity.user,
                                                    buf_slice(&login->password));
}

static int judge_password(struct client_login *login, struct err *err)
{
    return verdict(login, login->password_right, err);
}

static void check_token(struct client_login *login)
{
    login->token_verdict =
        token_keys_check(realm_rules(login->realm)->tokens, buf_slice(&login->password),
                         &login->token.claims, &login->token_err);
}

/* Why is for the log: the client is told what a wrong password is told. */
static int judge_token(struct client_login *login, struct err *err)
{
    int rc = login->token_verdict;

    if (rc == 0) {
        rc = client_token_take(&login->token, &login->identity, &login->token_err);
    }
    if (rc < 0) {
        log_info("token refused reason=\"%s\"", login->token_err.text);
    }
    return verdict(login, rc == 0, err);
}

static int take_token(struct client_login *login, struct slice password, struct err *err)
{
    login->token_verdict = client_token_allowed(login->realm, &login->origin, &login->token_err);
    if (login->token_verdict < 0) {
        return judge_token(login, err);
    }
    buf_append_slice(&login->password, password);
    return start_job(login, check_token, judge_token, err);
}

static int take_password(struct client_login *login, struct slice body, struct err *err)
{
    struct cursor c = cursor_of(body);
    struct slice password = cursor_cstr(&c);

    if (c.bad || c.left.n > 0) {
        return err_set(err, ERR_PROTOCOL, "invalid password packet size");
    }
    if (password.n == 0) {
        return err_set(err, ERR_PASSWORD, "empty password returned by client");
    }
    if (client_token_expected(login->realm, password)) {
        return take_token(login, password, err);
    }
    if (login->verifier.kind != VERIFIER_SCRAM) {
        return verdict(
            login, verifier_check_password(&login->verifier, login->identity.user, password), err);
    }
    buf_append_slice(&login->password, password);
    return start_job(login, check_password, judge_password, err);
}

static int take_md5(struct client_login *login, struct slice body, struct err *err)
{
    struct cursor c = cursor_of(body);
    struct slice word = cursor_cstr(&c);

    if (c.bad || c.left.n > 0) {
        return err_set(err, ERR_PROTOCOL, "invalid password packet size");
    }
    return verdict(
        login, verifier_check_md5(&login->verifier, login->identity.user, login->salt, word), err);
}

/* A step of the exchange; whatever fails in it is one answer, but for what is no SCRAM at all. */
static int sasl_error(const struct client_login *login, int rc, struct err *err)
{
    return rc == ERR_PASSWORD ? wrong_password(login, err) : rc;
}

static int take_client_first(struct client_login *login, struct slice data, struct err *err)
{
    struct buf answer = {0};
    int rc = scram_server_first(&login->scram, data, &answer, err);

    if (rc == 0) {
        build_auth(&login->out, WIRE_AUTH_SASL_CONTINUE, buf_slice(&answer));
        login->step = STEP_SASL_FINAL;
    }
    buf_release(&answer);
    return rc < 0 ? sasl_error(login, rc, err) : CLIENT_LOGIN_MORE;
}

static int take_sasl_initial(struct client_login *login, struct slice body, struct err *err)
{
    struct cursor c = cursor_of(body);
    struct slice mechanism = cursor_cstr(&c);
    uint32_t size = cursor_be32(&c);
    char nonce[SCRAM_NONCE + 1];
    bool plus = false;

    if (c.bad || (size != UINT32_MAX && size != c.left.n) || (size == UINT32_MAX && c.left.n > 0)) {
        return err_set(err, ERR_PROTOCOL, "malformed SASLInitialResponse");
    }
    const struct scram_binding *binding = &login->origin.binding;
    if (!scram_parse_mechanism(mechanism, &plus) || (plus && binding->n == 0)) {
        return err_set(err, ERR_PROTOCOL,
                       "client selected an invalid SASL authentication mechanism");
    }
    scram_random_nonce(nonce);
    struct scram_server_options options = {
        .verifier = &login->verifier,
        .plus = plus,
        .binding = slice_of(binding->data, binding->n),
        .nonce = slice_str(nonce),
    };
    scram_server_init(&login->scram, &options);
    login->scram_started = true;
    if (size == UINT32_MAX) {
        build_auth(&login->out, WIRE_AUTH_SASL_CONTINUE, SLICE_EMPTY);
        login->step = STEP_SASL_FIRST;
        return CLIENT_LOGIN_MORE;
    }
    return take_client_first(login, c.left, err);
}

static int take_client_final(struct client_login *login, struct slice data, struct err *err)
{
    struct buf answer = {0};
    int rc = scram_server_final(&login->scram, data, &answer, err);

    if (rc < 0) {
        buf_release(&answer);
        return sasl_error(login, rc, err);
    }
    build_auth(&login->out, WIRE_AUTH_SASL_FINAL, buf_slice(&answer));
    buf_release(&answer);
    scram_server_keys(&login->scram, &login->identity.keys);
    login->identity.has_keys = true;
    return over(login);
}

static int take_answer(struct client_login *login, struct slice body, struct err *err)
{
    switch (login->step) {
    case STEP_PASSWORD:
        return take_password(login, body, err);
    case STEP_MD5:
        return take_md5(login, body, err);
    case STEP_SASL_INITIAL:
        return take_sasl_initial(login, body, err);
    case STEP_SASL_FIRST:
        return take_client_first(login, body, err);
    case STEP_SASL_FINAL:
        return take_client_final(login, body, err);
    case STEP_STARTUP:
    case STEP_OVER:
        break;
    }
    return err_set(err, ERR_PROTOCOL, "unexpected message while logging in");
}

static int feed_answer(struct client_login *login, struct slice view, size_t *consumed,
                       struct err *err)
{
    struct frame frame;
    enum frame_result result = frame_peek(view, &frame);

    if (view.n > 0 && view.p[0] != WIRE_PASSWORD) {
        return err_set(err, ERR_PROTOCOL, "expected password response, got message type %d",
                       view.p[0]);
    }
    if (result == FRAME_BAD || (result == FRAME_OK && frame.size > LIMIT_PASSWORD_PACKET)) {
        return err_set(err, ERR_PROTOCOL, "invalid message length");
    }
    if (result == FRAME_SHORT || frame.size > view.n) {
        return CLIENT_LOGIN_MORE;
    }
    *consumed = frame.size;
    return take_answer(login, frame_body(view, &frame), err);
}

int client_login_feed(struct client_login *login, struct slice view, size_t *consumed,
                      struct err *err)
{
    *consumed = 0;
    if (view.n == 0) {
        return CLIENT_LOGIN_MORE;
    }
    return login->step == STEP_STARTUP ? feed_startup(login, view, consumed, err)
                                       : feed_answer(login, view, consumed, err);
}
