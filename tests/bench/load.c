// SPDX-License-Identifier: MIT
//
// load: many clients that run one transaction in a loop each, and check every row that they get.
// Client i belongs to tenant t<first + i mod tenants>. The modes differ in who puts the tenant in
// force:
//   select   the proxy: app.tenant is a startup parameter, the transaction is one SELECT
//   local    the application: BEGIN, SET LOCAL app.tenant, SELECT, COMMIT, a round trip each
//   batched  the application: the same four in one Query message
//   hog      the proxy; the transaction keeps its connection for 2 to 8 ms
//   light    the proxy; the transaction takes next to no time
//   point    nobody: one SELECT of pgbench_accounts; with -x extended or -x prepared by that
//   protocol any      the proxy; whatever row comes is right (the server is stub.c) login    as
//   any, but every transaction has a connection of its own
// With -b "begun" is printed when all clients are logged in. With -i every client runs one
// transaction; then "ready" is printed and nothing happens until stdin ends. $t in the database's
// name is the tenant. A transaction without exactly one row, which must be its own tenant's, or an
// error, is counted and makes the exit status 1. The result is one line of JSON. load speaks the
// protocol itself (trust login only), so that it costs little beside what is measured. One thread,
// one epoll set.
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
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

enum {
    STEPS_MAX = 4,
    INPUT_MAX = 4096,
    PACKET_MAX = 512,
    EVENTS_MAX = 64,
    LATENCIES_MAX = 1 << 22
};

struct mode {
    const char *name;
    bool parameter;               /* app.tenant goes into the startup packet */
    const char *steps[STEPS_MAX]; /* one Query each; $t is the tenant, $r a row */
    bool unchecked;               /* rows of anybody are right */
    bool reconnects;              /* after every transaction */
};

enum protocol { SIMPLE, EXTENDED, PREPARED };

static const char *const protocols[] = {"simple", "extended", "prepared"};

#define SET_TENANT "SET LOCAL app.tenant = '$t'"
#define SELECT_ROW "SELECT tenant_id, body FROM items WHERE id = $r"

static const struct mode modes[] = {
    {.name = "select", .parameter = true, .steps = {SELECT_ROW}},
    {.name = "local", .steps = {"BEGIN", SET_TENANT, SELECT_ROW, "COMMIT"}},
    {.name = "batched", .steps = {"BEGIN; " SET_TENANT "; " SELECT_ROW "; COMMIT"}},
    {.name = "hog",
     .parameter = true,
     .steps = {"SELECT '$t', pg_sleep(0.002 + 0.006 * random())"}},
    {.name = "light", .parameter = true, .steps = {"SELECT '$t'"}},
    {.name = "point",
     .parameter = true,
     .steps = {"SELECT abalance FROM pgbench_accounts WHERE aid = $r"},
     .unchecked = true},
    {.name = "any", .parameter = true, .steps = {"SELECT 1"}, .unchecked = true},
    {.name = "login",
     .parameter = true,
     .steps = {"SELECT 1"},
     .unchecked = true,
     .reconnects = true},
};

struct client {
    int fd;
    char tenant[16];
    unsigned step;            /* which of the mode's steps is under way */
    unsigned rows;            /* rows of our tenant in this transaction */
    unsigned foreign;         /* rows of others in this transaction */
    bool logged_in;           /* once */
    bool greeted;             /* this connection's first ReadyForQuery came */
    bool prepared;            /* our statement is there */
    uint64_t since;           /* when this transaction began, ns */
    uint8_t input[INPUT_MAX]; /* received and not parsed yet */
    size_t input_n;
};

struct load {
    const struct mode *mode;
    enum protocol protocol;
    const char *user, *database;
    uint16_t port;
    unsigned count, tenants, rows; /* clients, tenants, rows of each tenant */
    unsigned first;                /* number of the first tenant */
    uint64_t duration;             /* ns from the first transaction on */
    bool idle;
    bool tell_begun;
    int epoll;
    struct client *clients;       /* owned */
    unsigned logged_in, resting;  /* clients past their login; clients with nothing to do */
    uint64_t begun, ended;        /* the first and the last transaction, ns */
    uint64_t done, wrong, errors; /* transactions, those with wrong rows, ErrorResponses */
    uint32_t *latencies;          /* owned: µs of the first LATENCIES_MAX transactions */
    uint64_t random;              /* xorshift64 */
};

static uint64_t now_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000U + (uint64_t)t.tv_nsec;
}

static _Noreturn void fail(const char *what)
{
    fprintf(stderr, "load: %s: %s\n", what, strerror(errno));
    exit(1);
}

