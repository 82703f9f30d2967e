// SPDX-License-Identifier: MIT
#include "chop.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/buf.h"

enum { KEPT_MAX = 256 * 1024, READ_MAX = 64 * 1024 };

struct end {
    struct source source;
    struct pair *pair;
    struct buf out; /* to be written here */
    bool ended;     /* nothing more will be read here */
};

struct pair {
    struct list node; /* in chop.pairs */
    struct chop *chop;
    struct end client; /* fahrend's side */
    struct end server;
};

uint32_t chop_size(struct rng *rng)
{
    static const uint32_t most[] = {1, 4, 64, 1024, 8192, 8192};

    return 1 + rng_below(rng, most[rng_below(rng, sizeof most / sizeof most[0])]);
}

static struct end *other(struct end *end)
{
    return end == &end->pair->client ? &end->pair->server : &end->pair->client;
}

static void close_pair(struct pair *pair)
{
    list_remove(&pair->node);
    source_close(pair->chop->reactor, &pair->client.source);
    source_close(pair->chop->reactor, &pair->server.source);
    buf_release(&pair->client.out);
    buf_release(&pair->server.out);
    free(pair);
}

static void watch(struct end *end)
{
    bool reads = !end->ended && buf_size(&other(end)->out) < KEPT_MAX;

    source_watch(end->pair->chop->reactor, &end->source,
                 (reads ? EPOLLIN : 0U) | (buf_size(&end->out) > 0 ? EPOLLOUT : 0U));
}

static bool take(struct end *end)
{
    struct buf *to = &other(end)->out;
    ssize_t n = read(end->source.fd, buf_reserve(to, READ_MAX), READ_MAX);

    if (n > 0) {
        buf_commit(to, (size_t)n);
    }
    end->ended = n == 0;
    return n >= 0 || errno == EAGAIN;
}

static bool give(struct end *end)
{
    struct chop *chop = end->pair->chop;
    struct slice bytes = slice_head(buf_slice(&end->out), chop_size(&chop->rng));
    ssize_t n = send(end->source.fd, bytes.p, bytes.n, MSG_NOSIGNAL);

    if (n > 0) {
        buf_consume(&end->out, (size_t)n);
        if (buf_size(&end->out) == 0) {
            buf_clear(&end->out);
        }
        if (chop->kill_one_in > 0 && rng_once_in(&chop->rng, chop->kill_one_in)) {
            chop->kills++;
            return false;
        }
    }
    return n >= 0 || errno == EAGAIN;
}

static void on_events(struct source *source, uint32_t events)
{
    struct end *end = container_of(source, struct end, source);
    struct pair *pair = end->pair;
    bool alive = (events & EPOLLIN) == 0 || take(end);

    alive = alive && ((events & EPOLLOUT) == 0 || give(end));
    alive = alive && (events & EPOLLERR) == 0 &&
            ((events & EPOLLHUP) == 0 || (source->interest & EPOLLIN) != 0);
    bool spent = (pair->client.ended && buf_size(&pair->server.out) == 0) ||
                 (pair->server.ended && buf_size(&pair->client.out) == 0);
    if (!alive || spent) {
        close_pair(pair);
        return;
    }
    watch(&pair->client);
    watch(&pair->server);
}

static void on_accept(struct source *source, uint32_t events)
{
    struct chop *chop = container_of(source, struct chop, listener);
    int fd = tcp_accept(source->fd);

    (void)events;
    if (fd < 0) {
        return;
    }
    struct pair *pair = x_zalloc(sizeof *pair);
    pair->chop = chop;
    pair->client.pair = pair->server.pair = pair;
    list_push_tail(&chop->pairs, &pair->node);
    source_open(chop->reactor, &pair->client.source, fd, EPOLLIN, on_events);
    source_open(chop->reactor, &pair->server.source, tcp_connect(chop->server, 0), EPOLLIN,
                on_events);
    chop->connections++;
}

void chop_start(struct chop *chop, struct reactor *reactor, uint16_t port, uint16_t server,
                uint64_t seed)
{
    *chop = (struct chop){.reactor = reactor, .server = server, .rng.state = seed};
    list_init(&chop->pairs);
    source_open(reactor, &chop->listener, tcp_listen(port), EPOLLIN, on_accept);
}

void chop_stop(struct chop *chop)
{
    while (!list_empty(&chop->pairs)) {
        close_pair(container_of(list_head(&chop->pairs), struct pair, node));
    }
    source_close(chop->reactor, &chop->listener);
}
