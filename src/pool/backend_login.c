// SPDX-License-Identifier: MIT
#include "pool/backend_login.h"

#include <stdlib.h>
#include <string.h>

#include "auth/scram_client.h"
#include "auth/verifier.h"
#include "base/alloc.h"
#include "base/limits.h"
#include "net/loop.h"
#include "pool/backend.h"
#include "pool/credential.h"
#include "wire/build.h"
#include "wire/error.h"
#include "wire/frame.h"

/* Bytes of ParameterStatus messages that a server may send while logging in. */
#define PARAMETERS_MAX (64U * 1024)

struct backend_login {
    struct loop *loop;
    backend_login_cb cb;
    void *data;
    char *user;
    struct credential credential;
    struct scram_binding binding; /* of the TLS connection */
    struct scram_client scram;
    bool scram_started;
    bool authenticated;
    const char *method; /* that the server asked for; a constant, NULL for none */
    bool sealed;        /* the start of the server process is asked for */
    uint8_t asked;      /* … in how many ways so far */
    bool refused;       /* … and the last way is not open to the role */
    char start[SEAL_START_SIZE];
    struct buf out;
    struct buf parameters;
    uint32_t pid;
    struct buf key;
    struct task task; /* deriving the keys */
};

static void build_startup(struct buf *out, const struct backend_target *target)
{
    uint32_t version = target->protocol == PROTOCOL_3_2 ? WIRE_PROTOCOL_3_2 : WIRE_PROTOCOL_3_0;
    size_t start = build_startup_begin(out, version);

    build_startup_parameter(out, slice_str("user"), slice_str(target->user));
    build_startup_parameter(out, slice_str("database"), slice_str(target->database));
    if (target->replication != NULL) {
        build_startup_parameter(out, slice_str("replication"), slice_str(target->replication));
    }
    for (size_t i = 0; target->startup != NULL && i < target->startup->count; i++) {
        build_startup_parameter(out, target->startup->settings[i].name,
                                target->startup->settings[i].value);
    }
    build_startup_end(out, start);
}

struct backend_login *backend_login_new(struct loop *loop, const struct backend_target *target,
                                        backend_login_cb cb, void *data)
{
    struct backend_login *login = x_zalloc(sizeof *login);

    login->loop = loop;
    login->cb = cb;
    login->data = data;
    login->user = x_strdup(target->user);
    login->sealed = target->sealed;
    credential_copy(&login->credential, target->credential);
    build_startup(&login->out, target);
    return login;
}

static void free_now(struct backend_login *login)
{
    if (login->scram_started) {
        scram_client_fini(&login->scram);
    }
    credential_fini(&login->credential);
    buf_release_secret(&login->out);
    buf_release(&login->parameters);
    buf_release(&login->key);
    free(login->user);
    free(login);
}

void backend_login_free(struct backend_login *login)
{
    if (login != NULL && !task_leave(&login->task)) {
        free_now(login);
    }
}

void backend_login_bind(struct backend_login *login, struct slice binding)
{
    login->binding = scram_binding_of(binding);
}

struct slice backend_login_output(const struct backend_login *login)
{
    return buf_slice(&login->out);
}

void backend_login_sent(struct backend_login *login)
{
    buf_release_secret(&login->out);
}

/* ---- passwords ---- */

static int no_password(const struct backend_login *login, struct err *err)
{
    int rc = err_set(err, ERR_CONNECTION,
                     "server asks for a password for role \"%s\", and none is known", login->user);
    err_hint(
        err,
        "Give the password in the configuration of fahrend, as plain text or through a secret.");
    return rc;
}

static int load_verifier(const struct backend_login *login, struct verifier *v, struct err *err)
{
    if (login->credential.secret == NULL) {
        return no_password(login, err);
    }
    return verifier_parse(v, slice_str(login->credential.secret), err);
}

static void answer(struct backend_login *login, struct slice word)
{
    struct buf body = {0};

    buf_append_slice(&body, word);
    buf_append_u8(&body, 0);
    build_password(&login->out, buf_slice(&body));
    buf_release_secret(&body);
}

