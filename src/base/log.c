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
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"

#define LINE_MAX_BYTES 2048
#define RING_BYTES     (256U * 1024)
#define REPEAT_SECONDS 5 /* after which the same line is written again */
#define POLL_MS        100
#define LAST_WORDS_MS  1000 /* that the end waits for whoever reads stderr */

static struct {
    _Atomic int level;
    _Atomic bool json;
    _Atomic bool journal; /* stderr is the journal's */
    pthread_mutex_t lock; /* everything below */
    pthread_cond_t wake;
    pthread_t thread;
    bool running;
    _Atomic bool stopping;         /* written under the lock */
    uint64_t dropped;              /* lines since the last one that fitted */
    uint64_t repeats;              /* of the last line, that were not written */
    char last[LINE_MAX_BYTES / 2]; /* its text */
    enum log_level last_level;
    time_t last_at;     /* when it was written */
    struct buf waiting; /* whole lines, at most RING_BYTES */
} logger = {.level = LOG_INFO, .lock = PTHREAD_MUTEX_INITIALIZER, .wake = PTHREAD_COND_INITIALIZER};

/* Of syslog, as the journal reads them at the head of a line. */
static const char *const journal_levels[] = {"<7>", "<6>", "<4>", "<3>"};
static const char *const names[] = {"DEBUG", "INFO", "WARNING", "ERROR"};

void log_configure(enum log_level level, bool json)
{
    atomic_store(&logger.level, (int)level);
    atomic_store(&logger.json, json);
}

bool log_enabled(enum log_level level)
{
    return (int)level >= atomic_load_explicit(&logger.level, memory_order_relaxed);
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

static void *write_lines(void *unused)
{
    (void)unused;
    (void)pthread_mutex_lock(&logger.lock);
    for (;;) {
        if (buf_size(&logger.waiting) == 0) {
            if (logger.stopping) {
                break;
            }
            (void)pthread_cond_wait(&logger.wake, &logger.lock);
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

static void tell_repeats(void);

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
    tell_repeats();
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

static size_t format_line(char *line, enum log_level level, const char *text)
{
    bool json = atomic_load(&logger.json);
    struct timespec now;
    struct tm tm;
    char stamp[32];

    (void)clock_gettime(CLOCK_REALTIME, &now);
    (void)gmtime_r(&now.tv_sec, &tm);
    (void)strftime(stamp, sizeof stamp, "%Y-%m-%dT%H:%M:%S", &tm);
    const char *level_mark = atomic_load(&logger.journal) ? journal_levels[level] : "";
    const char *head =
        json ? "%s{\"time\":\"%s.%03ldZ\",\"level\":\"%s\",\"message\":\"" : "%s%s.%03ldZ %s ";
    size_t at = (size_t)snprintf(line, LINE_MAX_BYTES, head, level_mark, stamp,
                                 now.tv_nsec / 1000000, names[level]);
    at = append_clean(line, at, text, json);
    if (json) {
        memcpy(line + at, "\"}", 2);
        at += 2;
    }
    line[at++] = '\n';
    return at;
}

static void queue_line(const char *line, size_t n)
{
    if (buf_size(&logger.waiting) + n > RING_BYTES) {
        logger.dropped++;
        return;
    }
    if (logger.dropped > 0) {
        buf_printf(&logger.waiting, "log lines dropped=%llu\n", (unsigned long long)logger.dropped);
        logger.dropped = 0;
    }
    buf_append(&logger.waiting, line, n);
    (void)pthread_cond_signal(&logger.wake);
}

static void put(enum log_level level, const char *text)
{
    char line[LINE_MAX_BYTES];
    size_t n = format_line(line, level, text);

    if (logger.running && !atomic_load(&logger.stopping)) {
        queue_line(line, n);
    } else {
        write_all((const uint8_t *)line, n);
    }
}

/* Under the lock. */
static void tell_repeats(void)
{
    char text[64];

    if (logger.repeats > 0) {
        (void)snprintf(text, sizeof text, "last message repeated times=%llu",
                       (unsigned long long)logger.repeats);
        logger.repeats = 0;
        put(logger.last_level, text);
    }
}

/* Under the lock: whether the line is the last one once more, and that not long ago. */
static bool is_repeat(enum log_level level, const char *text)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
    if (strcmp(text, logger.last) == 0 && now.tv_sec - logger.last_at < REPEAT_SECONDS) {
        logger.repeats++;
        return true;
    }
    tell_repeats();
    (void)snprintf(logger.last, sizeof logger.last, "%s", text);
    logger.last_level = level;
    logger.last_at = now.tv_sec;
    return false;
}

void log_write(enum log_level level, const char *fmt, ...)
{
    char text[LINE_MAX_BYTES / 2];
    va_list ap;

    if (!log_enabled(level)) {
        return;
    }
    va_start(ap, fmt);
    (void)vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    (void)pthread_mutex_lock(&logger.lock);
    if (!is_repeat(level, text)) {
        put(level, text);
    }
    (void)pthread_mutex_unlock(&logger.lock);
}
