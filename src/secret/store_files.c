// SPDX-License-Identifier: MIT
//
// A folder with one file for each secret, of its name. The folder must not let others put their own
// file in a name's place; the files are as secret_file.c asks. A file is written whole beside its
// place, flushed to disk, and renamed: a reader finds the old or the new one, after a crash too.
// Two that write take turns by a lock on the folder.
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "secret/secret_ops.h"
#include "secret/store_ops.h"

#define NAME_BYTES 250 /* a file's name has 255, and the one beside it is longer */

static int fail_errno(struct err *err, const char *what)
{
    return err_set(err, ERR_STORE, "%s: %s", what, strerror(errno));
}

/* What is a path, or hidden, is no name. */
static int check_name(const char *id, struct err *err)
{
    if (id[0] == '.' || strchr(id, '/') != NULL || strlen(id) > NAME_BYTES) {
        return err_set(err, ERR_CONFIG, "cannot be the name of a file");
    }
    return 0;
}

static int check_folder(int fd, const char *path, struct err *err)
{
    struct stat st;

    if (fstat(fd, &st) < 0) {
        return fail_errno(err, path);
    }
    if (st.st_uid != geteuid() && st.st_uid != 0) {
        return err_set(err, ERR_CONFIG,
                       "%s: must be owned by the user who runs fahrend, or by root", path);
    }
    /* Sticky, as Kubernetes mounts them: others cannot touch our files. */
    if ((st.st_mode & (S_IWGRP | S_IWOTH)) != 0 && (st.st_mode & S_ISVTX) == 0) {
        return err_set(err, ERR_CONFIG, "%s: its mode, %04o, lets others write: make it 0700", path,
                       (unsigned)(st.st_mode & 07777));
    }
    return 0;
}

/* The folder's descriptor, or a negative code. */
static int open_folder(const struct store_call *call, struct err *err)
{
    const char *path = call->provider->directory;

    if (check_name(call->key->id, err) < 0) {
        return err->code;
    }
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) {
        return fail_errno(err, path);
    }
    if (check_folder(fd, path, err) < 0) {
        (void)close(fd);
        return err->code;
    }
    return fd;
}

static int read_file(const struct store_call *call, char **out, struct err *err)
{
    int folder = open_folder(call, err);

    if (folder < 0) {
        return folder;
    }
    int rc = secret_file_read(folder, call->key->id, out, err);
    (void)close(folder);
    if (rc == -ENOENT) {
        rc = err_set(err, ERR_NO_SECRET, "%s: there is no such file", call->provider->directory);
    }
    return rc;
}

static int write_all(int fd, const char *bytes, size_t n)
{
    while (n > 0) {
        ssize_t done = write(fd, bytes, n);
        if (done < 0 && errno != EINTR) {
            return -1;
        }
        bytes += done < 0 ? 0 : done;
        n -= done < 0 ? 0 : (size_t)done;
    }
    return 0;
}

/* The new content under another name, on disk. */
static int write_beside(int folder, const char *name, const char *value, struct err *err)
{
    (void)unlinkat(folder, name, 0); /* what a crash may have left */
    int fd = openat(folder, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0) {
        return fail_errno(err, "cannot be written");
    }
    int rc = write_all(fd, value, strlen(value)) < 0 || fsync(fd) < 0
                 ? fail_errno(err, "cannot be written")
                 : 0;
    if (close(fd) < 0 && rc == 0) {
        rc = fail_errno(err, "cannot be written");
    }
    return rc;
}

/* The folder for itself alone, until it is closed. */
static int lock_folder(int folder, struct err *err)
{
    while (flock(folder, LOCK_EX) < 0) {
        if (errno != EINTR) {
            return fail_errno(err, "cannot lock its folder");
        }
    }
    return 0;
}

static int replace_file(int folder, const char *name, const char *value, struct err *err)
{
    char *beside = x_printf(".%s.new", name);
    int rc = write_beside(folder, beside, value, err);

    if (rc == 0 && (renameat(folder, beside, folder, name) < 0 || fsync(folder) < 0)) {
        rc = fail_errno(err, "cannot be written");
    }
    if (rc < 0) {
        (void)unlinkat(folder, beside, 0); /* the error is told already */
    }
    free(beside);
    return rc;
}

static int write_file(const struct store_call *call, const char *value, struct err *err)
{
    if (mkdir(call->provider->directory, 0700) < 0 && errno != EEXIST) {
        return fail_errno(err, call->provider->directory);
    }
    int folder = open_folder(call, err);
    if (folder < 0) {
        return folder;
    }
    int rc = lock_folder(folder, err);
    rc = rc < 0 ? rc : replace_file(folder, call->key->id, value, err);
    (void)close(folder);
    return rc;
}

static int delete_file(const struct store_call *call, struct err *err)
{
    int folder = open_folder(call, err);
    int rc = 0;

    if (folder < 0) {
        return folder;
    }
    if (unlinkat(folder, call->key->id, 0) < 0) {
        rc = errno == ENOENT ? 0 : fail_errno(err, "cannot be deleted");
    } else if (fsync(folder) < 0) {
        rc = fail_errno(err, "cannot be deleted");
    }
    (void)close(folder);
    return rc;
}

const struct store_ops store_files_ops = {
    .type = "files", .read = read_file, .write = write_file, .remove = delete_file};