static int answer_cleartext(struct backend_login *login, struct err *err)
{
    struct verifier v;
    int rc = load_verifier(login, &v, err);

    if (rc < 0) {
        return rc;
    }
    if (v.kind == VERIFIER_PLAIN) {
        answer(login, slice_str(v.plain));
    } else {
        rc = err_set(err, ERR_CONNECTION,
                     "server login failed: wrong password type: the server asks for "
                     "the plain password of role \"%s\"",
                     login->user);
    }
    verifier_fini(&v);
    return rc;
}

static int answer_md5(struct backend_login *login, struct cursor *c, struct err *err)
{
    struct verifier v;
    char word[MD5_WORD + 1];
    struct slice salt = cursor_bytes(c, MD5_SALT);

    if (c->bad) {
        return err_set(err, ERR_PROTOCOL, "server sent a malformed md5 request");
    }
    int rc = load_verifier(login, &v, err);
    if (rc < 0) {
        return rc;
    }
    rc = verifier_answer_md5(&v, slice_str(login->user), salt.p, word, err);
    if (rc == 0) {
        answer(login, slice_str(word));
    } else {
        err_wrap(err, "server login failed: wrong password type");
    }
    secure_zero(word, sizeof word);
    verifier_fini(&v);
    return rc;
}

/* ---- SCRAM ---- */

static int start_scram(struct backend_login *login, struct cursor *c, struct err *err)
{
    struct scram_offer offer;
    char nonce[SCRAM_NONCE + 1];
    struct buf first = {0};

    int rc = scram_parse_offer(c->left, &offer, err);
    if (rc < 0) {
        return rc;
    }
    bool plus = offer.plus && login->binding.n > 0;
    if ((!offer.scram && !plus) || login->scram_started) {
        return err_set(err, ERR_CONNECTION, "server offers no SASL mechanism that is known here");
    }
    if (login->credential.secret == NULL && !login->credential.has_keys) {
        return no_password(login, err);
    }
    scram_random_nonce(nonce);
    struct scram_client_options options = {
        .nonce = slice_str(nonce),
        .binding = slice_of(login->binding.data, login->binding.n),
        .plus = plus,
    };
    scram_client_init(&login->scram, &options);
    login->scram_started = true;
    scram_client_first(&login->scram, &first);
    login->method = scram_client_mechanism(&login->scram);
    build_sasl_initial(&login->out, login->method, buf_slice(&first));
    buf_release(&first);
    return 0;
}

static void finish_scram(struct backend_login *login)
{
    struct buf final = {0};

    scram_client_final(&login->scram, &login->credential.keys, &final);
    build_password(&login->out, buf_slice(&final));
    buf_release_secret(&final);
}

static void derive(struct task *task)
{
    struct backend_login *login = container_of(task, struct backend_login, task);

    scram_derive(slice_str(login->credential.secret),
                 slice_of(login->scram.salt, login->scram.salt_size), login->scram.iterations,
                 &login->credential.keys);
}

static void on_derived(struct task *task)
{
    struct backend_login *login = container_of(task, struct backend_login, task);

    finish_scram(login);
    login->cb(login->data, BACKEND_LOGIN_MORE, NULL);
}

static void on_gone(struct task *task)
{
    free_now(container_of(task, struct backend_login, task));
}

/* Those of one role take turns with others'. */
static const struct task_ops derivation = {TASK_COMPUTES, derive, on_derived, on_gone};

/* Keys that a client proved are used as they are; others come from the plain password, off the
 * loop. */
static int continue_scram(struct backend_login *login, struct cursor *c, struct err *err)
{
    struct verifier v;

    if (!login->scram_started) {
        return err_set(err, ERR_PROTOCOL, "server continues a SASL exchange that never began");
    }
    int rc = scram_client_challenge(&login->scram, c->left, err);
    if (rc < 0) {
        return rc;
    }
    bool plain = false;
    if (login->credential.secret != NULL) {
        rc = load_verifier(login, &v, err);
        if (rc < 0) {
            return rc;
        }
        plain = v.kind == VERIFIER_PLAIN;
        verifier_fini(&v);
    }
    if (plain) {
        task_start(login->loop, &login->task, &derivation, slice_str(login->user));
        return 0;
    }
    if (!login->credential.has_keys) {
        return err_set(err, ERR_CONNECTION,
                       "server login failed: wrong password type: role \"%s\" has no "
                       "plain password here, and no client of it has logged in yet",
                       login->user);
    }
    finish_scram(login);
    return 0;
}