static void be32_write(uint8_t *p, uint32_t value)
{
    memcpy(p, &(uint32_t){htonl(value)}, sizeof(value));
}

static uint32_t be32_read(const uint8_t *p)
{
    uint32_t value;

    memcpy(&value, p, sizeof(value));
    return ntohl(value);
}

static unsigned choose_row(struct load *l)
{
    l->random ^= l->random << 13;
    l->random ^= l->random >> 7;
    l->random ^= l->random << 17;
    return (unsigned)(l->random % l->rows) + 1;
}

/* Our messages are short and nothing else is under way: the socket takes them whole. */
static void send_all(struct client *c, const uint8_t *p, size_t n)
{
    if (write(c->fd, p, n) != (ssize_t)n) {
        fail("write");
    }
}

static uint8_t *put_string(uint8_t *p, const char *s)
{
    size_t n = strlen(s) + 1;

    memcpy(p, s, n);
    return p + n;
}

/* With tenant and row filled in, where the text asks for them; returns the end, after the 0. */
static uint8_t *put_text(struct load *l, const struct client *c, uint8_t *p, const char *text)
{
    for (const char *s = text; *s != 0; s++) {
        if (strncmp(s, "$t", 2) == 0) {
            p = put_string(p, c->tenant) - 1;
            s++;
        } else if (strncmp(s, "$r", 2) == 0) {
            p += sprintf((char *)p, l->protocol == SIMPLE ? "%u" : "$1", choose_row(l));
            s++;
        } else {
            *p++ = (uint8_t)*s;
        }
    }
    *p++ = 0;
    return p;
}

static void send_startup(struct load *l, struct client *c)
{
    uint8_t packet[PACKET_MAX];
    uint8_t *p = packet + 8;

    be32_write(packet + 4, 3 << 16);
    p = put_string(put_string(p, "user"), l->user);
    p = put_text(l, c, put_string(p, "database"), l->database);
    if (l->mode->parameter) {
        p = put_string(put_string(p, "app.tenant"), c->tenant);
    }
    *p++ = 0;
    be32_write(packet, (uint32_t)(p - packet));
    send_all(c, packet, (size_t)(p - packet));
}

static uint8_t *begin_message(uint8_t *p, char type)
{
    *p = (uint8_t)type;
    return p + 5;
}

/* The message that begins at `start` and ends here. */
static uint8_t *end_message(uint8_t *start, uint8_t *end)
{
    be32_write(start + 1, (uint32_t)(end - start - 1));
    return end;
}

static uint8_t *put_bytes(uint8_t *p, const char *bytes, size_t n)
{
    memcpy(p, bytes, n);
    return p + n;
}

static uint8_t *put_parse(struct load *l, const struct client *c, uint8_t *start, const char *name)
{
    uint8_t *p = put_string(begin_message(start, 'P'), name);

    p = put_text(l, c, p, l->mode->steps[c->step]);
    return end_message(start, put_bytes(p, "\0", 2)); /* no types */
}

/* Bind, Describe and Execute of the unnamed portal, and Sync, as libpq does it. */
static uint8_t *put_execution(struct load *l, uint8_t *start, const char *name)
{
    char row[16];
    uint8_t *p = put_string(begin_message(start, 'B'), "");

    p = put_bytes(put_string(p, name), "\0\0\0\1", 4); /* one parameter, as text */
    be32_write(p, (uint32_t)sprintf(row, "%u", choose_row(l)));
    p = put_bytes(p + 4, row, strlen(row));
    p = end_message(start, put_bytes(p, "\0\0", 2));
    p = end_message(p, put_bytes(begin_message(p, 'D'), "P", 2));
    p = end_message(p, put_bytes(begin_message(p, 'E'), "\0\0\0\0", 5));
    return end_message(p, begin_message(p, 'S'));
}

static void send_step(struct load *l, struct client *c)
{
    const char *name = l->protocol == PREPARED ? "s" : "";
    uint8_t packet[PACKET_MAX];
    uint8_t *p = packet;

    if (l->protocol == SIMPLE) {
        p = end_message(p, put_text(l, c, begin_message(p, 'Q'), l->mode->steps[c->step]));
    } else {
        if (!c->prepared) {
            p = put_parse(l, c, p, name);
            c->prepared = l->protocol == PREPARED;
        }
        p = put_execution(l, p, name);
    }
    send_all(c, packet, (size_t)(p - packet));
}

static void begin_transaction(struct load *l, struct client *c)
{
    c->step = c->rows = c->foreign = 0;
    if (!l->mode->reconnects) {
        c->since = now_ns();
    }
    send_step(l, c);
}

