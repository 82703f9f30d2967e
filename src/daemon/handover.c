// SPDX-License-Identifier: MIT
#include "daemon/handover.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/log.h"
#include "net/parcel.h"

enum { ANSWER_SECONDS = 10 }; /* that the new process waits for the old one */

/* Parcels. A version that does not know one closes the connection. */
enum kind {
    KIND_TAKE = 'T',
    KIND_CLIENTS = 'S',  /* descriptors: of listening sockets */
    KIND_GIVEN = 'G',    /* likewise, systemd's */
    KIND_HTTP = 'H',     /* likewise, of the HTTP endpoint */
    KIND_CHANNELS = 'P', /* descriptors: connections to processes that drain */
    KIND_END = 'E',
    KIND_READY = 'R',
    KIND_CANCEL = 'C', /* a struct cancel_key, of one program to another on one machine */
};

/* A connection to another process. */
struct channel {
    uv_poll_t poll; /* once handover.uv is there */
    int fd;
    struct handover *handover;
    struct list node;
    bool takes; /* it has asked for the goods and is not READY yet */
    bool asked; /* we have asked it, and it waits for our READY */
};

/* ---- channels ---- */

static struct channel *add_channel(struct handover *h, int fd)
{
    struct channel *channel = x_zalloc(sizeof *channel);

    channel->fd = fd;
    channel->handover = h;
    list_push_tail(&h->channels, &channel->node);
    return channel;
}

static void on_channel_closed(uv_handle_t *handle)
{
    free(container_of((uv_poll_t *)handle, struct channel, poll));
}

static void close_channel(struct channel *channel)
{
    struct handover *h = channel->handover;

    list_remove(&channel->node);
    if (channel->takes) {
        h->taker = false;
    }
    if (h->uv != NULL) {
        uv_close((uv_handle_t *)&channel->poll, on_channel_closed);
        (void)close(channel->fd);
    } else {
        (void)close(channel->fd);
        free(channel);
    }
}

static int send_kind(int fd, enum kind kind)
{
    return parcel_send(fd, &(struct parcel){.kind = (uint8_t)kind});
}

static int send_sockets(int fd, enum kind kind, const int *fds, size_t count)
{
    int rc = 0;

    for (size_t i = 0; i < count && rc == 0; i += PARCEL_FDS) {
        struct parcel parcel = {.kind = (uint8_t)kind};
        parcel.fd_count = count - i < PARCEL_FDS ? count - i : PARCEL_FDS;
        memcpy(parcel.fds, fds + i, parcel.fd_count * sizeof *fds);
        rc = parcel_send(fd, &parcel);
    }
    return rc;
}

/* ---- the old process ---- */

static int send_goods(struct channel *to, const struct handover_goods *goods)
{
    enum kind kind = goods->given ? KIND_GIVEN : KIND_CLIENTS;
    int rc = send_sockets(to->fd, kind, goods->clients.fds, goods->clients.count);

    if (rc == 0) {
        rc = send_sockets(to->fd, KIND_HTTP, goods->http.fds, goods->http.count);
    }
    list_each_safe (node, tmp, &to->handover->channels) {
        const struct channel *other = container_of(node, struct channel, node);
        if (rc == 0 && other != to) {
            rc = send_sockets(to->fd, KIND_CHANNELS, &other->fd, 1);
        }
    }
    return rc < 0 ? rc : send_kind(to->fd, KIND_END);
}

static int give(struct channel *to)
{
    struct handover *h = to->handover;
    struct handover_goods goods = {0};

    if (h->taker) {
        return -EBUSY;
    }
    h->hooks.on_take(h->data, &goods);
    int rc = send_goods(to, &goods);
    free(goods.clients.fds);
    free(goods.http.fds);
    if (rc == 0) {
        h->taker = to->takes = true;
        log_info("another process is about to take over");
    }
    return rc;
}

static void stop_asking(struct handover *h)
{
    if (h->fd >= 0) {
        uv_close((uv_handle_t *)&h->poll, NULL);
        (void)close(h->fd);
        h->fd = -1;
    }
}

/* The new process has the place's name, and speaks to those before us itself. */
static void hand_over(struct channel *to)
{
    struct handover *h = to->handover;

    to->takes = false;
    h->path[0] = '\0';
    stop_asking(h);
    list_each_safe (node, tmp, &h->channels) {
        struct channel *other = container_of(node, struct channel, node);
        if (other != to) {
            close_channel(other);
        }
    }
    h->hooks.on_taken(h->data);
}

