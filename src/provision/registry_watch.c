// SPDX-License-Identifier: MIT
//
// Everything here waits for the connection and for the end of the thread at once, so that nothing
// that hangs keeps the program from ending.
#include "provision/registry_watch.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/log.h"
#include "provision/registry_table.h"

enum {
    CHECK_MS = 5000,   /* between two looks for what was missed */
    AGAIN_MS = 200,    /* what is under way has arrived by then */
    RETRY_MS = 1000,   /* after a failure */
    ANSWER_MS = 15000, /* a server that is silent for so long is given up */
    GATHER_MS = 5,     /* what comes close behind a change is read with it */
    LOOKS = 3,         /* before all is read anew */
    POSTPONED_MAX = 12,
    NAMES_MAX = 500 /* beyond so many changes all is read anew */
};

enum { SUM_SIZE = 64 };

struct registry_watch {
    uv_thread_t thread;
    int wake; /* an eventfd: the end */
    struct pgexec_target target;
    struct mailbox *box;
    void (*deliver)(struct mail *mail);
    void *data;
    uv_mutex_t lock; /* what follows */
    uv_cond_t tried;
    bool was_tried;
    bool waits; /* the owner waits for the first news */
    struct registry_news *first;
    char known[SUM_SIZE]; /* of the rows that the owner has, as `sum` */
    /* of the thread alone */
    PGconn *conn;
    char sum[SUM_SIZE]; /* of the rows when all of them were read last */
    int postponed;      /* looks in a row that came to nothing, since there was news */
    bool complains;
    struct err err;   /* why the table cannot be used; code 0: the connection has the reason */
    struct buf names; /* that changed, as an array without its end */
    size_t name_count;
};

/* ---- news ---- */

void registry_news_free(struct registry_news *news)
{
    free(news->records);
    free(news);
}

static void publish(struct registry_watch *w, struct registry_news *news)
{
    uv_mutex_lock(&w->lock);
    bool first = w->waits && w->first == NULL;
    if (first) {
        w->first = news;
    }
    w->was_tried = true;
    uv_cond_signal(&w->tried);
    uv_mutex_unlock(&w->lock);
    if (!first) {
        news->mail.deliver = w->deliver;
        mailbox_post(w->box, &news->mail);
    }
}

static void note_failure(struct registry_watch *w)
{
    uv_mutex_lock(&w->lock);
    w->was_tried = true;
    uv_cond_signal(&w->tried);
    uv_mutex_unlock(&w->lock);
}

/* ---- waiting ---- */

/* 1 when the connection is ready, 0 when the time is over, -1 when the thread is to end. */
static int wait_for(struct registry_watch *w, short events, int ms)
{
    struct pollfd fds[] = {{.fd = w->wake, .events = POLLIN},
                           {.fd = w->conn == NULL ? -1 : PQsocket(w->conn), .events = events}};
    int n;

    do {
        n = poll(fds, 2, ms);
    } while (n < 0 && errno == EINTR);
    return fds[0].revents != 0 ? -1 : n > 0 ? 1 : 0;
}

static bool connect_to(struct registry_watch *w)
{
    PostgresPollingStatusType state = PGRES_POLLING_WRITING;

    w->conn = pgexec_start(&w->target);
    while (w->conn != NULL && state != PGRES_POLLING_OK && state != PGRES_POLLING_FAILED) {
        if (wait_for(w, state == PGRES_POLLING_READING ? POLLIN : POLLOUT, ANSWER_MS) <= 0) {
            return false;
        }
        state = PQconnectPoll(w->conn);
    }
    return state == PGRES_POLLING_OK;
}

/* The result of one statement; NULL where it failed. */
static PGresult *ask(struct registry_watch *w, const char *sql, const char *param)
{
    PGresult *last = NULL;
    PGresult *result;

    if (PQsendQueryParams(w->conn, sql, param == NULL ? 0 : 1, NULL, &param, NULL, NULL, 0) == 0) {
        return NULL;
    }
    for (;;) {
        while (PQisBusy(w->conn) != 0) {
            if (wait_for(w, POLLIN, ANSWER_MS) <= 0 || PQconsumeInput(w->conn) == 0) {
                PQclear(last);
                return NULL;
            }
        }
        result = PQgetResult(w->conn);
        if (result == NULL) {
            break;
        }
        PQclear(last);
        last = result;
    }
    if (PQresultStatus(last) != PGRES_TUPLES_OK && PQresultStatus(last) != PGRES_COMMAND_OK) {
        PQclear(last);
        return NULL;
    }
    return last;
}