static void open_client(struct load *l, struct client *c)
{
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_port = htons(l->port),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = c};

    c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (c->fd < 0 || connect(c->fd, (struct sockaddr *)&to, sizeof(to)) < 0 ||
        setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int)) < 0 ||
        epoll_ctl(l->epoll, EPOLL_CTL_ADD, c->fd, &event) < 0) {
        fail("connect");
    }
    c->greeted = false;
    c->since = now_ns();
    send_startup(l, c);
}

static void reopen_client(struct load *l, struct client *c)
{
    send_all(c, (const uint8_t *)"X\0\0\0\4", 5);
    (void)close(c->fd);
    c->input_n = 0;
    open_client(l, c);
}

static void end_transaction(struct load *l, struct client *c)
{
    uint64_t now = now_ns();

    if (l->done < LATENCIES_MAX) {
        l->latencies[l->done] = (uint32_t)((now - c->since) / 1000);
    }
    l->done++;
    l->wrong += c->rows != 1 || c->foreign != 0;
    l->ended = now;
    if (l->idle || now - l->begun >= l->duration) {
        l->resting++;
    } else if (l->mode->reconnects) {
        reopen_client(l, c);
    } else {
        begin_transaction(l, c);
    }
}

/* The load begins when every client is logged in, so that it is not mixed with the logins. */
static void on_login(struct load *l, struct client *c)
{
    if (c->logged_in) {
        begin_transaction(l, c); /* on its next connection */
        return;
    }
    c->logged_in = true;
    if (++l->logged_in < l->count) {
        return;
    }
    l->begun = now_ns();
    if (l->tell_begun) {
        printf("begun\n");
        fflush(stdout);
    }
    for (unsigned i = 0; i < l->count; i++) {
        begin_transaction(l, &l->clients[i]);
    }
}

static void on_ready(struct load *l, struct client *c)
{
    if (!c->greeted) {
        c->greeted = true;
        on_login(l, c);
    } else if (c->step + 1 < STEPS_MAX && l->mode->steps[c->step + 1] != NULL) {
        c->step++;
        send_step(l, c);
    } else {
        end_transaction(l, c);
    }
}

/* DataRow: a count of columns, then a length and its bytes for each; the first is the tenant. */
static void on_row(const struct load *l, struct client *c, const uint8_t *body, size_t n)
{
    size_t length = strlen(c->tenant);

    if (l->mode->unchecked || (n >= 6 + length && be32_read(body + 2) == length &&
                               memcmp(body + 6, c->tenant, length) == 0)) {
        c->rows++;
    } else {
        c->foreign++;
    }
}

/* The first error is shown, the rest are counted; an error in the login ends everything. */
static void on_error(struct load *l, struct client *c, const uint8_t *body, size_t n)
{
    if (l->errors++ == 0 || !c->logged_in) {
        fprintf(stderr, "load: tenant %s:", c->tenant);
        for (size_t i = 0; i + 1 < n && body[i] != 0; i += strlen((const char *)body + i) + 1) {
            if (strchr("SCM", body[i]) != NULL) {
                fprintf(stderr, " %s", (const char *)body + i + 1);
            }
        }
        fprintf(stderr, "\n");
    }
    if (!c->logged_in) {
        exit(1);
    }
}

static void on_message(struct load *l, struct client *c, uint8_t type, const uint8_t *body,
                       size_t n)
{
    switch (type) {
    case 'Z':
        on_ready(l, c);
        break;
    case 'D':
        on_row(l, c, body, n);
        break;
    case 'E':
        on_error(l, c, body, n);
        break;
    default:
        break;
    }
}

static void on_readable(struct load *l, struct client *c)
{
    ssize_t n = read(c->fd, c->input + c->input_n, INPUT_MAX - c->input_n);

    if (n <= 0) {
        fail(n == 0 ? "connection closed" : "read");
    }
    c->input_n += (size_t)n;
    size_t at = 0;
    while (c->input_n - at >= 5) {
        size_t length = (size_t)be32_read(c->input + at + 1) + 1;
        if (length < 5 || length > INPUT_MAX) {
            errno = EMSGSIZE;
            fail("message");
        }
        if (c->input_n - at < length) {
            break;
        }
        on_message(l, c, c->input[at], c->input + at + 5, length - 5);
        if (c->input_n == 0) {
            return; /* it has another connection now */
        }
        at += length;
    }
    memmove(c->input, c->input + at, c->input_n - at);
    c->input_n -= at;
}

