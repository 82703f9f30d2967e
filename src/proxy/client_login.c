// SPDX-License-Identifier: MIT
#include "proxy/client_login.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "proxy/client_proof.h"
#include "proxy/client_startup.h"
#include "wire/build.h"
#include "wire/frame.h"

struct client_login {
    const struct realm *realm;
    client_login_cb cb;
    void *data;
    struct client_origin origin;
    bool begun;       /* the startup packet is there */
    bool ssl_refused; /* SSLRequest was answered: it may not come again */
    bool gss_refused;
    struct client_startup said; /* which the identity's slices point into */
    struct client_identity identity;
    struct client_search search; /* for its method, and who it is */
    struct client_proof proof;
    struct buf out;
    struct cancel_key cancel_key; /* of a CancelRequest */
};

static void on_searched(void *data, const struct err *failure);
static void on_proven(void *data, int result, const struct err *err);

static void free_now(void *data)
{
    struct client_login *login = data;

    client_proof_fini(&login->proof);
    secure_zero(&login->identity.keys, sizeof login->identity.keys);
    buf_release_secret(&login->out);
    client_startup_fini(&login->said);
    client_search_fini(&login->search);
    realm_unref(login->realm);
    free(login);
}

struct client_login *client_login_new(const struct client_login_needs *needs,
                                      const struct client_origin *origin, client_login_cb cb,
                                      void *data)
{
    struct client_login *login = x_alloc(sizeof *login);

    *login = (struct client_login){
        .realm = realm_ref(needs->realm),
        .cb = cb,
        .data = data,
        .origin = *origin,
        .search = {.realm = needs->realm,
                   .directory = needs->directory,
                   .origin = &login->origin,
                   .identity = &login->identity,
                   .cb = on_searched,
                   .data = login},
        .proof = {.loop = needs->loop,
                  .realm = needs->realm,
                  .origin = &login->origin,
                  .method = &login->search.method,
                  .identity = &login->identity,
                  .out = &login->out,
                  .cb = on_proven,
                  .gone = free_now,
                  .data = login},
    };
    return login;
}

void client_login_free(struct client_login *login)
{
    if (login != NULL && !client_proof_leave(&login->proof)) {
        free_now(login);
    }
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

/* ---- the proof ---- */

/* As client_login_feed returns it. */
static int from_proof(int result)
{
    if (result < 0) {
        return result;
    }
    switch ((enum client_proof_result)result) {
    case CLIENT_PROOF_MORE:
        return CLIENT_LOGIN_MORE;
    case CLIENT_PROOF_DONE:
        return CLIENT_LOGIN_DONE;
    case CLIENT_PROOF_WORKING:
        break;
    }
    return CLIENT_LOGIN_WORKING;
}

static void on_proven(void *data, int result, const struct err *err)
{
    struct client_login *login = data;

    login->cb(login->data, from_proof(result), err);
}

static void on_searched(void *data, const struct err *failure)
{
    struct client_login *login = data;
    struct err err = {0};

    if (failure != NULL) {
        login->cb(login->data, failure->code, failure);
        return;
    }
    int rc = client_proof_start(&login->proof, &err);
    login->cb(login->data, from_proof(rc), &err);
}

static int start_authentication(struct client_login *login, struct err *err)
{
    int rc = client_search_start(&login->search, err);

    if (rc < 0) {
        return rc;
    }
    return rc == CLIENT_SEARCH_LATER ? CLIENT_LOGIN_WORKING
                                     : from_proof(client_proof_start(&login->proof, err));
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
        login->begun = true;
        return start_session(login, &startup, err);
    }
    return CLIENT_LOGIN_MORE;
}

/* ---- answers of the client ---- */

static int feed_answer(struct client_login *login, struct slice view, size_t *consumed,
                       struct err *err)
{
    struct frame frame;
    enum frame_result result = frame_peek(view, &frame);

    if (view.n > 0 && view.p[0] != WIRE_PASSWORD) {
        return err_set(err, ERR_PROTOCOL, "expected password response, got message type %d",
                       view.p[0]);
    }
    if (result == FRAME_BAD ||
        (result == FRAME_OK && frame.size > client_proof_message_max(&login->proof))) {
        return err_set(err, ERR_PROTOCOL, "invalid message length");
    }
    if (result == FRAME_SHORT || frame.size > view.n) {
        return CLIENT_LOGIN_MORE;
    }
    *consumed = frame.size;
    return from_proof(client_proof_take(&login->proof, frame_body(view, &frame), err));
}

int client_login_feed(struct client_login *login, struct slice view, size_t *consumed,
                      struct err *err)
{
    *consumed = 0;
    if (view.n == 0) {
        return CLIENT_LOGIN_MORE;
    }
    return login->begun ? feed_answer(login, view, consumed, err)
                        : feed_startup(login, view, consumed, err);
}
