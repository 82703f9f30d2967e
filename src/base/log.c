// SPDX-License-Identifier: MIT
#include "base/log.h"

#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/log_limit.h"

#define LINE_MAX_BYTES 2048
#define RING_BYTES     (256U * 1024)
#define POLL_MS        100
#define LAST_WORDS_MS  1000 /* that the end waits for whoever reads stderr */

static void tell_repeats(const struct log_kind *kind, uint64_t hidden);

static struct {
    _Atomic int level;
    _Atomic bool json;
    _Atomic bool journal; /* stderr is the journal's */
    pthread_mutex_t lock; /* everything below */
    pthread_cond_t wake;
    pthread_t thread;
    bool running;
    _Atomic bool stopping;  /* written under the lock */
    uint64_t dropped;       /* lines since the last one that fitted */
    struct log_limit limit; /* of lines of one kind */
    struct buf waiting;     /* whole lines, at most RING_BYTES */
} logger = {.level = LOG_INFO,
            .lock = PTHREAD_MUTEX_INITIALIZER,
            .wake = PTHREAD_COND_INITIALIZER,
            .limit = {.tell = tell_repeats}};

/* Of syslog, as the journal reads them at the head of a line. */
static const char *const journal_levels[] = {"<7>", "<6>", "<4>", "<3>"};
static const char *const names[] = {"DEBUG", "INFO", "WARNING", "ERROR"};
static const char *const words[] = {"debug", "info", "warning", "error"};

void log_configure(enum log_level level, bool json)
{
    atomic_store(&logger.level, (int)level);
    atomic_store(&logger.json, json);
}

bool log_enabled(enum log_level level)
{
    return (int)level >= atomic_load_explicit(&logger.level, memory_order_relaxed);
}

static const struct log_origin nobody = {.client = 0};

int log_level_of(const char *word)
{
    for (int i = LOG_DEBUG; i <= LOG_ERROR; i++) {
        if (strcasecmp(words[i], word) == 0) {
            return i;
        }
    }
    return -1;
}

const char *log_level_word(enum log_level level)
{
    return words[level];
}

static int64_t now_s(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
    return now.tv_sec;
}

/* A pipe whose reader stands still takes nothing: that is waited for, but not at the end. */
static bool await_stderr(void)
{
    struct pollfd fd = {.fd = STDERR_FILENO, .events = POLLOUT};
    int waited = 0;

    while (poll(&fd, 1, POLL_MS) == 0) {
        waited = atomic_load(&logger.stopping) ? waited + POLL_MS : 0;
        if (waited >= LAST_WORDS_MS) {
            return false;
        }
    }
    return true;
}

/* In pieces that a pipe which takes any takes whole. */
static void write_all(const uint8_t *p, size_t n)
{
    while (n > 0 && await_stderr()) {
        ssize_t done = write(STDERR_FILENO, p, n < PIPE_BUF ? n : PIPE_BUF);
        if (done <= 0) {
            return; /* nowhere to complain to */
        }
        p += done;
        n -= (size_t)done;
    }
}

/* Under the lock. Where there is something to tell of lines that were not written, no longer than a
 * second. */
static void await_lines(void)
{
    struct timespec until;

    if (logger.limit.telling == 0) {
        (void)pthread_cond_wait(&logger.wake, &logger.lock);
        return;
    }
    (void)clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec++;
    (void)pthread_cond_timedwait(&logger.wake, &logger.lock, &until);
}

static void *write_lines(void *unused)
{
    (void)unused;
    (void)pthread_mutex_lock(&logger.lock);
    for (;;) {
        if (buf_size(&logger.waiting) == 0) {
            if (logger.stopping) {
                break;
            }
            await_lines();
            log_limit_sweep(&logger.limit, now_s(), false);
            continue;
        }
        struct buf batch = logger.waiting;
        logger.waiting = (struct buf){0};
        (void)pthread_mutex_unlock(&logger.lock);
        write_all(buf_slice(&batch).p, buf_size(&batch));
        buf_release(&batch);
        (void)pthread_mutex_lock(&logger.lock);
    }
    (void)pthread_mutex_unlock(&logger.lock);
    return NULL;
}

/* systemd names the device and inode of the stream that it gave us. */
static bool is_journal(void)
{
    const char *stream = getenv("JOURNAL_STREAM");
    char ours[64];
    struct stat st;

    if (stream == NULL || fstat(STDERR_FILENO, &st) < 0) {
        return false;
    }
    (void)snprintf(ours, sizeof ours, "%ju:%ju", (uintmax_t)st.st_dev, (uintmax_t)st.st_ino);
    return strcmp(stream, ours) == 0;
}

