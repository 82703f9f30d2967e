// SPDX-License-Identifier: MIT
//
// oracle: looks for answers that reach the wrong client. Many clients of several tenants send
// random pipelines of the simple and the extended protocol through fahrend, cut into random
// segments on both of its sides, with errors, cancels and ends at random points; every answer
// carries the client's and the request's number and the context in force, and a model says which
// messages must come, exactly. The first wrong one ends the run with what was said on that
// connection.
//
//   oracle --proxy PORT --listen PORT --server PORT --tenant NAME,SETTING,PATH ... [--seconds N]
//          [--seed S] [--clients N] [--kill N]
//
// fahrend is to find its server at the port given as --listen, where the oracle forwards to
// --server. --kill N ends a server connection at one of N segments. The seed is printed: it repeats
// what the clients say, though not the moments. Exit status 0 when all answers were right, 1 when
// one was not, 2 for what has nothing to do with answers. One thread.
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/rand.h"
#include "chop.h"
#include "client.h"

enum { TICK = 5, LAST_WORDS = 40000 }; /* ms */

struct options {
    struct oracle *oracle;
    uint16_t listen, server;
    unsigned clients, seconds;
    uint32_t kill;
    uint64_t seed;
};

static _Noreturn void usage(void)
{
    fprintf(stderr, "usage: oracle --proxy PORT --listen PORT --server PORT"
                    " --tenant NAME,SETTING,PATH ... [--seconds N] [--seed S] [--clients N]"
                    " [--kill N] [--user NAME] [--database NAME]\n");
    exit(2);
}

static void add_tenant(struct oracle *oracle, char *text)
{
    size_t most = sizeof oracle->tenants / sizeof oracle->tenants[0];
    char *name = strsep(&text, ",");
    char *setting = strsep(&text, ",");

    if (text == NULL || oracle->tenant_count == most) {
        usage();
    }
    oracle->tenants[oracle->tenant_count++] =
        (struct tenant){.name = name, .setting = setting, .path = text};
}

static void take_option(struct options *o, int letter, char *value)
{
    uint64_t number = strtoull(value, NULL, 0);

    switch (letter) {
    case 'p':
        o->oracle->proxy = (uint16_t)number;
        break;
    case 'l':
        o->listen = (uint16_t)number;
        break;
    case 's':
        o->server = (uint16_t)number;
        break;
    case 't':
        add_tenant(o->oracle, value);
        break;
    case 'n':
        o->seconds = (unsigned)number;
        break;
    case 'r':
        o->seed = number;
        break;
    case 'c':
        o->clients = number < PLACES_MAX ? (unsigned)number : PLACES_MAX;
        break;
    case 'k':
        o->kill = (uint32_t)number;
        break;
    case 'u':
        o->oracle->user = value;
        break;
    case 'd':
        o->oracle->database = value;
        break;
    default:
        usage();
    }
}

static void take_options(struct options *o, int argc, char **argv)
{
    static const struct option names[] = {
        {"proxy", required_argument, NULL, 'p'},
        {"listen", required_argument, NULL, 'l'},
        {"server", required_argument, NULL, 's'},
        {"tenant", required_argument, NULL, 't'},
        {"seconds", required_argument, NULL, 'n'},
        {"seed", required_argument, NULL, 'r'},
        {"clients", required_argument, NULL, 'c'},
        {"kill", required_argument, NULL, 'k'},
        {"user", required_argument, NULL, 'u'},
        {"database", required_argument, NULL, 'd'},
        {NULL, 0, NULL, 0},
    };
    int letter;

    while ((letter = getopt_long(argc, argv, "", names, NULL)) != -1) {
        take_option(o, letter, optarg == NULL ? "" : optarg);
    }
    if (optind != argc || o->oracle->proxy == 0 || o->listen == 0 || o->server == 0 ||
        o->oracle->tenant_count == 0) {
        usage();
    }
}

static bool all_done(struct client *clients, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        if (!client_is_done(&clients[i])) {
            return false;
        }
    }
    return true;
}

/* Until the time is up and all is answered, or the first wrong answer. */
static void run(struct options *o, struct client *clients)
{
    struct oracle *oracle = o->oracle;
    uint64_t end = now_ms() + (uint64_t)o->seconds * 1000;
    uint64_t tick = 0;

    while (!oracle->failed && !(oracle->stopping && all_done(clients, o->clients))) {
        reactor_turn(&oracle->reactor, TICK);
        uint64_t now = now_ms();
        oracle->stopping = now >= end;
        for (unsigned i = 0; now >= tick + TICK && i < o->clients; i++) {
            client_tick(&clients[i], now);
        }
        tick = now >= tick + TICK ? now : tick;
        if (now > end + LAST_WORDS) {
            fprintf(stderr, "oracle: the last answers never came\n");
            oracle->failed = true;
        }
    }
}

static void print_stats(const struct oracle *oracle, const struct chop *chop)
{
    const struct stats *s = &oracle->stats;

    printf("requests=%llu batches=%llu rows=%llu errors=%llu sessions=%llu cancels=%llu "
           "cancels_hit=%llu server_connections=%llu kills=%llu lost=%llu wrong=%d\n",
           (unsigned long long)s->requests, (unsigned long long)s->batches,
           (unsigned long long)s->rows, (unsigned long long)s->errors,
           (unsigned long long)s->sessions, (unsigned long long)s->cancels,
           (unsigned long long)s->cancels_hit, (unsigned long long)chop->connections,
           (unsigned long long)chop->kills, (unsigned long long)s->lost, oracle->failed);
}

int main(int argc, char **argv)
{
    static struct oracle oracle = {.user = "app", .database = "app"};
    struct options o = {.oracle = &oracle, .clients = 24, .seconds = 20};
    struct chop chop;

    rand_bytes(&o.seed, 4);
    take_options(&o, argc, argv);
    printf("seed=%llu\n", (unsigned long long)o.seed);
    (void)fflush(stdout);
    oracle.rng.state = o.seed;
    oracle.may_lose = o.kill > 0;
    reactor_init(&oracle.reactor);
    chop_start(&chop, &oracle.reactor, o.listen, o.server, o.seed ^ 1);
    chop.kill_one_in = o.kill;
    struct client *clients = x_zalloc(o.clients * sizeof *clients);
    for (unsigned i = 0; i < o.clients; i++) {
        client_start(&clients[i], &oracle);
    }
    run(&o, clients);
    for (unsigned i = 0; i < o.clients; i++) {
        client_stop(&clients[i]);
    }
    chop_stop(&chop);
    print_stats(&oracle, &chop);
    free(clients);
    return oracle.failed ? 1 : 0;
}
