// SPDX-License-Identifier: MIT
#include "daemon/listeners.h"

#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "net/listen.h"

static void close_all(const int *fds, int count)
{
    for (int i = 0; i < count; i++) {
        (void)close(fds[i]);
    }
}

int listeners_open(const struct listen_config *config, unsigned worker, int *fds, size_t cap,
                   struct err *err)
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
    if (worker == 0 && config->unix_dir[0] != '\0' && (size_t)count < cap) {
        (void)mkdir(config->unix_dir, 0755); /* what is missing is said by the bind */
        int fd = listen_open_unix(config->unix_dir, config->port, err);
        if (fd < 0) {
            close_all(fds, count);
            return fd;
        }
        fds[count++] = fd;
    }
    return count;
}

void listeners_unlink(const struct listen_config *config)
{
    char path[256];

    if (config->unix_dir[0] != '\0') {
        (void)snprintf(path, sizeof path, "%s/.s.PGSQL.%d", config->unix_dir, config->port);
        (void)unlink(path);
    }
}
