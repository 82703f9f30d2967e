// SPDX-License-Identifier: MIT
#include "pool/cancel.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/log.h"
#include "wire/build.h"

#define CANCEL_TIMEOUT 10000 /* ms, as PgBouncer's cancel_wait_timeout */

struct cancel {
    struct conn conn;
    struct backend *backend; /* NULL once it ended first */
    struct dial *dial;
    struct deadline deadline;
    char *host; /* what is dialled */
    char *name; /* of the host in the configuration, for its certificate */
    struct securing securing;
    const char *hosts[1];
    struct buf packet;
};

/* Of one whose backend ended first little is known. */
static struct log_origin origin_of(const struct cancel *cancel)
{
    return cancel->backend == NULL ? (struct log_origin){.client = 0}
                                   : backend_origin(cancel->backend);
}

/* The server's part is over, one way or another. */
static void end(struct cancel *cancel)
{
    struct backend *backend = cancel->backend;

    deadline_disarm(&cancel->deadline);
    if (cancel->dial != NULL) {
        dial_cancel(cancel->dial);
        cancel->dial = NULL;
    }
    cancel->backend = NULL;
    if (backend != NULL) {
        bool again = backend->cancel_wanted;
        backend->cancel = NULL;
        backend->cancel_wanted = false;
        if (again) { /* what it is for still runs */
            cancel_send(backend);
        } else {
            backend_cancel_ended(backend);
        }
    }
}

static void free_cancel(struct cancel *cancel)
{
    buf_release_secret(&cancel->packet);
    securing_fini(&cancel->securing);
    free(cancel->name);
    free(cancel->host);
    free(cancel);
}

static void on_closed(struct conn *conn)
{
    free_cancel(container_of(conn, struct cancel, conn));
}

static void give_up(struct cancel *cancel)
{
    conn_close(&cancel->conn);
    end(cancel);
}

static void follow_securing(struct cancel *cancel, int step, const struct err *err)
{
    if (step < 0) {
        struct log_origin origin = origin_of(cancel);
        log_about(LOG_WARNING, &origin, "cancel request not sent host=%s reason=\"%s\"",
                  cancel->host, err->text);
        give_up(cancel);
    } else if (step == SECURING_CLEAR) {
        (void)conn_send_slice(&cancel->conn, buf_slice(&cancel->packet));
    }
}

static void on_secured(struct conn *conn, const struct err *err)
{
    struct cancel *cancel = container_of(conn, struct cancel, conn);

    follow_securing(cancel, err == NULL ? SECURING_CLEAR : err->code, err);
}

static void on_readable(struct conn *conn)
{
    struct cancel *cancel = container_of(conn, struct cancel, conn);
    struct buf none = {0};
    struct slice view;
    ssize_t got = conn_pull(conn, &none, &view);
    struct err err = {0};

    if (got > 0 && cancel->securing.asking) {
        follow_securing(cancel, securing_answer(&cancel->securing, conn, cancel->name, view, &err),
                        &err);
        return;
    }
    if (got == UV_EAGAIN || got > 0) {
        return; /* the server closes without a word */
    }
    give_up(cancel);
}

static void on_drained(struct conn *conn)
{
    (void)conn; /* sixteen bytes always fit */
}

static const struct conn_ops conn_ops = {
    .on_readable = on_readable,
    .on_drained = on_drained,
    .on_closed = on_closed,
    .on_secured = on_secured,
};

static void on_timeout(struct deadline *deadline)
{
    struct cancel *cancel = container_of(deadline, struct cancel, deadline);

    struct log_origin origin = origin_of(cancel);

    log_about(LOG_WARNING, &origin, "cancel request timed out host=%s", cancel->host);
    bool dialling = cancel->dial != NULL;
    if (!dialling) {
        conn_close(&cancel->conn);
    }
    end(cancel);
    if (dialling) {
        free_cancel(cancel);
    }
}

static void on_dialled(void *data, const struct dial_result *result)
{
    struct cancel *cancel = data;
    struct loop *loop = cancel->conn.loop;

    cancel->dial = NULL;
    if (result->fd < 0 || conn_open(&cancel->conn, loop, result->fd, &conn_ops) < 0) {
        if (result->fd >= 0) {
            (void)close(result->fd);
        }
        end(cancel);
        free_cancel(cancel);
        return;
    }
    struct err err = {0};
    follow_securing(cancel, securing_begin(&cancel->securing, &cancel->conn, cancel->name, &err),
                    &err);
}

void cancel_send(struct backend *b)
{
    char text[ADDR_TEXT];

    if (b->key.n == 0) {
        return;
    }
    if (b->cancel != NULL) {
        b->cancel_wanted = true;
        return;
    }
    struct cancel *cancel = x_zalloc(sizeof *cancel);
    cancel->backend = b;
    cancel->conn.loop = b->conn.loop;
    addr_print_host(&b->peer, text, sizeof text);
    cancel->host = x_strdup(b->peer.family == AF_UNIX ? b->host : text);
    cancel->name = x_strdup(b->host);
    securing_copy(&cancel->securing, &b->securing);
    cancel->hosts[0] = cancel->host;
    build_cancel(&cancel->packet, b->pid, b->key);
    deadline_init(&cancel->deadline);
    deadline_arm(&b->conn.loop->deadlines, &cancel->deadline, CANCEL_TIMEOUT, on_timeout);
    b->cancel = cancel;
    struct dial_hosts hosts = {.names = cancel->hosts, .count = 1, .port = b->port};
    cancel->dial = dial_start(b->conn.loop, &hosts, 0, on_dialled, cancel);
}

void cancel_orphan(struct backend *b)
{
    if (b->cancel != NULL) {
        b->cancel->backend = NULL;
        b->cancel = NULL;
    }
}
