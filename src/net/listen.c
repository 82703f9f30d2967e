// SPDX-License-Identifier: MIT
#include "net/listen.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/log.h"

#define BACKLOG 1024

/* ---- stock ---- */

void listen_stock_add(struct listen_stock *stock, int fd)
{
    stock->fds = x_realloc(stock->fds, (stock->count + 1) * sizeof *stock->fds);
    stock->fds[stock->count++] = fd;
}

static bool is_bound_to(int fd, const struct sockaddr *address, socklen_t length)
{
    struct sockaddr_storage own = {0};
    socklen_t size = sizeof own;

    return getsockname(fd, (struct sockaddr *)&own, &size) == 0 && size == length &&
           memcmp(&own, address, length) == 0;
}

static int take(struct listen_stock *stock, const struct sockaddr *address, socklen_t length)
{
    for (size_t i = 0; stock != NULL && i < stock->count; i++) {
        if (is_bound_to(stock->fds[i], address, length)) {
            int fd = stock->fds[i];
            stock->fds[i] = stock->fds[--stock->count];
            return fd;
        }
    }
    return -1;
}

int listen_stock_take_like(struct listen_stock *stock, int like)
{
    struct sockaddr_storage address = {0};
    socklen_t length = sizeof address;

    if (getsockname(like, (struct sockaddr *)&address, &length) < 0) {
        return -1;
    }
    return take(stock, (const struct sockaddr *)&address, length);
}

void listen_stock_close(struct listen_stock *stock)
{
    for (size_t i = 0; i < stock->count; i++) {
        (void)close(stock->fds[i]);
    }
    free(stock->fds);
    *stock = (struct listen_stock){0};
}

/* ---- opening ---- */

static int open_one(const struct addrinfo *ai, struct err *err, const char *host, int port)
{
    int on = 1;
    int fd = socket(ai->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (fd < 0) {
        return err_set(err, -errno, "listen on %s:%d: %s", host, port, strerror(errno));
    }
    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
    if (ai->ai_family == AF_INET6) {
        (void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
    }
    if (bind(fd, ai->ai_addr, ai->ai_addrlen) < 0 || listen(fd, BACKLOG) < 0) {
        int code = -errno;
        (void)close(fd);
        return err_set(err, code, "listen on %s:%d: %s", host, port, strerror(-code));
    }
    return fd;
}

int listen_open_tcp(const char *host, int port, struct listen_stock *stock, int *fds, int cap,
                    struct err *err)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE};
    struct addrinfo *list = NULL;
    char service[16];
    int count = 0;

    (void)snprintf(service, sizeof service, "%d", port);
    int rc = getaddrinfo(strcmp(host, "*") == 0 ? NULL : host, service, &hints, &list);
    if (rc != 0) {
        return err_set(err, UV_EADDRNOTAVAIL, "listen on %s: %s", host, gai_strerror(rc));
    }
    for (const struct addrinfo *ai = list; ai != NULL && count < cap; ai = ai->ai_next) {
        int fd = take(stock, ai->ai_addr, ai->ai_addrlen);
        if (fd < 0) {
            fd = open_one(ai, err, host, port);
        }
        if (fd >= 0) {
            fds[count++] = fd;
        } else if (fd != -EAFNOSUPPORT) {
            break; /* a machine without IPv6 is no fault; an address in use is */
        }
    }
    freeaddrinfo(list);
    return count > 0 ? count : err->code;
}

/* A socket file that nobody answers on was left by a process that died. */
static bool is_alive(const struct sockaddr_un *sun)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool alive = fd >= 0 && connect(fd, (const struct sockaddr *)sun, sizeof *sun) == 0;

    if (fd >= 0) {
        (void)close(fd);
    }
    return alive;
}

static int open_path(const struct sockaddr_un *sun)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    (void)unlink(sun->sun_path);
    if (fd < 0 || bind(fd, (const struct sockaddr *)sun, sizeof *sun) < 0 ||
        chmod(sun->sun_path, 0777) < 0 || listen(fd, BACKLOG) < 0) {
        int code = -errno;
        if (fd >= 0) {
            (void)close(fd);
        }
        return code;
    }
    return fd;
}