static bool run(struct registry_watch *w, const char *sql)
{
    PGresult *result = ask(w, sql, NULL);

    PQclear(result);
    return result != NULL;
}

/* ---- reading ---- */

static struct registry_news *new_news(struct registry_watch *w, PGresult *result, bool whole)
{
    struct registry_news *news = x_zalloc(sizeof *news);
    size_t room = whole ? 0 : w->name_count; /* each may be gone */

    news->records = registry_table_records(result, room, &news->count);
    news->whole = whole;
    news->data = w->data;
    PQclear(result);
    return news;
}

static bool read_sum(struct registry_watch *w, char sum[SUM_SIZE])
{
    PGresult *result = ask(w, registry_table_sum, NULL);

    if (result != NULL) {
        (void)snprintf(sum, SUM_SIZE, "%s", PQgetvalue(result, 0, 0));
    }
    PQclear(result);
    return result != NULL;
}

/* The sum goes first: what changes behind it is found by the next look. */
static bool read_all(struct registry_watch *w)
{
    w->postponed = 0;
    PGresult *result = read_sum(w, w->sum) ? ask(w, registry_table_all, NULL) : NULL;

    if (result == NULL) {
        return false;
    }
    publish(w, new_news(w, result, true));
    return true;
}

static bool has_record(const struct registry_news *news, const char *name)
{
    for (size_t i = 0; i < news->count; i++) {
        if (strcmp(news->records[i].name, name) == 0) {
            return true;
        }
    }
    return false;
}

/* Names that were asked for and have no row are gone. */
static void add_gone(struct registry_news *news, struct slice names)
{
    while (names.n > 0) {
        ptrdiff_t comma = slice_find(names, ',');
        struct slice name = comma < 0 ? names : slice_head(names, (size_t)comma);
        struct roster_record gone = {.gone = true, .change = UINT64_MAX};
        names = slice_from(names, name.n + (comma < 0 ? 0 : 1));
        memcpy(gone.name, name.p, name.n); /* a tenant's name fits */
        if (!has_record(news, gone.name)) {
            news->records[news->count++] = gone;
        }
    }
}

static bool read_some(struct registry_watch *w)
{
    struct slice names = slice_from(buf_slice(&w->names), 1); /* behind the brace */
    char *param = x_printf("{%.*s}", (int)names.n, (const char *)names.p);
    PGresult *result = ask(w, registry_table_some, param);

    free(param);
    if (result != NULL) {
        struct registry_news *news = new_news(w, result, false);
        add_gone(news, names);
        publish(w, news);
    }
    buf_release(&w->names);
    w->name_count = 0;
    return result != NULL;
}

/* ---- following ---- */

static void take_notifies(struct registry_watch *w)
{
    PGnotify *notify;

    while ((notify = PQnotifies(w->conn)) != NULL) {
        if (name_valid(slice_str(notify->extra))) { /* anybody may notify */
            buf_printf(&w->names, "%s%s", w->name_count == 0 ? "{" : ",", notify->extra);
            w->name_count++;
        }
        PQfreemem(notify);
    }
}

static bool take_changes(struct registry_watch *w)
{
    do {
        if (PQconsumeInput(w->conn) == 0) {
            return false;
        }
        take_notifies(w);
    } while (w->name_count > 0 && w->name_count <= NAMES_MAX && wait_for(w, POLLIN, GATHER_MS) > 0);
    if (w->name_count > NAMES_MAX) {
        buf_release(&w->names);
        w->name_count = 0;
        return read_all(w);
    }
    return w->name_count == 0 || read_some(w);
}

static bool is_known(struct registry_watch *w, const char *sum)
{
    uv_mutex_lock(&w->lock);
    bool known = strcmp(sum, w->known) == 0;
    uv_mutex_unlock(&w->lock);
    return known;
}

/* Once in a while: was something missed? What the owner does not know yet may be on its way, and so
 * is looked at again; while changes keep coming it is left for later, but not for ever. Rows that
 * the owner cannot take are read once. */
