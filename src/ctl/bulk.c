// SPDX-License-Identifier: MIT
#include "ctl/bulk.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { LINE_SIZE = 4096 };

enum { LANES = 4 }; /* commands under way; more would only wait in the daemon */

/* A connection to the console, and the line whose command it runs. */
struct lane {
    PGconn *conn;
    unsigned number; /* from 1; 0: none */
};

struct bulk {
    struct lane lanes[LANES]; /* the first is the caller's; the others are opened when needed */
    unsigned opened;
    unsigned most; /* lanes that can be had */
    struct timespec start;
    unsigned done;
    unsigned failed;
    bool terminal; /* stderr is one: the line of progress is written over itself */
};

/* ---- a line as a command ---- */

static void append_quoted(struct buf *out, const char *text, size_t n, char quote)
{
    buf_append_u8(out, (uint8_t)quote);
    for (size_t i = 0; i < n; i++) {
        if (text[i] == quote) {
            buf_append_u8(out, (uint8_t)quote);
        }
        buf_append_u8(out, (uint8_t)text[i]);
    }
    buf_append_u8(out, (uint8_t)quote);
}

/* key=value as "key" = 'value'; a word without = is left to the server to refuse. */
static void append_option(struct buf *out, const char *word, size_t n)
{
    const char *sign = memchr(word, '=', n);
    size_t key = sign == NULL ? n : (size_t)(sign - word);

    append_quoted(out, word, key, '"');
    if (sign != NULL) {
        buf_printf(out, " = ");
        append_quoted(out, sign + 1, n - key - 1, '\'');
    }
}

void bulk_command(const char *line, const char *with, struct buf *command)
{
    static const char space[] = " \t\r\n";
    const char *word = line + strspn(line, space);
    size_t n = strcspn(word, space);
    bool open = with != NULL;

    if (n == 0 || word[0] == '#') {
        return;
    }
    buf_printf(command, "CREATE TENANT ");
    append_quoted(command, word, n, '"');
    if (with != NULL) {
        buf_printf(command, " WITH (%s", with);
    }
    for (word += n; (word += strspn(word, space), *word != '\0' && *word != '#'); word += n) {
        n = strcspn(word, space);
        buf_printf(command, open ? ", " : " WITH (");
        append_option(command, word, n);
        open = true;
    }
    buf_printf(command, open ? ")" : "");
}

/* ---- how far it is ---- */

static double seconds_since(const struct timespec *start)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)(now.tv_sec - start->tv_sec) + (double)(now.tv_nsec - start->tv_nsec) / 1e9;
}

static double rate(const struct bulk *b)
{
    double seconds = seconds_since(&b->start);

    return seconds > 0 ? b->done / seconds : 0;
}

static void show_progress(const struct bulk *b, bool last)
{
    if (b->terminal) {
        (void)fprintf(stderr, "\r%u made, %u failed, %.1f a second%s", b->done, b->failed, rate(b),
                      last ? "\n" : "");
    } else if (!last && b->done > 0 && b->done % 100 == 0) {
        (void)fprintf(stderr, "%u made, %u failed, %.1f a second\n", b->done, b->failed, rate(b));
    }
}

/* ---- lanes ---- */

/* One more of the same kind; false where it cannot be had: then there are as many as there are. */
static bool open_lane(struct bulk *b)
{
    enum { OPTIONS_MAX = 100 };
    const char *keys[OPTIONS_MAX + 1] = {NULL};
    const char *values[OPTIONS_MAX + 1] = {NULL};
    PQconninfoOption *options = PQconninfo(b->lanes[0].conn);
    int n = 0;

    for (PQconninfoOption *o = options; o != NULL && o->keyword != NULL && n < OPTIONS_MAX; o++) {
        if (o->val != NULL && o->val[0] != '\0') {
            keys[n] = o->keyword;
            values[n++] = o->val;
        }
    }
    PGconn *conn = PQconnectdbParams(keys, values, 0);
    PQconninfoFree(options);
    if (PQstatus(conn) != CONNECTION_OK) {
        PQfinish(conn);
        b->most = b->opened;
        return false;
    }
    b->lanes[b->opened++] = (struct lane){.conn = conn};
    return true;
}

static bool is_alive(const struct lane *lane)
{
    return PQstatus(lane->conn) == CONNECTION_OK;
}

