// SPDX-License-Identifier: MIT
//
// parcel: one message between two processes of this machine, with descriptors. Each is one record
// of a SOCK_SEQPACKET socket: a byte that says what it is, at most PARCEL_BYTES more, and at most
// PARCEL_FDS descriptors, which arrive as copies and are closed at exec. What does not have this
// form is an error, and no descriptor of it stays open.
#ifndef NET_PARCEL_H
#define NET_PARCEL_H

#include <stddef.h>
#include <stdint.h>

enum { PARCEL_BYTES = 64, PARCEL_FDS = 100 };

struct parcel {
    uint8_t kind; /* what it means is theirs who send and receive it */
    uint8_t bytes[PARCEL_BYTES];
    size_t n;            /* bytes of it */
    int fds[PARCEL_FDS]; /* borrowed when sent; the receiver's when received */
    size_t fd_count;
};

/* 0 or a negative code; -EAGAIN where the socket does not block and is full. */
int parcel_send(int fd, const struct parcel *parcel);

/* 1; 0 at the end; or a negative code, -EAGAIN where nothing waits. */
int parcel_receive(int fd, struct parcel *parcel);

#endif