static bool look(struct registry_watch *w)
{
    char sum[SUM_SIZE];

    for (int i = 0; i < LOOKS; i++) {
        if (!read_sum(w, sum)) {
            return false;
        }
        take_notifies(w); /* that came with the answer */
        if (is_known(w, sum) || strcmp(sum, w->sum) == 0) {
            w->postponed = 0;
            return true;
        }
        int ready = wait_for(w, POLLIN, AGAIN_MS);
        if (ready != 0 && w->postponed < POSTPONED_MAX) {
            w->postponed++;
            return ready > 0 && take_changes(w);
        }
    }
    return read_all(w);
}

/* Until the connection fails, or the thread is to end. */
static void follow(struct registry_watch *w)
{
    w->err.code = 0;
    if (!connect_to(w) || registry_table_prepare(w->conn, &w->err) < 0 ||
        !run(w, "LISTEN " REGISTRY_CHANNEL) || !read_all(w)) {
        return;
    }
    if (w->complains) {
        log_info("registry is in reach again");
        w->complains = false;
    }
    for (;;) {
        int ready = wait_for(w, POLLIN, CHECK_MS);
        if (ready < 0 || !(ready > 0 ? take_changes(w) : look(w))) {
            return;
        }
        take_notifies(w); /* that came with an answer */
        if (w->name_count > 0 && !read_some(w)) {
            return;
        }
    }
}

static void complain(struct registry_watch *w)
{
    const char *text = w->err.code != 0 ? w->err.text : PQerrorMessage(w->conn);

    if (!w->complains) {
        log_warning("registry is out of reach, what is known stays in force reason=\"%.*s\"",
                    (int)strcspn(text, "\n"), text);
    }
    w->complains = true;
}

static void run_thread(void *data)
{
    struct registry_watch *w = data;

    do {
        follow(w);
        if (wait_for(w, 0, 0) >= 0) {
            complain(w);
            note_failure(w);
        }
        PQfinish(w->conn);
        w->conn = NULL;
        buf_release(&w->names);
        w->name_count = 0;
    } while (wait_for(w, 0, RETRY_MS) >= 0);
}

/* ---- the owner's ---- */

static void free_watch(struct registry_watch *w)
{
    uv_mutex_destroy(&w->lock);
    uv_cond_destroy(&w->tried);
    (void)close(w->wake);
    free(w);
}

struct registry_watch *registry_watch_start(const struct pgexec_target *target, struct mailbox *box,
                                            void (*deliver)(struct mail *mail), void *data)
{
    struct registry_watch *w = x_zalloc(sizeof *w);

    w->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    w->target = *target;
    w->box = box;
    w->deliver = deliver;
    w->data = data;
    w->waits = true;
    (void)uv_mutex_init(&w->lock);
    (void)uv_cond_init(&w->tried);
    if (w->wake < 0 || uv_thread_create(&w->thread, run_thread, w) < 0) {
        free_watch(w);
        return NULL;
    }
    return w;
}

struct registry_news *registry_watch_first(struct registry_watch *w, uint64_t ms)
{
    uint64_t end = uv_hrtime() + ms * 1000000;

    uv_mutex_lock(&w->lock);
    for (uint64_t now = uv_hrtime(); !w->was_tried && now < end; now = uv_hrtime()) {
        (void)uv_cond_timedwait(&w->tried, &w->lock, end - now);
    }
    struct registry_news *news = w->first;
    w->first = NULL;
    w->waits = false;
    uv_mutex_unlock(&w->lock);
    return news;
}

void registry_watch_tell(struct registry_watch *w, size_t count, uint64_t sum)
{
    uv_mutex_lock(&w->lock);
    (void)snprintf(w->known, sizeof w->known, "%zu %" PRIu64, count, sum);
    uv_mutex_unlock(&w->lock);
}

void registry_watch_stop(struct registry_watch *w)
{
    uint64_t one = 1;

    if (w == NULL) {
        return;
    }
    (void)!write(w->wake, &one, sizeof one); /* cannot fail: nobody counts to the end */
    (void)uv_thread_join(&w->thread);
    if (w->first != NULL) {
        registry_news_free(w->first);
    }
    free_watch(w);
}
