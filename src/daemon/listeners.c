// SPDX-License-Identifier: MIT
#include "daemon/listeners.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <systemd/sd-daemon.h>

int listeners_init(struct listeners *l, struct err *err)
{
    int count = sd_listen_fds(0);

    *l = (struct listeners){.unix_fd = -1, .given = count > 0};
    for (int i = 0; i < count; i++) {
        int fd = SD_LISTEN_FDS_START + i;
        if (sd_is_socket(fd, AF_UNSPEC, SOCK_STREAM, 1) <= 0 ||
            fcntl(fd, F_SETFL, O_NONBLOCK) < 0) {
            return err_set(err, ERR_CONFIG, "descriptor %d of systemd is no listening socket", fd);
        }
        listen_stock_add(&l->stock, fd);
    }
    return 0;
}

static int copy(int fd, struct listener_set *set, struct err *err)
{
    if (set->count == LISTENERS_EACH) {
        return 0; /* no more are polled: the configuration's check says so */
    }
    int other = fcntl(fd, F_DUPFD_CLOEXEC, 0);
    if (other < 0) {
        return err_set(err, -errno, "listen: %s", strerror(errno));
    }
    set->fds[set->count++] = other;
    return 0;
}

/* The stock's own descriptors stay open: they are what is handed on. */
static int copy_given(const struct listeners *l, struct listener_set *set, struct err *err)
{
    for (size_t i = 0; i < l->stock.count; i++) {
        int rc = copy(l->stock.fds[i], set, err);
        if (rc < 0) {
            return rc;
        }
    }
    return 0;
}

static int open_tcp(struct listeners *l, const struct listen_config *config,
                    struct listener_set *set, struct err *err)
{
    for (size_t i = 0; i < config->address.count; i++) {
        int n = listen_open_tcp(config->address.items[i], config->port, &l->stock,
                                set->fds + set->count, LISTENERS_EACH - (int)set->count, err);
        if (n < 0) {
            return n;
        }
        set->count += (size_t)n;
    }
    return 0;
}

/* Who shares one queue of clients takes from it when it has time. */
static int open_unix(struct listeners *l, const struct listen_config *config,
                     struct listener_set *set, struct err *err)
{
    if (config->unix_dir[0] == '\0' || set->count == LISTENERS_EACH) {
        return 0;
    }
    if (l->unix_fd >= 0) {
        return copy(l->unix_fd, set, err);
    }
    (void)mkdir(config->unix_dir, 0755); /* what is missing is said by the bind */
    l->unix_fd = listen_open_unix(config->unix_dir, config->port, &l->stock, err);
    if (l->unix_fd < 0) {
        return l->unix_fd;
    }
    (void)snprintf(l->path, sizeof l->path, "%s/.s.PGSQL.%d", config->unix_dir, config->port);
    set->fds[set->count++] = l->unix_fd;
    return 0;
}

static bool is_unix(int fd)
{
    int domain = 0;
    socklen_t size = sizeof domain;

    return getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &size) == 0 && domain == AF_UNIX;
}

/* Who ran before had more workers: the queues that are left go round, so that nobody waits in one
 * that is never asked. Queues of addresses that are no more are given up, and so are copies of a
 * Unix socket, whose queue has another. */
static void spread_rest(struct listeners *l, struct listener_set *sets, size_t count)
{
    size_t next = 0;

    for (size_t i = 0; i < sets[0].count; i++) {
        int like = sets[0].fds[i];
        int fd = is_unix(like) ? -1 : listen_stock_take_like(&l->stock, like);
        while (fd >= 0) {
            struct listener_set *set = &sets[next++ % count];
            if (set->count == LISTENERS_EACH) {
                listen_stock_add(&l->stock, fd);
                break;
            }
            set->fds[set->count++] = fd;
            fd = listen_stock_take_like(&l->stock, like);
        }
    }
    listen_stock_close(&l->stock);
}

int listeners_open(struct listeners *l, const struct listen_config *config,
                   struct listener_set *sets, size_t count, struct err *err)
{
    for (size_t i = 0; i < count; i++) {
        int rc = l->given ? copy_given(l, &sets[i], err) : open_tcp(l, config, &sets[i], err);
        if (rc == 0 && !l->given) {
            rc = open_unix(l, config, &sets[i], err);
        }
        if (rc < 0) {
            return rc;
        }
    }
    if (!l->given) {
        spread_rest(l, sets, count);
    }
    return 0;
}

void listeners_hand_over(struct listeners *l)
{
    l->path[0] = '\0';
}

void listeners_unlink(struct listeners *l)
{
    if (l->path[0] != '\0') {
        (void)unlink(l->path);
        l->path[0] = '\0';
    }
}

void listeners_fini(struct listeners *l)
{
    listeners_unlink(l);
    listen_stock_close(&l->stock);
}
