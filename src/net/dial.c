// SPDX-License-Identifier: MIT
#include "net/dial.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/alloc.h"

struct dial {
    struct loop *loop;
    struct dial_hosts hosts;
    size_t at; /* how many hosts were tried in vain */
    uv_getaddrinfo_t lookup;
    struct addrinfo *list; /* what the look-up of hosts[at] gave */
    struct addrinfo *next; /* the address of the list to try next */
    struct watch watch;    /* on fd while connecting */
    int fd;                /* -1 for none */
    struct addr peer;
    struct deadline deadline;
    struct work retry; /* goes on to the next address */
    dial_cb cb;
    void *data;
    struct err err;
    bool looking; /* a look-up is under way: the struct must stay */
    bool polling; /* the watch is open */
    bool done;    /* the callback was called, or is not wanted */
};

static void try_next(struct dial *dial);

/* The one being tried, or the last one. */
static const char *host(const struct dial *dial)
{
    size_t at = dial->at < dial->hosts.count ? dial->at : dial->hosts.count - 1;

    return dial->hosts.names[(dial->hosts.first + at) % dial->hosts.count];
}

static void free_when_idle(struct dial *dial)
{
    if (!dial->done || dial->looking) {
        return;
    }
    list_remove(&dial->retry.node);
    uv_freeaddrinfo(dial->list);
    free(dial);
}

static void stop_polling(struct dial *dial)
{
    if (dial->polling) {
        dial->polling = false;
        watch_stop(&dial->watch, &dial->loop->poller);
    }
}

/* Tells the caller and begins to go away. */
static void finish(struct dial *dial, int fd)
{
    dial->done = true;
    deadline_disarm(&dial->deadline);
    if (dial->looking) {
        (void)uv_cancel((uv_req_t *)&dial->lookup);
    }
    stop_polling(dial);
    if (fd < 0 && dial->fd >= 0) {
        (void)close(dial->fd);
    }
    dial->fd = -1;
    struct dial_result result = {
        .fd = fd,
        .peer = dial->peer,
        .host = fd >= 0 ? host(dial) : NULL,
        .err = fd >= 0 ? NULL : &dial->err,
    };
    dial->cb(dial->data, &result);
    free_when_idle(dial);
}

static void on_timeout(struct deadline *deadline)
{
    struct dial *dial = container_of(deadline, struct dial, deadline);

    (void)err_set(&dial->err, ERR_CONNECTION, "connect %s:%d: timed out", host(dial),
                  dial->hosts.port);
    finish(dial, -1);
}

/* Remembers why this address failed, and tries the next one. */
static void fail_address(struct dial *dial, int code)
{
    (void)err_set(&dial->err, ERR_CONNECTION, "connect %s:%d: %s", host(dial), dial->hosts.port,
                  uv_strerror(code));
    dial->at += dial->list == NULL ? 1 : 0; /* a socket directory has one address */
    stop_polling(dial);
    (void)close(dial->fd);
    dial->fd = -1;
    try_next(dial);
}

static void on_connect(struct watch *watch, int events)
{
    struct dial *dial = container_of(watch, struct dial, watch);
    int code = 0;
    socklen_t size = sizeof code;

    (void)events;
    if (getsockopt(dial->fd, SOL_SOCKET, SO_ERROR, &code, &size) < 0) {
        code = errno;
    }
    if (code != 0) {
        fail_address(dial, -code);
        return;
    }
    finish(dial, dial->fd);
}

