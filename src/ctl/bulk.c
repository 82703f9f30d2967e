// SPDX-License-Identifier: MIT
#include "ctl/bulk.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { LINE_SIZE = 4096 };

struct bulk {
    PGconn *conn;
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

/* ---- running ---- */

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

static void run_line(struct bulk *b, const char *line, unsigned number, const char *with)
{
    struct buf command = {0};

    bulk_command(line, with, &command);
    if (buf_size(&command) > 0) {
        buf_append_u8(&command, 0);
        PGresult *result = PQexec(b->conn, (const char *)buf_slice(&command).p);
        if (PQresultStatus(result) == PGRES_TUPLES_OK) {
            b->done++;
        } else {
            b->failed++;
            (void)fprintf(stderr, "%sline %u: %s", b->terminal ? "\n" : "", number,
                          PQerrorMessage(b->conn));
        }
        PQclear(result);
        show_progress(b, false);
    }
    buf_release(&command);
}

int bulk_create(PGconn *conn, const char *path, const char *with, bool json, struct buf *out)
{
    struct bulk b = {.conn = conn, .terminal = isatty(STDERR_FILENO) != 0};
    FILE *file = strcmp(path, "-") == 0 ? stdin : fopen(path, "re");
    char line[LINE_SIZE];

    if (file == NULL) {
        int rc = -errno;
        (void)fprintf(stderr, "fahrenctl: %s: %s\n", path, strerror(errno));
        return rc;
    }
    (void)clock_gettime(CLOCK_MONOTONIC, &b.start);
    for (unsigned number = 1;
         PQstatus(conn) == CONNECTION_OK && fgets(line, sizeof line, file) != NULL; number++) {
        run_line(&b, line, number, with);
    }
    show_progress(&b, true);
    bool unread = fgetc(file) != EOF; /* the connection was lost before the end */
    if (file != stdin) {
        (void)fclose(file); /* was only read */
    }
    buf_printf(out,
               json ? "{\"made\": %u, \"failed\": %u, \"seconds\": %.3f, \"rate\": %.1f}\n"
                    : "%u made, %u failed in %.1f s: %.1f a second\n",
               b.done, b.failed, seconds_since(&b.start), rate(&b));
    return (int)b.failed + (unread ? 1 : 0);
}
