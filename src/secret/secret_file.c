// SPDX-License-Identifier: MIT
//
// A secret in a file. The file must be as safe as PostgreSQL asks of a server's private key: ours
// and closed to all others, or root's and at most readable by its group. What is checked is what
// was opened.
#include "secret/secret_ops.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "secret/secret.h"

#define ROOTS_FORBIDDEN (S_IWGRP | S_IXGRP | S_IRWXO)
#define OURS_FORBIDDEN  (S_IRWXG | S_IRWXO)

static int check_file(int fd, struct err *err)
{
    struct stat st;

    if (fstat(fd, &st) < 0) {
        return err_set(err, ERR_CONFIG, "%s", strerror(errno));
    }
    if (!S_ISREG(st.st_mode)) {
        return err_set(err, ERR_CONFIG, "is not a regular file");
    }
    if (st.st_uid != geteuid() && st.st_uid != 0) {
        return err_set(err, ERR_CONFIG, "must be owned by the user who runs fahrend, or by root");
    }
    mode_t forbidden = st.st_uid == 0 ? ROOTS_FORBIDDEN : OURS_FORBIDDEN;
    if ((st.st_mode & forbidden) != 0) {
        return err_set(
            err, ERR_CONFIG,
            "its mode, %04o, lets others at it: make it 0600, or 0640 where root owns it",
            (unsigned)(st.st_mode & 07777));
    }
    return 0;
}

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

int secret_file_resolve(const struct secret_ref *ref, char **out, struct err *err)
{
    /* Not blocking: opening a pipe that nobody writes to must not wait. */
    int fd = open(ref->value, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

    if (fd < 0) {
        return err_set(err, ERR_CONFIG, "%s: %s", ref->value, strerror(errno));
    }
    int result = check_file(fd, err);
    if (result == 0) {
        result = read_secret(fd, out, err);
    }
    (void)close(fd); /* nothing was written */
    if (result < 0) {
        err_wrap(err, "%s", ref->value);
    }
    return result;
}
