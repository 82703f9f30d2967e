// SPDX-License-Identifier: MIT
#include "base/log.h"

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

static struct {
    _Atomic int level;
    _Atomic bool json;
    _Atomic bool journal; /* stderr is the journal's */
    pthread_mutex_t lock; /* everything below */
    pthread_cond_t wake;
    pthread_t thread;
    bool running;
    bool stopping;
    uint64_t dropped;   /* lines since the last one that fitted */
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

static void write_all(const uint8_t *p, size_t n)
{
    while (n > 0) {
        ssize_t done = write(STDERR_FILENO, p, n);
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

void log_start(void)
{
    atomic_store(&logger.journal, is_journal());
    (void)pthread_mutex_lock(&logger.lock);
    if (!logger.running && pthread_create(&logger.thread, NULL, write_lines, NULL) == 0) {
        logger.running = true;
        logger.stopping = false;
    }
    (void)pthread_mutex_unlock(&logger.lock);
}

void log_stop(void)
{
    (void)pthread_mutex_lock(&logger.lock);
    bool running = logger.running;
    logger.stopping = true;
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

void log_write(enum log_level level, const char *fmt, ...)
{
    char text[LINE_MAX_BYTES / 2];
    char line[LINE_MAX_BYTES];
    va_list ap;

    if (!log_enabled(level)) {
        return;
    }
    va_start(ap, fmt);
    (void)vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    size_t n = format_line(line, level, text);
    (void)pthread_mutex_lock(&logger.lock);
    if (logger.running && !logger.stopping) {
        queue_line(line, n);
    } else {
        write_all((const uint8_t *)line, n);
    }
    (void)pthread_mutex_unlock(&logger.lock);
}