static int read_cancel(struct handover *h, const struct parcel *parcel)
{
    struct cancel_key key;

    if (parcel->n != sizeof key) {
        return -EPROTO;
    }
    memcpy(&key, parcel->bytes, sizeof key);
    if (key.n > sizeof key.bytes) {
        return -EPROTO;
    }
    h->hooks.on_cancel(h->data, &key);
    return 0;
}

static int read_parcel(struct channel *channel, const struct parcel *parcel)
{
    switch (parcel->kind) {
    case KIND_TAKE:
        return give(channel);
    case KIND_READY:
        if (!channel->takes) {
            return -EPROTO;
        }
        hand_over(channel);
        return 0;
    case KIND_CANCEL:
        return read_cancel(channel->handover, parcel);
    default:
        return -EPROTO;
    }
}

static void on_parcel(uv_poll_t *poll, int status, int events)
{
    struct channel *channel = container_of(poll, struct channel, poll);
    struct parcel parcel;

    (void)events;
    int rc = status < 0 ? status : parcel_receive(channel->fd, &parcel);
    if (rc == -EAGAIN) {
        return;
    }
    for (size_t i = 0; rc == 1 && i < parcel.fd_count; i++) {
        (void)close(parcel.fds[i]); /* nobody sends any here */
    }
    if (rc == 1) {
        rc = read_parcel(channel, &parcel);
        if (rc < 0) {
            log_warning("another process is not understood reason=\"%s\"", strerror(-rc));
        }
    } else {
        rc = -EPIPE; /* the end: it has ended */
    }
    if (rc < 0) {
        close_channel(channel);
    }
}

static void poll_channel(struct channel *channel)
{
    (void)fcntl(channel->fd, F_SETFL, O_NONBLOCK);
    (void)uv_poll_init(channel->handover->uv, &channel->poll, channel->fd);
    (void)uv_poll_start(&channel->poll, UV_READABLE, on_parcel);
}

/* The folder may be open to all: who connects is one of ours, or root. */
static bool is_ours(int fd)
{
    struct ucred who = {0};
    socklen_t size = sizeof who;

    return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &size) == 0 &&
           (who.uid == geteuid() || who.uid == 0);
}