/* Starts one non-blocking connect; a negative code when it failed at once. */
static int connect_to(struct dial *dial, const struct sockaddr *sa, socklen_t size)
{
    int on = 1;

    dial->fd = socket(sa->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (dial->fd < 0) {
        return -errno;
    }
    addr_from_sockaddr(&dial->peer, sa);
    if (sa->sa_family != AF_UNIX) {
        (void)setsockopt(dial->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        (void)setsockopt(dial->fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
    }
    int rc =
        connect(dial->fd, sa, size) < 0 && errno != EINPROGRESS
            ? -errno
            : watch_start(&dial->watch, &dial->loop->poller, dial->fd, WATCH_WRITABLE, on_connect);
    if (rc < 0) {
        (void)close(dial->fd);
        dial->fd = -1;
        return rc;
    }
    dial->polling = true;
    return 0;
}

static int connect_unix(struct dial *dial)
{
    struct sockaddr_un sun = {.sun_family = AF_UNIX};
    int n =
        snprintf(sun.sun_path, sizeof sun.sun_path, "%s/.s.PGSQL.%d", host(dial), dial->hosts.port);

    if (n < 0 || (size_t)n >= sizeof sun.sun_path) {
        return -ENAMETOOLONG;
    }
    return connect_to(dial, (struct sockaddr *)&sun, sizeof sun);
}

static void on_lookup(uv_getaddrinfo_t *req, int status, struct addrinfo *list)
{
    struct dial *dial = container_of(req, struct dial, lookup);

    dial->looking = false;
    dial->list = dial->next = list;
    if (dial->done) {
        free_when_idle(dial);
        return;
    }
    if (status < 0) {
        (void)err_set(&dial->err, ERR_CONNECTION, "look up %s: %s", host(dial),
                      uv_strerror(status));
        dial->at++;
    }
    try_next(dial);
}

static void look_up(struct dial *dial)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV};
    char service[16];

    (void)snprintf(service, sizeof service, "%d", dial->hosts.port);
    int rc = uv_getaddrinfo(&dial->loop->uv, &dial->lookup, on_lookup, host(dial), service, &hints);
    if (rc < 0) {
        (void)err_set(&dial->err, ERR_CONNECTION, "look up %s: %s", host(dial), uv_strerror(rc));
        dial->at++;
        loop_defer(dial->loop, &dial->retry);
        return;
    }
    dial->looking = true;
}

/* The next address of this host, or the next host; says so when there is none left. */
static void try_next(struct dial *dial)
{
    int rc;

    if (dial->list != NULL && dial->next == NULL) {
        uv_freeaddrinfo(dial->list);
        dial->list = NULL;
        dial->at++;
    }
    if (dial->at >= dial->hosts.count) {
        finish(dial, -1);
        return;
    }
    if (dial->next != NULL) {
        struct addrinfo *ai = dial->next;
        dial->next = ai->ai_next;
        rc = connect_to(dial, ai->ai_addr, ai->ai_addrlen);
    } else if (host(dial)[0] == '/') {
        rc = connect_unix(dial);
        if (rc < 0) {
            (void)err_set(&dial->err, ERR_CONNECTION, "connect %s: %s", host(dial),
                          uv_strerror(rc));
        }
        dial->at += rc < 0 ? 1 : 0;
    } else {
        look_up(dial);
        return;
    }
    if (rc < 0) {
        if (dial->at < dial->hosts.count && host(dial)[0] != '/') {
            (void)err_set(&dial->err, ERR_CONNECTION, "connect %s:%d: %s", host(dial),
                          dial->hosts.port, uv_strerror(rc));
        }
        loop_defer(dial->loop, &dial->retry);
    }
}

static void on_retry(struct work *work)
{
    struct dial *dial = container_of(work, struct dial, retry);

    if (!dial->done) {
        try_next(dial);
    }
}

struct dial *dial_start(struct loop *loop, const struct dial_hosts *hosts, uint64_t timeout_ms,
                        dial_cb cb, void *data)
{
    struct dial *dial = x_zalloc(sizeof *dial);

    dial->loop = loop;
    dial->hosts = *hosts;
    dial->cb = cb;
    dial->data = data;
    dial->fd = -1;
    deadline_init(&dial->deadline);
    work_init(&dial->retry, on_retry);
    (void)err_set(&dial->err, ERR_CONNECTION, "connect: no host given");
    deadline_arm(&loop->deadlines, &dial->deadline, timeout_ms, on_timeout);
    loop_defer(loop, &dial->retry);
    return dial;
}

void dial_cancel(struct dial *dial)
{
    dial->done = true;
    deadline_disarm(&dial->deadline);
    if (dial->looking) {
        (void)uv_cancel((uv_req_t *)&dial->lookup);
    }
    stop_polling(dial);
    if (dial->fd >= 0) {
        (void)close(dial->fd);
        dial->fd = -1;
    }
    free_when_idle(dial);
}