static int verify_scram(struct backend_login *login, struct cursor *c, struct err *err)
{
    if (!login->scram_started) {
        return err_set(err, ERR_PROTOCOL, "server ends a SASL exchange that never began");
    }
    return scram_client_verify(&login->scram, c->left, err);
}

/* ---- messages ---- */

static int take_authentication(struct backend_login *login, struct slice body, struct err *err)
{
    struct cursor c = cursor_of(body);
    uint32_t request = cursor_be32(&c);

    if (c.bad || login->authenticated || task_under_way(&login->task)) {
        return err_set(err, ERR_PROTOCOL, "server sent an authentication request out of place");
    }
    switch (request) {
    case WIRE_AUTH_OK:
        if (login->scram_started && login->scram.state != SCRAM_CLIENT_DONE) {
            return err_set(err, ERR_CONNECTION, "server did not prove that it knows the password");
        }
        login->authenticated = true;
        return 0;
    case WIRE_AUTH_CLEARTEXT:
        login->method = "password";
        return answer_cleartext(login, err);
    case WIRE_AUTH_MD5:
        login->method = "md5";
        return answer_md5(login, &c, err);
    case WIRE_AUTH_SASL:
        return start_scram(login, &c, err);
    case WIRE_AUTH_SASL_CONTINUE:
        return continue_scram(login, &c, err);
    case WIRE_AUTH_SASL_FINAL:
        return verify_scram(login, &c, err);
    default:
        return err_set(err, ERR_CONNECTION,
                       "server asks for authentication method %u, which is not supported", request);
    }
}

/* A server that knows less than it was asked for says so; what it says must be something that we
 * speak. It may come before the password only. */
static int take_version(const struct backend_login *login, struct slice body, struct err *err)
{
    struct cursor c = cursor_of(body);
    uint32_t version = cursor_be32(&c);

    if (c.bad || login->authenticated || version < WIRE_PROTOCOL_3_0 ||
        version > WIRE_PROTOCOL_3_2) {
        return err_set(err, ERR_PROTOCOL, "server wants to speak a protocol that was not offered");
    }
    return 0;
}

static int take_key(struct backend_login *login, struct slice body, struct err *err)
{
    struct cursor c = cursor_of(body);

    login->pid = cursor_be32(&c);
    if (c.bad || c.left.n < 4 || c.left.n > sizeof((struct backend *)0)->key_bytes) {
        return err_set(err, ERR_PROTOCOL, "server sent a malformed cancel key");
    }
    buf_release(&login->key);
    buf_append_slice(&login->key, c.left);
    return 0;
}

/* ---- the start of the server process ---- */

/* Qualified throughout: the role's own defaults, search_path among them, are already in force, and
 * a tenant on a shared role may have changed them. */
static const char start_query[] =
    "SELECT pg_catalog.int8(pg_catalog.extract('epoch', backend_start) OPERATOR(pg_catalog.*) "
    "1000000) FROM pg_catalog.pg_stat_get_activity(pg_catalog.pg_backend_pid())";

/* For a role that may not look at pg_stat_activity; SETUP RLS makes the function. */
static const char start_function[] = "SELECT fahrend.backend_start()";

static int take_start(struct backend_login *login, struct slice body, struct err *err)
{
    struct cursor c = cursor_of(body);
    uint16_t columns = cursor_be16(&c);
    uint32_t n = cursor_be32(&c);
    struct slice digits = cursor_bytes(&c, n);

    if (c.bad || columns != 1 || n == 0 || n >= sizeof login->start || c.left.n > 0) {
        return err_set(err, ERR_CONNECTION,
                       "the server does not tell role \"%s\" when its process began", login->user);
    }
    memcpy(login->start, digits.p, n);
    login->start[n] = '\0';
    return 0;
}

