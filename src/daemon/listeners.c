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

#include "net/listen.h"

static void close_all(const int *fds, int count)
{
    for (int i = 0; i < count; i++) {
        (void)close(fds[i]);
    }
}

static int open_tcp(const struct listen_config *config, int *fds, size_t cap, struct err *err)
{
    int count = 0;

    for (size_t i = 0; i < config->address.count; i++) {
        int n = listen_open_tcp(config->address.items[i], config->port, fds + count,
                                (int)cap - count, err);
        if (n < 0) {
            close_all(fds, count);
            return n;
        }
        count += n;
    }
    return count;
}

/* Who shares one queue of clients takes from it when it has time. */
static int open_unix(const struct listen_config *config, int *unix_fd, struct err *err)
{
    if (*unix_fd < 0) {
        (void)mkdir(config->unix_dir, 0755); /* what is missing is said by the bind */
        *unix_fd = listen_open_unix(config->unix_dir, config->port, err);
        return *unix_fd;
    }
    int fd = fcntl(*unix_fd, F_DUPFD_CLOEXEC, 0);
    return fd >= 0 ? fd : err_set(err, -errno, "listen: %s", strerror(errno));
}

static int copy_inherited(int inherited, int *fds, size_t cap, struct err *err)
{
    int count = 0;

    for (int i = 0; i < inherited && (size_t)count < cap; i++) {
        int from = SD_LISTEN_FDS_START + i;
        int fd = sd_is_socket(from, AF_UNSPEC, SOCK_STREAM, 1) > 0 ? fcntl(from, F_DUPFD_CLOEXEC, 0)
                                                                   : -1;
        if (fd < 0 || fcntl(fd, F_SETFL, O_NONBLOCK) < 0) {
            close_all(fds, count);
            return err_set(err, ERR_CONFIG, "descriptor %d of systemd is no listening socket",
                           from);
        }
        fds[count++] = fd;
    }
    return count;
}

int listeners_open(const struct listen_config *config, int *unix_fd, int *fds, size_t cap,
                   struct err *err)
{
    int inherited = sd_listen_fds(0);

    if (inherited > 0) {
        return copy_inherited(inherited, fds, cap, err);
    }
    int count = open_tcp(config, fds, cap, err);

    if (count < 0 || config->unix_dir[0] == '\0' || (size_t)count == cap) {
        return count;
    }
    int fd = open_unix(config, unix_fd, err);
    if (fd < 0) {
        close_all(fds, count);
        return fd;
    }
    fds[count++] = fd;
    return count;
}

void listeners_unlink(const struct listen_config *config)
{
    char path[256];

    if (config->unix_dir[0] != '\0' && sd_listen_fds(0) <= 0) {
        (void)snprintf(path, sizeof path, "%s/.s.PGSQL.%d", config->unix_dir, config->port);
        (void)unlink(path);
    }
}
