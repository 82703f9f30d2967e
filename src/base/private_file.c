// SPDX-License-Identifier: MIT
#include "base/private_file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

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

int private_file_open(const char *path, struct err *err)
{
    return private_file_open_at(AT_FDCWD, path, err);
}

int private_file_open_at(int folder, const char *name, struct err *err)
{
    /* Not blocking: opening a pipe that nobody writes to must not wait. */
    int fd = openat(folder, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

    if (fd < 0) {
        return err_set(err, errno == ENOENT ? -ENOENT : ERR_CONFIG, "%s", strerror(errno));
    }
    int rc = check_file(fd, err);
    if (rc < 0) {
        (void)close(fd); /* nothing was written */
        return rc;
    }
    return fd;
}
