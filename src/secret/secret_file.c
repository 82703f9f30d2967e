// SPDX-License-Identifier: MIT
//
// A secret in a file, which must be one that nobody else can see into.
#include "secret/secret_ops.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/private_file.h"
#include "secret/secret.h"

/* Reads to the end or to `cap`, whichever comes first; the count, or a negative errno. */
static ssize_t read_some(int fd, char *to, size_t cap)
{
    size_t n = 0;

    while (n < cap) {
        ssize_t got = read(fd, to + n, cap - n);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0) {
            return -errno;
        }
        if (got == 0) {
            break;
        }
        n += (size_t)got;
    }
    return (ssize_t)n;
}

static int read_secret(int fd, char **out, struct err *err)
{
    size_t cap = SECRET_SIZE_MAX + 3; /* CR and LF at its end, and one byte that is too many */
    char *bytes = x_alloc(cap);
    ssize_t n = read_some(fd, bytes, cap);

    int result = n < 0 ? err_set(err, ERR_CONFIG, "%s", strerror((int)-n))
                       : secret_take(bytes, (size_t)n, out, err);
    secure_zero(bytes, cap);
    free(bytes);
    return result;
}

int secret_file_read(int folder, const char *name, char **out, struct err *err)
{
    int fd = private_file_open_at(folder, name, err);

    if (fd < 0) {
        return fd;
    }
    int result = read_secret(fd, out, err);
    (void)close(fd); /* nothing was written */
    return result;
}

int secret_token_read(const char *path, char **out, struct err *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    int result =
        fd < 0 ? err_set(err, ERR_CONFIG, "%s", strerror(errno)) : read_secret(fd, out, err);

    if (fd >= 0) {
        (void)close(fd); /* nothing was written */
    }
    if (result < 0) {
        err_wrap(err, "%s", path);
    }
    return result;
}

int secret_file_resolve(const struct secret_ref *ref, char **out, struct err *err)
{
    int result = secret_file_read(AT_FDCWD, ref->value, out, err);

    if (result < 0) {
        err_wrap(err, "%s", ref->value);
    }
    return result;
}