void log_start(void)
{
    atomic_store(&logger.journal, is_journal());
    (void)pthread_mutex_lock(&logger.lock);
    if (!logger.running && pthread_create(&logger.thread, NULL, write_lines, NULL) == 0) {
        logger.running = true;
        atomic_store(&logger.stopping, false);
    }
    (void)pthread_mutex_unlock(&logger.lock);
}

void log_stop(void)
{
    (void)pthread_mutex_lock(&logger.lock);
    bool running = logger.running;
    log_limit_sweep(&logger.limit, now_s(), true);
    atomic_store(&logger.stopping, true);
    (void)pthread_cond_signal(&logger.wake);
    (void)pthread_mutex_unlock(&logger.lock);
    if (running) {
        (void)pthread_join(logger.thread, NULL);
        logger.running = false;
    }
}

/* Appends text to line with control bytes, and for JSON quotes, made harmless: a peer's words
 * cannot forge a line. */
static size_t append_clean(char *line, size_t at, const char *text, bool json)
{
    for (; *text != '\0' && at + 8 < LINE_MAX_BYTES; text++) {
        unsigned char c = (unsigned char)*text;
        if (c < 0x20 || c == 0x7f) {
            at += (size_t)snprintf(line + at, LINE_MAX_BYTES - at, json ? "\\u%04x" : "\\x%02x", c);
        } else {
            if (json && (c == '"' || c == '\\')) {
                line[at++] = '\\';
            }
            line[at++] = (char)c;
        }
    }
    return at;
}

/* What is put between the first words of a message and the rest of it. */
struct insert {
    char text[LINE_MAX_BYTES / 4];
    size_t n;
};

static void insert_word(struct insert *in, const char *key, const char *value)
{
    if (value != NULL && value[0] != '\0' && in->n < sizeof in->text) {
        in->n +=
            (size_t)snprintf(in->text + in->n, sizeof in->text - in->n, " %s=%.128s", key, value);
    }
}

static void insert_number(struct insert *in, const char *key, uint64_t value)
{
    char text[24];

    (void)snprintf(text, sizeof text, "%llu", (unsigned long long)value);
    insert_word(in, key, value == 0 ? NULL : text);
}

static void describe(struct insert *in, const struct log_origin *origin)
{
    insert_number(in, "id", origin->client);
    insert_number(in, "connection", origin->connection);
    insert_number(in, "pid", origin->pid);
    insert_word(in, "tenant", origin->tenant);
    insert_word(in, "server", origin->server);
    insert_word(in, "database", origin->database);
    insert_word(in, "role", origin->role);
    in->n = in->n < sizeof in->text ? in->n : sizeof in->text - 1; /* cut */
}

/* ---- fields of JSON ---- */

/* A name that is too long for a line (none of PostgreSQL's is) is left out. */
static size_t json_word(char *line, size_t at, const char *key, const char *value)
{
    if (value == NULL || value[0] == '\0' || at + 6 * strlen(value) + 32 > LINE_MAX_BYTES / 2) {
        return at;
    }
    at += (size_t)snprintf(line + at, LINE_MAX_BYTES - at, "\"%s\":\"", key);
    at = append_clean(line, at, value, true);
    return at + (size_t)snprintf(line + at, LINE_MAX_BYTES - at, "\",");
}

static size_t json_number(char *line, size_t at, const char *key, uint64_t value)
{
    return value == 0 ? at
                      : at + (size_t)snprintf(line + at, LINE_MAX_BYTES - at, "\"%s\":%llu,", key,
                                              (unsigned long long)value);
}

static size_t json_origin(char *line, size_t at, const struct log_origin *origin)
{
    at = json_number(line, at, "id", origin->client);
    at = json_number(line, at, "connection", origin->connection);
    at = json_number(line, at, "pid", origin->pid);
    at = json_word(line, at, "tenant", origin->tenant);
    at = json_word(line, at, "server", origin->server);
    at = json_word(line, at, "database", origin->database);
    return json_word(line, at, "role", origin->role);
}

/* ---- a line ---- */

