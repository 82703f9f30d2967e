// SPDX-License-Identifier: MIT
#include "pool/securing.h"

#include <string.h>
#include <sys/socket.h>

#include "wire/build.h"

void securing_init(struct securing *s, struct tls_context *context, const struct tls_config *tls,
                   bool encrypts)
{
    bool wanted = context != NULL && (tls->mode > TLS_ALLOW || encrypts);

    *s = (struct securing){
        .context = wanted ? tls_context_ref(context) : NULL,
        .mode = tls->mode,
        .direct = tls->negotiation == TLS_DIRECT,
    };
}

void securing_copy(struct securing *s, const struct securing *from)
{
    *s = *from;
    if (s->context != NULL) {
        s->context = tls_context_ref(s->context);
    }
}

void securing_fini(struct securing *s)
{
    tls_context_unref(s->context);
    s->context = NULL;
}

/* It will not be another in a moment: nobody is made to wait for that. */
static int refuse(struct err *err, const char *text, const char *what)
{
    (void)err_set(err, ERR_SERVER, "%s%s", text, what);
    memcpy(err->sqlstate, err_code_sqlstate(ERR_CONNECTION), sizeof err->sqlstate);
    return ERR_SERVER;
}

int securing_failed(const struct err *reason, struct err *err)
{
    return refuse(err, "server: ", reason->text);
}

static int start(struct securing *s, struct conn *conn, const char *host, struct err *err)
{
    const struct tls_start how = {
        .context = s->context, .host = host, .check_host = s->mode == TLS_VERIFY_FULL};

    if (conn_start_tls(conn, &how) < 0) {
        return refuse(err, "server: TLS cannot be started for the name ", host);
    }
    return SECURING_WAITING;
}

static bool is_unix(const struct conn *conn)
{
    struct sockaddr_storage sa = {.ss_family = AF_UNSPEC};
    socklen_t size = sizeof sa;

    return getsockname(conn->watch.fd, (struct sockaddr *)&sa, &size) == 0 &&
           sa.ss_family == AF_UNIX;
}

int securing_begin(struct securing *s, struct conn *conn, const char *host, struct err *err)
{
    struct buf request = {0};

    if (s->context == NULL || is_unix(conn)) {
        return SECURING_CLEAR;
    }
    if (s->direct) {
        return start(s, conn, host, err);
    }
    build_request(&request, WIRE_SSL_REQUEST);
    (void)conn_send_slice(conn,
                          buf_slice(&request)); /* a failed socket is found by the next read */
    buf_release(&request);
    s->asking = true;
    return SECURING_WAITING;
}

/* What comes behind the answer was not protected, whoever sent it. */
int securing_answer(struct securing *s, struct conn *conn, const char *host, struct slice view,
                    struct err *err)
{
    uint8_t answer = view.p[0];

    if (view.n > 1 && answer != 'E') {
        return refuse(err, "received unencrypted data after SSL response", "");
    }
    s->asking = false;
    if (answer == 'S') {
        return start(s, conn, host, err);
    }
    if (answer != 'N') {
        return refuse(err, "server does not understand the request for TLS", "");
    }
    if (s->mode >= TLS_REQUIRE) {
        return refuse(err, "server does not support TLS, but it was required: ", host);
    }
    return SECURING_CLEAR;
}
