// SPDX-License-Identifier: MIT
//
// forwarder_uring: the forwarder of forwarder.c on io_uring: multishot receive into provided
// buffers, sends from the same buffers, one issuer, completions when they are asked for. It exists
// to measure what io_uring brings (uring.sh); the proxy does not use it. One thread.
#include <errno.h>
#include <liburing.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { BUFFERS = 1024, BUFFER = 16384, ENTRIES = 1024, GROUP = 1 };
enum kind { RECEIVE, SEND, ACCEPT, KINDS = 4 }; /* in the low bits of a request's data */

struct side {
    int fd;
    int under_way; /* requests: it stays until there are none */
    bool closed;
    struct side *peer;
    uint16_t queue[BUFFERS]; /* buffers to be sent to fd, in order; the head is under way */
    uint32_t sizes[BUFFERS];
    unsigned head, tail;
};

static struct io_uring ring;
static struct io_uring_buf_ring *provided;
static char *memory;

static struct sockaddr_in loopback(const char *port)
{
    return (struct sockaddr_in){.sin_family = AF_INET,
                                .sin_port = htons((uint16_t)strtoul(port, NULL, 10)),
                                .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
}

static struct io_uring_sqe *request(void *of, enum kind kind)
{
    struct io_uring_sqe *sqe = io_uring_get_sqe(&ring);

    if (sqe == NULL) {
        io_uring_submit(&ring);
        sqe = io_uring_get_sqe(&ring);
    }
    sqe->user_data = (uintptr_t)of | kind;
    return sqe;
}

static void give_back(uint16_t id)
{
    io_uring_buf_ring_add(provided, memory + (size_t)id * BUFFER, BUFFER, id,
                          io_uring_buf_ring_mask(BUFFERS), 0);
    io_uring_buf_ring_advance(provided, 1);
}

static void receive(struct side *s)
{
    struct io_uring_sqe *sqe = request(s, RECEIVE);
    uint64_t data = sqe->user_data;

    io_uring_prep_recv_multishot(sqe, s->fd, NULL, 0, 0);
    sqe->user_data = data;
    sqe->flags |= IOSQE_BUFFER_SELECT;
    sqe->buf_group = GROUP;
    s->under_way++;
}

static void send_head(struct side *s)
{
    struct io_uring_sqe *sqe = request(s, SEND);
    uint64_t data = sqe->user_data;
    unsigned at = s->head % BUFFERS;

    io_uring_prep_send(sqe, s->fd, memory + (size_t)s->queue[at] * BUFFER, s->sizes[at],
                       MSG_WAITALL | MSG_NOSIGNAL);
    sqe->user_data = data;
    s->under_way++;
}

static void close_side(struct side *s)
{
    if (!s->closed) {
        s->closed = true;
        shutdown(s->fd, SHUT_RDWR);
    }
}

/* Both are closed and the kernel has nothing more to say of them. */
static void free_if_over(struct side *s)
{
    if (s->closed && s->peer->closed && s->under_way == 0 && s->peer->under_way == 0) {
        close(s->fd);
        close(s->peer->fd);
        free(s->peer);
        free(s);
    }
}

static void on_received(struct side *s, const struct io_uring_cqe *cqe)
{
    struct side *to = s->peer;

    if ((cqe->flags & IORING_CQE_F_MORE) == 0) {
        s->under_way--;
    }
    if (cqe->res > 0) {
        unsigned at = to->tail++ % BUFFERS;
        to->queue[at] = (uint16_t)(cqe->flags >> IORING_CQE_BUFFER_SHIFT);
        to->sizes[at] = (uint32_t)cqe->res;
        if (to->tail - to->head == 1) {
            send_head(to);
        }
    }
    if (cqe->res > 0 || cqe->res == -ENOBUFS) {
        if ((cqe->flags & IORING_CQE_F_MORE) == 0 && !s->closed) {
            receive(s);
        }
    } else {
        close_side(s);
        close_side(to);
    }
    free_if_over(s);
}

static void on_sent(struct side *s, const struct io_uring_cqe *cqe)
{
    s->under_way--;
    give_back(s->queue[s->head++ % BUFFERS]);
    if (cqe->res < 0) {
        close_side(s);
        close_side(s->peer);
    } else if (s->head != s->tail) {
        send_head(s);
    }
    free_if_over(s);
}

static struct side *side_new(int fd)
{
    struct side *s = calloc(1, sizeof(*s));

    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
    s->fd = fd;
    return s;
}

static void accept_next(int listener)
{
    struct io_uring_sqe *sqe = request(NULL, ACCEPT);
    uint64_t data = sqe->user_data;

    io_uring_prep_accept(sqe, listener, NULL, NULL, SOCK_CLOEXEC);
    sqe->user_data = data;
}

static void on_client(int client, const struct sockaddr_in *target)
{
    int server = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (client < 0 || connect(server, (const struct sockaddr *)target, sizeof(*target)) < 0) {
        close(client);
        close(server);
        return;
    }
    struct side *a = side_new(client);
    struct side *b = side_new(server);
    a->peer = b;
    b->peer = a;
    receive(a);
    receive(b);
}

static bool start_ring(void)
{
    struct io_uring_params params = {.flags =
                                         IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN};
    struct io_uring_buf_reg reg = {.ring_entries = BUFFERS, .bgid = GROUP};

    if (io_uring_queue_init_params(ENTRIES, &ring, &params) < 0) {
        return false;
    }
    memory = aligned_alloc(4096, (size_t)BUFFERS * BUFFER);
    provided = aligned_alloc(4096, BUFFERS * sizeof(struct io_uring_buf));
    io_uring_buf_ring_init(provided);
    reg.ring_addr = (uintptr_t)provided;
    if (io_uring_register_buf_ring(&ring, &reg, 0) < 0) {
        return false;
    }
    for (unsigned i = 0; i < BUFFERS; i++) {
        give_back((uint16_t)i);
    }
    return true;
}

static void take(const struct io_uring_cqe *cqe, int listener, const struct sockaddr_in *target)
{
    struct side *s = (struct side *)(uintptr_t)(cqe->user_data & ~(uint64_t)(KINDS - 1));

    switch ((enum kind)(cqe->user_data & (KINDS - 1))) {
    case RECEIVE:
        on_received(s, cqe);
        break;
    case SEND:
        on_sent(s, cqe);
        break;
    case ACCEPT:
        on_client(cqe->res, target);
        accept_next(listener);
        break;
    case KINDS:
        break;
    }
}

int main(int argc, char **argv)
{
    if (argc != 3) {
        fprintf(stderr, "usage: forwarder_uring PORT TARGET_PORT\n");
        return 2;
    }
    struct sockaddr_in here = loopback(argv[1]), target = loopback(argv[2]);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &(int){1}, sizeof(int));
    if (bind(fd, (struct sockaddr *)&here, sizeof(here)) < 0 || listen(fd, 128) < 0) {
        perror("forwarder_uring: listen");
        return 1;
    }
    if (!start_ring()) {
        perror("forwarder_uring: io_uring");
        return 1;
    }
    accept_next(fd);
    for (;;) {
        struct io_uring_cqe *cqe;
        unsigned head, n = 0;
        io_uring_submit_and_wait(&ring, 1);
        io_uring_for_each_cqe(&ring, head, cqe)
        {
            take(cqe, fd, &target);
            n++;
        }
        io_uring_cq_advance(&ring, n);
    }
}
