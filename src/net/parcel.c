// SPDX-License-Identifier: MIT
#include "net/parcel.h"

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Room for the descriptors, aligned as the kernel wants it. */
union control {
    struct cmsghdr header;
    char bytes[CMSG_SPACE(sizeof(int) * PARCEL_FDS)];
};

int parcel_send(int fd, const struct parcel *parcel)
{
    uint8_t kind = parcel->kind;
    struct iovec parts[] = {{&kind, 1}, {(void *)(uintptr_t)parcel->bytes, parcel->n}};
    union control control = {0};
    struct msghdr msg = {.msg_iov = parts, .msg_iovlen = 2};

    assert(parcel->n <= PARCEL_BYTES && parcel->fd_count <= PARCEL_FDS);
    if (parcel->fd_count > 0) {
        size_t size = sizeof(int) * parcel->fd_count;
        msg.msg_control = control.bytes;
        msg.msg_controllen = CMSG_SPACE(size);
        struct cmsghdr *header = CMSG_FIRSTHDR(&msg);
        header->cmsg_level = SOL_SOCKET;
        header->cmsg_type = SCM_RIGHTS;
        header->cmsg_len = CMSG_LEN(size);
        memcpy(CMSG_DATA(header), parcel->fds, size);
    }
    return sendmsg(fd, &msg, MSG_NOSIGNAL) < 0 ? -errno : 0;
}

static void take_descriptors(struct msghdr *msg, struct parcel *parcel)
{
    for (struct cmsghdr *h = CMSG_FIRSTHDR(msg); h != NULL; h = CMSG_NXTHDR(msg, h)) {
        if (h->cmsg_level == SOL_SOCKET && h->cmsg_type == SCM_RIGHTS) {
            size_t size = h->cmsg_len - CMSG_LEN(0);
            memcpy(parcel->fds, CMSG_DATA(h), size);
            parcel->fd_count = size / sizeof(int);
        }
    }
}

int parcel_receive(int fd, struct parcel *parcel)
{
    *parcel = (struct parcel){0};

    struct iovec parts[] = {{&parcel->kind, 1}, {parcel->bytes, PARCEL_BYTES}};
    union control control;
    struct msghdr msg = {.msg_iov = parts,
                         .msg_iovlen = 2,
                         .msg_control = control.bytes,
                         .msg_controllen = sizeof control.bytes};
    ssize_t n = recvmsg(fd, &msg, MSG_CMSG_CLOEXEC);
    if (n <= 0) {
        return n == 0 ? 0 : -errno;
    }
    take_descriptors(&msg, parcel);
    if ((msg.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0) {
        for (size_t i = 0; i < parcel->fd_count; i++) {
            (void)close(parcel->fds[i]);
        }
        parcel->fd_count = 0;
        return -EMSGSIZE;
    }
    parcel->n = (size_t)n - 1;
    return 1;
}
