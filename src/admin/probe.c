// SPDX-License-Identifier: MIT
#include "admin/probe.h"

#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define PROBE_TIMEOUT 1000 /* ms, of each address */

static bool reaches(int family, const struct sockaddr *to, socklen_t size)
{
    int fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    int error = 0;
    socklen_t error_size = sizeof error;

    if (fd < 0) {
        return false;
    }
    if (connect(fd, to, size) < 0) {
        struct pollfd wait = {.fd = fd, .events = POLLOUT};
        error = errno;
        if (error == EINPROGRESS && poll(&wait, 1, PROBE_TIMEOUT) == 1) {
            (void)getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &error_size);
        }
    }
    (void)close(fd);
    return error == 0;
}

static bool probe_unix(const char *directory, int port)
{
    struct sockaddr_un sun = {.sun_family = AF_UNIX};
    int n = snprintf(sun.sun_path, sizeof sun.sun_path, "%s/.s.PGSQL.%d", directory, port);

    if (n < 0 || (size_t)n >= sizeof sun.sun_path) {
        return false;
    }
    socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + (size_t)n);
    if (directory[0] == '@') { /* an abstract name: as long as it is said to be */
        sun.sun_path[0] = '\0';
    } else {
        size = sizeof sun;
    }
    return reaches(AF_UNIX, (const struct sockaddr *)&sun, size);
}

static bool probe_host(const char *host, int port)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
    struct addrinfo *list = NULL;
    char service[16];
    bool found = false;

    if (host[0] == '/' || host[0] == '@') {
        return probe_unix(host, port);
    }
    (void)snprintf(service, sizeof service, "%d", port);
    if (getaddrinfo(host, service, &hints, &list) != 0) {
        return false;
    }
    for (const struct addrinfo *ai = list; ai != NULL && !found; ai = ai->ai_next) {
        found = reaches(ai->ai_family, ai->ai_addr, ai->ai_addrlen);
    }
    freeaddrinfo(list);
    return found;
}

bool probe_server(const struct server_config *server)
{
    for (size_t i = 0; i < server->host.count; i++) {
        if (probe_host(server->host.items[i], server->port)) {
            return true;
        }
    }
    return false;
}