static size_t format_line(char *line, enum log_level level, const struct log_origin *origin,
                          const char *text)
{
    bool json = atomic_load(&logger.json);
    struct timespec now;
    struct tm tm;
    char stamp[32];

    (void)clock_gettime(CLOCK_REALTIME, &now);
    (void)gmtime_r(&now.tv_sec, &tm);
    (void)strftime(stamp, sizeof stamp, "%Y-%m-%dT%H:%M:%S", &tm);
    const char *level_mark = atomic_load(&logger.journal) ? journal_levels[level] : "";
    const char *head = json ? "%s{\"time\":\"%s.%03ldZ\",\"level\":\"%s\"," : "%s%s.%03ldZ %s ";
    size_t at = (size_t)snprintf(line, LINE_MAX_BYTES, head, level_mark, stamp,
                                 now.tv_nsec / 1000000, names[level]);
    if (json) {
        at = json_origin(line, at, origin);
        at += (size_t)snprintf(line + at, LINE_MAX_BYTES - at, "\"message\":\"");
    }
    at = append_clean(line, at, text, json);
    if (json) {
        memcpy(line + at, "\"}", 2);
        at += 2;
    }
    line[at++] = '\n';
    return at;
}

static void tell_dropped(void)
{
    char line[LINE_MAX_BYTES];
    char text[64];

    (void)snprintf(text, sizeof text, "log lines dropped=%llu", (unsigned long long)logger.dropped);
    buf_append(&logger.waiting, line, format_line(line, LOG_WARNING, &nobody, text));
    logger.dropped = 0;
}

static void queue_line(const char *line, size_t n)
{
    if (buf_size(&logger.waiting) + n > RING_BYTES) {
        logger.dropped++;
        return;
    }
    if (logger.dropped > 0) {
        tell_dropped();
    }
    buf_append(&logger.waiting, line, n);
    (void)pthread_cond_signal(&logger.wake);
}

static void put(enum log_level level, const struct log_origin *origin, const char *text)
{
    char line[LINE_MAX_BYTES];
    size_t n = format_line(line, level, origin, text);

    if (logger.running && !atomic_load(&logger.stopping)) {
        queue_line(line, n);
    } else {
        write_all((const uint8_t *)line, n);
    }
}

/* Under the lock. */
static void tell_repeats(const struct log_kind *kind, uint64_t hidden)
{
    struct log_origin origin = {.tenant = kind->tenant};
    struct insert in = {.n = 0};
    char text[LINE_MAX_BYTES / 2];

    describe(&in, &origin);
    (void)snprintf(text, sizeof text, "%.*s%.*s repeated %llu times",
                   (int)log_limit_head(kind->format), kind->format, (int)in.n, in.text,
                   (unsigned long long)hidden);
    put((enum log_level)kind->level, &origin, text);
}

/* Under the lock. What somebody asked for is written whole, and so is what has no kind. */
static bool may_pass(enum log_level level, const struct log_origin *origin, const char *fmt)
{
    struct log_kind kind = {.format = fmt, .level = (int)level};

    if (level == LOG_DEBUG || log_limit_head(fmt) == 0) {
        return true;
    }
    if (origin->tenant != NULL) {
        (void)snprintf(kind.tenant, sizeof kind.tenant, "%s", origin->tenant);
    }
    return log_limit_pass(&logger.limit, &kind, now_s());
}

static void write_message(enum log_level level, const struct log_origin *origin, const char *fmt,
                          va_list ap)
{
    struct insert in = {.n = 0};
    char text[LINE_MAX_BYTES / 2];
    size_t head = log_limit_head(fmt) > 0 ? log_limit_head(fmt) : sizeof text;

    (void)vsnprintf(text, sizeof text, fmt, ap);
    describe(&in, origin);
    size_t n = strlen(text);
    size_t room = sizeof text - 1 - in.n;
    n = n < room ? n : room;
    head = head < n ? head : n;
    memmove(text + head + in.n, text + head, n - head);
    memcpy(text + head, in.text, in.n);
    text[n + in.n] = '\0';
    (void)pthread_mutex_lock(&logger.lock);
    if (may_pass(level, origin, fmt)) {
        put(level, origin, text);
    } else {
        (void)pthread_cond_signal(&logger.wake); /* there will be something to tell */
    }
    (void)pthread_mutex_unlock(&logger.lock);
}

void log_write(enum log_level level, const char *fmt, ...)
{
    va_list ap;

    if (log_enabled(level)) {
        va_start(ap, fmt);
        write_message(level, &nobody, fmt, ap);
        va_end(ap);
    }
}

void log_about(enum log_level level, const struct log_origin *origin, const char *fmt, ...)
{
    va_list ap;

    if (log_wanted(level, origin->level)) {
        va_start(ap, fmt);
        write_message(level, origin, fmt, ap);
        va_end(ap);
    }
}