static struct lane *find_idle(struct bulk *b)
{
    for (unsigned i = 0; i < b->opened; i++) {
        if (b->lanes[i].number == 0 && is_alive(&b->lanes[i])) {
            return &b->lanes[i];
        }
    }
    return NULL;
}

static bool is_busy(const struct bulk *b)
{
    for (unsigned i = 0; i < b->opened; i++) {
        if (b->lanes[i].number != 0) {
            return true;
        }
    }
    return false;
}

/* Its answer is there, or the connection is lost. */
static void finish(struct bulk *b, struct lane *lane)
{
    PGresult *result;
    bool made = false;

    while ((result = PQgetResult(lane->conn)) != NULL) {
        made = PQresultStatus(result) == PGRES_TUPLES_OK;
        PQclear(result);
    }
    if (made) {
        b->done++;
    } else {
        b->failed++;
        (void)fprintf(stderr, "%sline %u: %s", b->terminal ? "\n" : "", lane->number,
                      PQerrorMessage(lane->conn));
    }
    lane->number = 0;
    show_progress(b, false);
}

/* Until one of those under way has ended. */
static void wait_for_one(struct bulk *b)
{
    struct pollfd fds[LANES];

    for (unsigned i = 0; i < b->opened; i++) {
        fds[i] = (struct pollfd){.fd = b->lanes[i].number == 0 ? -1 : PQsocket(b->lanes[i].conn),
                                 .events = POLLIN};
    }
    if (poll(fds, b->opened, -1) <= 0) {
        return;
    }
    for (unsigned i = 0; i < b->opened; i++) {
        struct lane *lane = &b->lanes[i];
        if (fds[i].revents != 0 && (PQconsumeInput(lane->conn) == 0 || PQisBusy(lane->conn) == 0)) {
            finish(b, lane);
        }
    }
}

/* One that is free, or NULL where all are lost. */
static struct lane *take_lane(struct bulk *b)
{
    struct lane *lane;

    while ((lane = find_idle(b)) == NULL && is_busy(b)) {
        if (b->opened >= b->most || !open_lane(b)) {
            wait_for_one(b);
        }
    }
    return lane;
}

/* ---- running ---- */

/* False where there is no connection left. */
static bool run_line(struct bulk *b, const char *line, unsigned number, const char *with)
{
    struct buf command = {0};
    struct lane *lane = NULL;

    bulk_command(line, with, &command);
    bool is_command = buf_size(&command) > 0;
    if (is_command) {
        lane = take_lane(b);
    }
    if (lane != NULL) {
        buf_append_u8(&command, 0);
        lane->number = number;
        if (PQsendQuery(lane->conn, (const char *)buf_slice(&command).p) == 0) {
            finish(b, lane);
        }
    }
    buf_release(&command);
    return !is_command || lane != NULL;
}

static bool run_lines(struct bulk *b, FILE *file, const char *with)
{
    char line[LINE_SIZE];
    bool all = true;

    for (unsigned number = 1; all && fgets(line, sizeof line, file) != NULL; number++) {
        all = run_line(b, line, number, with);
    }
    while (is_busy(b)) {
        wait_for_one(b);
    }
    for (unsigned i = 1; i < b->opened; i++) {
        PQfinish(b->lanes[i].conn);
    }
    return all;
}

int bulk_create(PGconn *conn, const char *path, const char *with, bool json, struct buf *out)
{
    struct bulk b = {.lanes = {{.conn = conn}},
                     .opened = 1,
                     .most = LANES,
                     .terminal = isatty(STDERR_FILENO) != 0};
    FILE *file = strcmp(path, "-") == 0 ? stdin : fopen(path, "re");

    if (file == NULL) {
        int rc = -errno;
        (void)fprintf(stderr, "fahrenctl: %s: %s\n", path, strerror(errno));
        return rc;
    }
    (void)clock_gettime(CLOCK_MONOTONIC, &b.start);
    bool all = run_lines(&b, file, with); /* else the daemon was lost before the end */
    show_progress(&b, true);
    if (file != stdin) {
        (void)fclose(file); /* was only read */
    }
    buf_printf(out,
               json ? "{\"made\": %u, \"failed\": %u, \"seconds\": %.3f, \"rate\": %.1f}\n"
                    : "%u made, %u failed in %.1f s: %.1f a second\n",
               b.done, b.failed, seconds_since(&b.start), rate(&b));
    return (int)b.failed + (all ? 0 : 1);
}