static void run_clients(struct load *l)
{
    struct epoll_event events[EVENTS_MAX];

    for (unsigned i = 0; i < l->count; i++) {
        struct client *c = &l->clients[i];
        snprintf(c->tenant, sizeof(c->tenant), "t%u", l->first + i % l->tenants);
        open_client(l, c);
    }
    while (l->resting < l->count) {
        int n = epoll_wait(l->epoll, events, EVENTS_MAX, 30000);
        if (n == 0) {
            errno = ETIMEDOUT;
        }
        if (n <= 0) {
            fail("no answer");
        }
        for (int i = 0; i < n; i++) {
            on_readable(l, events[i].data.ptr);
        }
    }
}

static int compare_latencies(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

    return (x > y) - (x < y);
}

static void print_result(struct load *l)
{
    size_t n = l->done < LATENCIES_MAX ? (size_t)l->done : LATENCIES_MAX;
    double seconds = (double)(l->ended - l->begun) / 1e9;

    qsort(l->latencies, n, sizeof(*l->latencies), compare_latencies);
    printf("{\"transactions\": %llu, \"seconds\": %.3f, \"tps\": %.0f, \"p50_us\": %u, "
           "\"p99_us\": %u, \"wrong\": %llu, \"errors\": %llu}\n",
           (unsigned long long)l->done, seconds, (double)l->done / seconds, l->latencies[n / 2],
           l->latencies[n * 99 / 100], (unsigned long long)l->wrong, (unsigned long long)l->errors);
}

static unsigned number(const char *text)
{
    char *end;
    unsigned long value = strtoul(text, &end, 10);

    if (*end != 0 || value == 0 || value > 1000000) {
        fprintf(stderr, "load: %s is no number from 1 to 1000000\n", text);
        exit(2);
    }
    return (unsigned)value;
}

static enum protocol find_protocol(const char *name)
{
    for (unsigned i = 0; i < sizeof(protocols) / sizeof(protocols[0]); i++) {
        if (strcmp(protocols[i], name) == 0) {
            return (enum protocol)i;
        }
    }
    fprintf(stderr, "load: no protocol %s\n", name);
    exit(2);
}

static const struct mode *find_mode(const char *name)
{
    for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
        if (strcmp(modes[i].name, name) == 0) {
            return &modes[i];
        }
    }
    fprintf(stderr, "load: no mode %s\n", name);
    exit(2);
}

static void parse_options(struct load *l, int argc, char **argv)
{
    int option;

    while ((option = getopt(argc, argv, "p:U:d:c:n:f:r:t:m:x:bi")) != -1) {
        switch (option) {
        case 'p':
            l->port = (uint16_t)number(optarg);
            break;
        case 'U':
            l->user = optarg;
            break;
        case 'd':
            l->database = optarg;
            break;
        case 'c':
            l->count = number(optarg);
            break;
        case 'n':
            l->tenants = number(optarg);
            break;
        case 'f':
            l->first = number(optarg);
            break;
        case 'r':
            l->rows = number(optarg);
            break;
        case 't':
            l->duration = number(optarg) * 1000000ULL;
            break;
        case 'm':
            l->mode = find_mode(optarg);
            break;
        case 'x':
            l->protocol = find_protocol(optarg);
            break;
        case 'b':
            l->tell_begun = true;
            break;
        case 'i':
            l->idle = true;
            break;
        default:
            fprintf(stderr, "usage: load -p PORT [-U USER] [-d DATABASE] [-c CLIENTS] [-n TENANTS] "
                            "[-f FIRST] [-r ROWS] [-t MILLISECONDS] "
                            "[-m select|local|batched|hog|light|point|any|login] "
                            "[-x simple|extended|prepared] [-b] [-i]\n");
            exit(2);
        }
    }
}

int main(int argc, char **argv)
{
    struct load l = {.mode = &modes[0],
                     .user = "app",
                     .database = "app",
                     .port = 6432,
                     .count = 1,
                     .tenants = 1,
                     .rows = 1,
                     .duration = 1000000000U,
                     .random = now_ns() | 1};

    parse_options(&l, argc, argv);
    l.epoll = epoll_create1(EPOLL_CLOEXEC);
    l.clients = calloc(l.count, sizeof(*l.clients));
    l.latencies = calloc(LATENCIES_MAX, sizeof(*l.latencies));
    if (l.epoll < 0 || l.clients == NULL || l.latencies == NULL) {
        fail("start");
    }
    run_clients(&l);
    if (l.idle) {
        printf("ready\n");
        fflush(stdout);
        while (getchar() != EOF) {
        }
    }
    print_result(&l);
    free(l.latencies);
    free(l.clients);
    return l.wrong == 0 && l.errors == 0 ? 0 : 1;
}
