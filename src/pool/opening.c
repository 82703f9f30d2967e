// SPDX-License-Identifier: MIT
#include "pool/opening.h"

#include "base/log.h"
#include "pool/backend_inner.h"
#include "pool/backend_login.h"
#include "pool/securing.h"

static void log_login(const struct backend *b)
{
    struct log_origin origin = backend_origin(b);
    char tls[64] = "none";

    if (b->conn.tls != NULL) {
        tls_describe(b->conn.tls, tls, sizeof tls);
    }
    log_about(LOG_DEBUG, &origin, "server connection ready host=%s tls=%s method=%s", b->host, tls,
              backend_login_method(b->login));
}

static void finish_login(struct backend *b)
{
    struct err err;

    backend_login_take(b->login, b);
    if (!backend_has_role(b)) {
        (void)err_set(&err, ERR_CONNECTION, "%s:%d is %s, and a %s is wanted", b->host, b->port,
                      b->role == SERVER_PRIMARY ? "a standby" : "no standby",
                      b->role == SERVER_PRIMARY ? "primary" : "standby");
        backend_fail(b, &err);
        return;
    }
    log_login(b);
    backend_login_free(b->login);
    b->login = NULL;
    b->status = 'I';
    b->synced = true;
    deadline_disarm(&b->deadline);
    backend_move(b, BACKEND_IDLE);
    b->owner_ops->on_ready(b);
}

/* What the login wants to be done next; called after its bytes, and when a derivation is ready. */
static void follow_login(struct backend *b, int result, const struct err *err)
{
    if (result < 0) {
        backend_fail(b, err);
        return;
    }
    struct slice out = backend_login_output(b->login);
    if (out.n > 0 && conn_send_slice(&b->conn, out) < 0) {
        return; /* the next read tells why */
    }
    backend_login_sent(b->login);
    if (result == BACKEND_LOGIN_DONE) {
        finish_login(b);
    }
}

void opening_on_login_step(void *data, int result, const struct err *err)
{
    follow_login(data, result, err);
}

/* TLS is in force, or it is not and need not be: the login begins. */
static void begin_login(struct backend *b)
{
    uint8_t binding[TLS_BINDING_MAX];

    if (b->conn.tls != NULL) {
        backend_login_bind(b->login, slice_of(binding, tls_binding(b->conn.tls, binding)));
    }
    follow_login(b, BACKEND_LOGIN_MORE, NULL);
}

static void follow_securing(struct backend *b, int step, const struct err *err)
{
    if (step < 0) {
        backend_fail(b, err);
    } else if (step == SECURING_CLEAR) {
        begin_login(b);
    }
}

void opening_begin(struct backend *b)
{
    struct err err = {0};
    int step = securing_begin(&b->securing, &b->conn, b->host, &err);

    follow_securing(b, step, &err);
}

void opening_secured(struct backend *b, const struct err *reason)
{
    struct err err;

    if (reason != NULL) {
        (void)securing_failed(reason, &err);
        backend_fail(b, &err);
        return;
    }
    begin_login(b);
}

size_t opening_read(struct backend *b, struct slice view)
{
    struct err err = {0};
    size_t consumed = 0;

    if (b->securing.asking) {
        int step = securing_answer(&b->securing, &b->conn, b->host, view, &err);
        follow_securing(b, step, &err);
        return view.n;
    }
    int result = backend_login_feed(b->login, view, &consumed, &err);

    follow_login(b, result, &err);
    return consumed;
}
