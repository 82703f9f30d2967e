// SPDX-License-Identifier: MIT
//
// drive: clients that take turns, one query under way at a time, so that each costs the proxy one
// turn of its loop and the count of instructions is the same in every run. Client i belongs to
// tenant t<first + i mod tenants>. All log in; then -q queries are run, client after client; then
// all leave. What a query is:
//   simple     one Query message
//   prepared   Bind, Execute, Sync of a named statement, which each client prepares when it logs in
// With -w it says "ready" on standard output when all have logged in, "done" when all queries have
// been answered, and goes on when a line comes. An error of the server's, or no row where one is
// due, ends everything with exit status 1. Speaks the protocol itself, with blocking sockets and
// trust login only.
#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { PACKET_MAX = 512, INPUT_MAX = 16384 };

#define SQL "SELECT abalance FROM pgbench_accounts WHERE aid = 1"

struct packet {
    uint8_t bytes[PACKET_MAX];
    size_t n;
    size_t length_at; /* of the message being put together */
};

struct drive {
    const char *user, *database;
    uint16_t port;
    unsigned count, tenants, first; /* clients; tenants; number of the first of them */
    unsigned queries;
    bool prepared;
    bool bare;  /* no startup parameter that names a tenant */
    bool waits; /* says how far it is, and waits for a line before it goes on */
    int *fds;   /* owned */
};

static _Noreturn void fail(const char *what)
{
    fprintf(stderr, "drive: %s: %s\n", what, strerror(errno));
    exit(1);
}

static uint32_t be32_read(const uint8_t *p)
{
    uint32_t value;

    memcpy(&value, p, sizeof(value));
    return ntohl(value);
}

/* ---- messages out ---- */

static void put(struct packet *p, const void *bytes, size_t n)
{
    if (p->n + n > PACKET_MAX) {
        errno = EMSGSIZE;
        fail("packet");
    }
    memcpy(p->bytes + p->n, bytes, n);
    p->n += n;
}

static void put_string(struct packet *p, const char *s)
{
    put(p, s, strlen(s) + 1);
}

static void put_length(struct packet *p)
{
    memcpy(p->bytes + p->length_at, &(uint32_t){htonl((uint32_t)(p->n - p->length_at))}, 4);
}

/* type 0: a startup packet, which has none. */
static void begin_message(struct packet *p, char type)
{
    if (type != 0) {
        put(p, &type, 1);
    }
    p->length_at = p->n;
    put(p, "\0\0\0\0", 4);
}

static void send_packet(int fd, const struct packet *p)
{
    if (write(fd, p->bytes, p->n) != (ssize_t)p->n) {
        fail("write");
    }
}

static void put_startup(const struct drive *d, struct packet *p, unsigned client)
{
    char tenant[16];

    snprintf(tenant, sizeof(tenant), "t%u", d->first + client % d->tenants);
    begin_message(p, 0);
    put(p, &(uint32_t){htonl(3 << 16)}, 4);
    put_string(p, "user");
    put_string(p, d->user);
    put_string(p, "database");
    put_string(p, d->database);
    if (!d->bare) {
        put_string(p, "app.tenant");
        put_string(p, tenant);
    }
    put(p, "", 1);
    put_length(p);
}

static void put_sync(struct packet *p)
{
    begin_message(p, 'S');
    put_length(p);
}

static void put_parse(struct packet *p)
{
    begin_message(p, 'P');
    put_string(p, "s1");
    put_string(p, SQL);
    put(p, "\0", 2);
    put_length(p);
    put_sync(p);
}

static void put_query(const struct drive *d, struct packet *p)
{
    if (!d->prepared) {
        begin_message(p, 'Q');
        put_string(p, SQL);
        put_length(p);
        return;
    }
    begin_message(p, 'B');
    put_string(p, "");
    put_string(p, "s1");
    put(p, "\0\0\0\0\0\0", 6);
    put_length(p);
    begin_message(p, 'E');
    put_string(p, "");
    put(p, "\0\0\0\0", 4);
    put_length(p);
    put_sync(p);
}

/* ---- messages in ---- */

static _Noreturn void fail_with_error(const uint8_t *body, size_t n)
{
    fprintf(stderr, "drive:");
    for (size_t i = 0; i + 1 < n && body[i] != 0; i += strlen((const char *)body + i) + 1) {
        if (strchr("SCM", body[i]) != NULL) {
            fprintf(stderr, " %s", (const char *)body + i + 1);
        }
    }
    fprintf(stderr, "\n");
    exit(1);
}