static void on_caller(uv_poll_t *poll, int status, int events)
{
    struct handover *h = container_of(poll, struct handover, poll);
    int fd = status < 0 ? -1 : accept4(h->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

    (void)events;
    if (fd < 0) {
        return;
    }
    if (!is_ours(fd)) {
        (void)close(fd);
        return;
    }
    poll_channel(add_channel(h, fd));
}

/* ---- the new process ---- */

static uint64_t inode_of(const char *path)
{
    struct stat st;

    return lstat(path, &st) < 0 ? 0 : (uint64_t)st.st_ino;
}

static int name_place(struct sockaddr_un *sun, const struct listen_config *config)
{
    *sun = (struct sockaddr_un){.sun_family = AF_UNIX};
    int n = snprintf(sun->sun_path, sizeof sun->sun_path, "%s/.s.fahrend.%d", config->unix_dir,
                     config->port);

    return n < 0 || (size_t)n + 2 > sizeof sun->sun_path ? -ENAMETOOLONG : 0;
}

/* -ENOENT where nobody is there. */
static int call(const struct sockaddr_un *sun)
{
    struct timeval patience = {.tv_sec = ANSWER_SECONDS};
    int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

    if (fd < 0) {
        return -errno;
    }
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    (void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    if (connect(fd, (const struct sockaddr *)sun, sizeof *sun) < 0) {
        int code = errno == ECONNREFUSED ? -ENOENT : -errno;
        (void)close(fd);
        return code;
    }
    return fd;
}

static void keep(struct handover *h, const struct parcel *parcel, struct handover_goods *goods)
{
    for (size_t i = 0; i < parcel->fd_count; i++) {
        if (parcel->kind == KIND_HTTP) {
            listen_stock_add(&goods->http, parcel->fds[i]);
        } else if (parcel->kind == KIND_CHANNELS) {
            (void)add_channel(h, parcel->fds[i]);
        } else {
            listen_stock_add(&goods->clients, parcel->fds[i]);
        }
    }
    goods->given = goods->given || parcel->kind == KIND_GIVEN;
}

static int receive_goods(struct handover *h, int fd, struct handover_goods *goods)
{
    struct parcel parcel;
    int rc;

    while ((rc = parcel_receive(fd, &parcel)) == 1) {
        switch (parcel.kind) {
        case KIND_CLIENTS:
        case KIND_GIVEN:
        case KIND_HTTP:
        case KIND_CHANNELS:
            keep(h, &parcel, goods);
            break;
        case KIND_END:
            return 1;
        default:
            return -EPROTO;
        }
    }
    return rc == 0 ? -ECONNRESET : rc == -EAGAIN ? -ETIMEDOUT : rc;
}

void handover_init(struct handover *h)
{
    *h = (struct handover){.fd = -1};
    list_init(&h->channels);
}

int handover_take(struct handover *h, const struct listen_config *config,
                  struct handover_goods *goods, struct err *err)
{
    struct sockaddr_un sun;

    if (config->unix_dir[0] == '\0') {
        return err_set(err, ERR_CONFIG,
                       "takeover: listen.unix_dir must name a folder, by which the "
                       "two processes find each other");
    }
    int rc = name_place(&sun, config);
    int fd = rc < 0 ? rc : call(&sun);
    if (fd == -ENOENT) {
        return 0;
    }
    if (fd >= 0) {
        add_channel(h, fd)->asked = true;
        rc = send_kind(fd, KIND_TAKE);
        rc = rc < 0 ? rc : receive_goods(h, fd, goods);
    } else {
        rc = fd;
    }
    return rc == 1 ? 1 : err_set(err, rc, "takeover: %s: %s", sun.sun_path, strerror(-rc));
}

/* Bound beside its name and then put in its place, whoever had it: the old process is reached, or
 * the new. */
static int open_place(struct handover *h, const struct listen_config *config)
{
    struct sockaddr_un sun;
    char path[sizeof sun.sun_path];
    int rc = name_place(&sun, config);

    if (rc < 0) {
        return rc;
    }
    memcpy(path, sun.sun_path, sizeof path);
    strcat(sun.sun_path, "~");
    (void)unlink(sun.sun_path);
    int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0 || fchmod(fd, 0600) < 0 || bind(fd, (const struct sockaddr *)&sun, sizeof sun) < 0 ||
        listen(fd, 4) < 0 || rename(sun.sun_path, path) < 0) {
        rc = -errno;
        if (fd >= 0) {
            (void)close(fd);
        }
        return rc;
    }
    memcpy(h->path, path, sizeof h->path);
    h->inode = inode_of(path);
    return fd;
}

void handover_start(struct handover *h, uv_loop_t *uv, const struct listen_config *config,
                    const struct handover_hooks *hooks, void *data)
{
    h->uv = uv;
    h->hooks = *hooks;
    h->data = data;
    h->fd = config->unix_dir[0] == '\0' ? -1 : open_place(h, config);
    list_each_safe (node, tmp, &h->channels) {
        struct channel *channel = container_of(node, struct channel, node);
        if (channel->asked && send_kind(channel->fd, KIND_READY) < 0) {
            log_warning("the process that was taken over from does not listen");
        }
        poll_channel(channel);
    }
    if (h->fd >= 0) {
        (void)uv_poll_init(uv, &h->poll, h->fd);
        (void)uv_poll_start(&h->poll, UV_READABLE, on_caller);
    } else if (config->unix_dir[0] != '\0') {
        log_warning("no process can take over from this one reason=\"%s\"", strerror(-h->fd));
    }
}

void handover_send_cancel(const struct handover *h, const struct cancel_key *key)
{
    struct parcel parcel = {.kind = KIND_CANCEL, .n = sizeof *key};

    memcpy(parcel.bytes, key, sizeof *key);
    list_each_safe (node, tmp, &h->channels) {
        (void)parcel_send(container_of(node, struct channel, node)->fd, &parcel); /* best effort */
    }
}

void handover_stop(struct handover *h)
{
    while (!list_empty(&h->channels)) {
        close_channel(container_of(list_head(&h->channels), struct channel, node));
    }
    /* While the socket is open no other file has its number. */
    if (h->path[0] != '\0' && inode_of(h->path) == h->inode) {
        (void)unlink(h->path);
    }
    h->path[0] = '\0';
    stop_asking(h);
}