int listen_open_path(const char *path, struct listen_stock *stock, struct err *err)
{
    struct sockaddr_un sun = {.sun_family = AF_UNIX};
    int n = snprintf(sun.sun_path, sizeof sun.sun_path, "%s", path);

    if (n < 0 || (size_t)n >= sizeof sun.sun_path) {
        return err_set(err, UV_ENAMETOOLONG, "listen: %s is too long", path);
    }
    /* The kernel gives a name back with its NUL and not longer. */
    int fd = take(stock, (const struct sockaddr *)&sun,
                  (socklen_t)(offsetof(struct sockaddr_un, sun_path) + (size_t)n + 1));
    if (fd >= 0) {
        return fd;
    }
    if (is_alive(&sun)) {
        return err_set(err, UV_EADDRINUSE, "listen on %s: another server is running there",
                       sun.sun_path);
    }
    fd = open_path(&sun);
    return fd >= 0 ? fd : err_set(err, fd, "listen on %s: %s", sun.sun_path, strerror(-fd));
}

int listen_open_unix(const char *dir, int port, struct listen_stock *stock, struct err *err)
{
    char path[sizeof((struct sockaddr_un *)0)->sun_path];
    int n = snprintf(path, sizeof path, "%s/.s.PGSQL.%d", dir, port);

    if (n < 0 || (size_t)n >= sizeof path) {
        return err_set(err, UV_ENAMETOOLONG, "listen: unix_dir %s is too long", dir);
    }
    return listen_open_path(path, stock, err);
}

/* ---- accepting ---- */

/* Spends the descriptor in reserve on the client at the head of the queue, then takes it back. */
static void refuse_one(struct listener *listener)
{
    struct addr none = {0};

    if (listener->reserve < 0) {
        return;
    }
    (void)close(listener->reserve);
    int fd = accept4(listener->watch.fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd >= 0) {
        listener->on_client(listener, fd, &none, true);
    }
    listener->reserve = open("/dev/null", O_RDONLY | O_CLOEXEC);
}

/* Whether the queue may hold more. */
static bool accept_some(struct listener *listener)
{
    for (int i = 0; i < LISTEN_ACCEPTS && !listener->closing; i++) {
        struct sockaddr_storage ss = {0};
        socklen_t size = sizeof ss;
        struct addr peer;
        int fd = accept4(listener->watch.fd, (struct sockaddr *)&ss, &size,
                         SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd < 0) {
            if (errno == EMFILE || errno == ENFILE) {
                log_warning("client refused reason=\"out of file descriptors\"");
                refuse_one(listener);
            }
            return false;
        }
        addr_from_sockaddr(&peer, (struct sockaddr *)&ss);
        listener->on_client(listener, fd, &peer, false);
    }
    return true;
}

static void on_events(struct watch *watch, int events)
{
    (void)events;
    (void)accept_some(container_of(watch, struct listener, watch));
}

/* Connections inherit them, so that none costs a call. A Unix socket knows none of it. */
static void set_options(int fd)
{
    int on = 1;

    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    (void)setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
}

int listener_start(struct listener *listener, struct loop *loop, int fd, listen_cb cb, void *data)
{
    *listener = (struct listener){.loop = loop, .on_client = cb, .data = data};
    listener->reserve = open("/dev/null", O_RDONLY | O_CLOEXEC);
    set_options(fd);
    return watch_start(&listener->watch, &loop->poller, fd, WATCH_READABLE, on_events);
}

void listener_empty(struct listener *listener)
{
    int rounds = 0;

    while (accept_some(listener) && ++rounds < BACKLOG / LISTEN_ACCEPTS) {
    }
}

void listener_close(struct listener *listener)
{
    if (listener->closing) {
        return;
    }
    listener->closing = true;
    watch_stop(&listener->watch, &listener->loop->poller);
    (void)close(listener->watch.fd);
    if (listener->reserve >= 0) {
        (void)close(listener->reserve);
    }
}