/* Reads up to a ReadyForQuery; returns how many rows came. */
static unsigned await_ready(int fd)
{
    static _Thread_local uint8_t input[INPUT_MAX];
    size_t have = 0;
    unsigned rows = 0;

    for (;;) {
        ssize_t n = read(fd, input + have, INPUT_MAX - have);
        if (n <= 0) {
            fail(n == 0 ? "connection closed" : "read");
        }
        have += (size_t)n;
        size_t at = 0;
        while (have - at >= 5 && have - at >= be32_read(input + at + 1) + 1) {
            uint8_t type = input[at];
            size_t size = be32_read(input + at + 1) + 1;
            if (type == 'E') {
                fail_with_error(input + at + 5, size - 5);
            }
            rows += type == 'D';
            at += size;
            if (type == 'Z') {
                return rows;
            }
        }
        memmove(input, input + at, have - at);
        have -= at;
    }
}

/* ---- the run ---- */

static void open_client(struct drive *d, unsigned client)
{
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_port = htons(d->port),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct packet p = {.n = 0};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd < 0 || connect(fd, (struct sockaddr *)&to, sizeof(to)) < 0 ||
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int)) < 0) {
        fail("connect");
    }
    d->fds[client] = fd;
    put_startup(d, &p, client);
    send_packet(fd, &p);
    (void)await_ready(fd);
    if (d->prepared) {
        p.n = 0;
        put_parse(&p);
        send_packet(fd, &p);
        (void)await_ready(fd);
    }
}

static void run_query(struct drive *d, unsigned client)
{
    struct packet p = {.n = 0};

    put_query(d, &p);
    send_packet(d->fds[client], &p);
    if (await_ready(d->fds[client]) != 1) {
        fprintf(stderr, "drive: an answer without its row\n");
        exit(1);
    }
}

/* Waits until the proxy has closed as well, so that all it does for the client is done. */
static void close_client(int fd)
{
    uint8_t byte;

    if (write(fd, "X\0\0\0\4", 5) != 5 || read(fd, &byte, 1) != 0) {
        fail("goodbye");
    }
    (void)close(fd);
}

static void stop_at(const struct drive *d, const char *place)
{
    char line[16];

    if (d->waits &&
        (puts(place) < 0 || fflush(stdout) != 0 || fgets(line, sizeof(line), stdin) == NULL)) {
        fail(place);
    }
}

static unsigned number(const char *text)
{
    char *end;
    unsigned long value = strtoul(text, &end, 10);

    if (*end != 0 || *text == 0 || value > 10000000) {
        fprintf(stderr, "drive: %s is no number up to 10000000\n", text);
        exit(2);
    }
    return (unsigned)value;
}

static void parse_options(struct drive *d, int argc, char **argv)
{
    int option;

    while ((option = getopt(argc, argv, "p:U:d:c:n:f:q:PBw")) != -1) {
        switch (option) {
        case 'p':
            d->port = (uint16_t)number(optarg);
            break;
        case 'U':
            d->user = optarg;
            break;
        case 'd':
            d->database = optarg;
            break;
        case 'c':
            d->count = number(optarg);
            break;
        case 'n':
            d->tenants = number(optarg);
            break;
        case 'f':
            d->first = number(optarg);
            break;
        case 'q':
            d->queries = number(optarg);
            break;
        case 'P':
            d->prepared = true;
            break;
        case 'B':
            d->bare = true;
            break;
        case 'w':
            d->waits = true;
            break;
        default:
            fprintf(stderr, "usage: drive -p PORT [-U USER] [-d DATABASE] [-c CLIENTS] "
                            "[-n TENANTS] [-f FIRST] [-q QUERIES] [-P (prepared)] [-B (bare)] "
                            "[-w (waits)]\n");
            exit(2);
        }
    }
    if (d->count == 0 || d->tenants == 0) {
        fprintf(stderr, "drive: no clients, or no tenants\n");
        exit(2);
    }
}

int main(int argc, char **argv)
{
    struct drive d = {
        .user = "app", .database = "bench", .port = 6432, .count = 1, .tenants = 1, .queries = 0};

    parse_options(&d, argc, argv);
    d.fds = calloc(d.count, sizeof(*d.fds));
    if (d.fds == NULL) {
        fail("start");
    }
    for (unsigned i = 0; i < d.count; i++) {
        open_client(&d, i);
    }
    stop_at(&d, "ready");
    for (unsigned i = 0; i < d.queries; i++) {
        run_query(&d, i % d.count);
    }
    stop_at(&d, "done");
    for (unsigned i = 0; i < d.count; i++) {
        close_client(d.fds[i]);
    }
    free(d.fds);
    return 0;
}