/* The server is ready: for us, or first for our question. */
static int take_ready(struct backend_login *login, struct err *err)
{
    if (!login->authenticated) {
        return err_set(err, ERR_PROTOCOL, "server is ready without authentication");
    }
    if (!login->sealed) {
        return BACKEND_LOGIN_DONE;
    }
    if (login->asked == 0 || login->refused) {
        build_query(&login->out, login->asked == 0 ? start_query : start_function);
        login->asked++;
        login->refused = false;
        return BACKEND_LOGIN_MORE;
    }
    return login->start[0] != '\0'
               ? BACKEND_LOGIN_DONE
               : err_set(err, ERR_PROTOCOL, "server did not say when its process began");
}

static int take_error(struct backend_login *login, struct slice body, struct err *err)
{
    struct error_fields fields;

    if (error_parse(body, &fields) < 0) {
        return err_set(err, ERR_PROTOCOL, "server sent a malformed error");
    }
    if (login->asked == 1 && slice_eq_str(fields.sqlstate, "42501")) {
        login->refused = true;
        return 0;
    }
    error_to_err(&fields, err);
    return ERR_SERVER;
}

static int out_of_place(const struct frame *frame, struct err *err)
{
    return err_set(err, ERR_PROTOCOL, "server sent message 0x%02x while logging in", frame->type);
}

static int take_message(struct backend_login *login, struct slice message,
                        const struct frame *frame, struct err *err)
{
    struct slice body = frame_body(message, frame);

    switch (frame->type) {
    case WIRE_AUTHENTICATION:
        return take_authentication(login, body, err);
    case WIRE_ERROR:
        return take_error(login, body, err);
    case WIRE_NOTICE:
        return 0;
    case WIRE_NEGOTIATE:
        return take_version(login, body, err);
    case WIRE_PARAMETER_STATUS:
        if (buf_size(&login->parameters) + frame->size > PARAMETERS_MAX) {
            return err_set(err, ERR_PROTOCOL, "server sent too many parameters");
        }
        buf_append(&login->parameters, message.p, frame->size);
        return 0;
    case WIRE_BACKEND_KEY:
        return take_key(login, body, err);
    case WIRE_READY:
        return take_ready(login, err);
    case WIRE_ROW_DESCRIPTION:
    case WIRE_COMMAND_COMPLETE:
    case WIRE_DATA_ROW:
        if (login->asked > 0) {
            return frame->type == WIRE_DATA_ROW ? take_start(login, body, err) : 0;
        }
        return out_of_place(frame, err);
    default:
        return out_of_place(frame, err);
    }
}

int backend_login_feed(struct backend_login *login, struct slice view, size_t *consumed,
                       struct err *err)
{
    int rc = BACKEND_LOGIN_MORE;
    struct frame frame;

    *consumed = 0;
    while (rc == BACKEND_LOGIN_MORE) {
        struct slice rest = slice_from(view, *consumed);
        enum frame_result result = frame_peek(rest, &frame);
        if (result == FRAME_BAD || (result == FRAME_OK && frame.size > LIMIT_PASSWORD_PACKET)) {
            return err_set(err, ERR_PROTOCOL, "server sent a message of an impossible length");
        }
        if (result == FRAME_SHORT || frame.size > rest.n) {
            break;
        }
        *consumed += frame.size;
        rc = take_message(login, rest, &frame, err);
    }
    return rc;
}

const char *backend_login_method(const struct backend_login *login)
{
    return login->method == NULL ? "none" : login->method;
}

void backend_login_take(struct backend_login *login, struct backend *b)
{
    struct slice key = buf_slice(&login->key);

    b->pid = login->pid;
    memcpy(b->start, login->start, sizeof b->start);
    if (key.n > 0) {
        memcpy(b->key_bytes, key.p, key.n);
    }
    b->key = slice_of(b->key_bytes, key.n);
    parameters_take(&b->parameters, &login->parameters);
}
