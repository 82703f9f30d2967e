// SPDX-License-Identifier: MIT
#include "admin/http.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <microhttpd.h>

#include "admin/metrics.h"
#include "admin/page.h"
#include "admin/probe.h"
#include "admin/pulse.h"
#include "admin/state_json.h"
#include "admin/view.h"
#include "base/alloc.h"
#include "base/encode.h"
#include "base/log.h"
#include "net/listen.h"

#define HTTP_SOCKETS     4
#define HTTP_CONNECTIONS 64
#define HTTP_IDLE        15 /* s that a connection may rest */
#define ASK_TIMEOUT      2  /* s that an answer of the loops may take */

struct http {
    struct admin *admin;
    struct MHD_Daemon *daemons[HTTP_SOCKETS]; /* one for each socket */
    int fds[HTTP_SOCKETS];                    /* the sockets; the daemons own them */
    int count;
    char *path;           /* of a Unix socket, or NULL */
    pthread_mutex_t lock; /* all asks, and below */
    pthread_cond_t told;  /* an ask was answered, or nobody is to wait any more */
    bool stopping;
    pthread_mutex_t naming; /* named */
    struct named named;
};

/* A question to the control thread. It belongs to both sides: to the one that asked, which may give
 * up, and to the one that answers. */
struct ask {
    struct mail mail;
    struct http *http;
    bool wants_view;         /* else only whether the loops turn */
    bool answered;           /* http.lock, likewise below */
    bool given_up;           /* by the one that asked */
    bool alive;              /* the loops turn */
    const struct view *view; /* a reference, or NULL */
};

/* ---- on the control thread ---- */

static void answer(struct ask *ask, bool alive, const struct view *view)
{
    struct http *http = ask->http;

    (void)pthread_mutex_lock(&http->lock);
    bool given_up = ask->given_up;
    ask->answered = true;
    ask->alive = alive;
    ask->view = view;
    (void)pthread_cond_broadcast(&http->told);
    (void)pthread_mutex_unlock(&http->lock);
    if (given_up) {
        view_unref(view);
        free(ask);
    }
}

static void on_view(void *data, const struct view *view)
{
    answer(data, view != NULL, view);
}

static void on_pulse(void *data)
{
    answer(data, true, NULL);
}

static void deliver_ask(struct mail *mail)
{
    struct ask *ask = container_of(mail, struct ask, mail);

    if (ask->http->admin->closing) {
        answer(ask, false, NULL);
    } else if (ask->wants_view) {
        view_ask(ask->http->admin, on_view, ask);
    } else {
        pulse_ask(ask->http->admin, on_pulse, ask);
    }
}

/* ---- on the thread of libmicrohttpd ---- */

static bool wait_for_answer(struct http *http, const struct ask *ask)
{
    struct timespec until;
    int rc = 0;

    (void)clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += ASK_TIMEOUT;
    while (!ask->answered && !http->stopping && rc == 0) {
        rc = pthread_cond_timedwait(&http->told, &http->lock, &until);
    }
    return ask->answered;
}

/* Returns whether the loops turn, and a view where one is wanted. */
static bool ask_loops(struct http *http, const struct view **view)
{
    struct ask *ask = x_zalloc(sizeof *ask);
    bool alive = false;

    ask->mail.deliver = deliver_ask;
    ask->http = http;
    ask->wants_view = view != NULL;
    mailbox_post(&http->admin->box, &ask->mail);
    (void)pthread_mutex_lock(&http->lock);
    bool answered = wait_for_answer(http, ask);
    if (answered) {
        alive = ask->alive && (view == NULL || ask->view != NULL);
        if (view != NULL) {
            *view = ask->view;
        }
    }
    ask->given_up = !answered;
    (void)pthread_mutex_unlock(&http->lock);
    if (answered) {
        free(ask);
    }
    return alive;
}

struct reply {
    unsigned status;
    const char *type;
    struct buf body;
    bool challenge; /* asks for a password */
};

static void reply_text(struct reply *reply, unsigned status, const char *text)
{
    reply->status = status;
    reply->type = "text/plain; charset=utf-8";
    buf_printf(&reply->body, "%s\n", text);
}

/* The header is compared as a whole, in a time that tells nothing. */
static bool is_allowed(struct MHD_Connection *connection, const struct view *view)
{
    const struct config *config = realm_config(view->realm);
    const char *given = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, "Authorization");
    const char *password = realm_secret(view->realm, &config->http.password);
    struct buf plain = {0};
    struct buf wanted = {0};
    unsigned char differs = 0;

    if (config->http.user[0] == '\0') {
        return true;
    }
    buf_printf(&plain, "%s:%s", config->http.user, password == NULL ? "" : password);
    buf_printf(&wanted, "Basic ");
    base64_append(&wanted, buf_slice(&plain));
    size_t n = given == NULL ? 0 : strlen(given);
    struct slice w = buf_slice(&wanted);
    differs |= n != w.n;
    for (size_t i = 0; i < w.n; i++) {
        differs |= (unsigned char)(w.p[i] ^ (uint8_t)(n == 0 ? 0 : given[i % n]));
    }
    buf_release_secret(&plain);
    buf_release_secret(&wanted);
    return differs == 0;
}

static void reply_live(struct http *http, struct reply *reply)
{
    if (ask_loops(http, NULL)) {
        reply_text(reply, MHD_HTTP_OK, "ok");
    } else {
        reply_text(reply, MHD_HTTP_SERVICE_UNAVAILABLE, "a loop does not turn");
    }
}

/* A server that has a connection logged in is reached; else it is tried. */
static bool reaches_a_server(const struct view *view)
{
    const struct config *config = realm_config(view->realm);

    for (uint32_t i = 0; i < view->server_count; i++) {
        if (view->servers[i].ready > 0 || probe_server(&config->servers[i])) {
            return true;
        }
    }
    return false;
}

static void reply_ready(const struct view *view, struct reply *reply)
{
    if (view->draining) {
        reply_text(reply, MHD_HTTP_SERVICE_UNAVAILABLE, "draining");
    } else if (!reaches_a_server(view)) {
        reply_text(reply, MHD_HTTP_SERVICE_UNAVAILABLE, "no server can be reached");
    } else {
        reply_text(reply, MHD_HTTP_OK, "ready");
    }
}

static void reply_metrics(struct http *http, struct MHD_Connection *connection,
                          const struct view *view, struct reply *reply)
{
    const char *accept = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, "Accept");
    bool open_metrics = accept != NULL && strstr(accept, "application/openmetrics-text") != NULL;

    reply->status = MHD_HTTP_OK;
    reply->type = open_metrics ? "application/openmetrics-text; version=1.0.0; charset=utf-8"
                               : "text/plain; version=0.0.4; charset=utf-8";
    (void)pthread_mutex_lock(&http->naming);
    metrics_write(view, &http->named, open_metrics, &reply->body);
    (void)pthread_mutex_unlock(&http->naming);
}

static void reply_view(struct http *http, struct MHD_Connection *connection, const char *url,
                       struct reply *reply)
{
    const struct view *view = NULL;

    if (!ask_loops(http, &view)) {
        reply_text(reply, MHD_HTTP_SERVICE_UNAVAILABLE, "no answer of the loops");
    } else if (strcmp(url, "/readyz") == 0) {
        reply_ready(view, reply);
    } else if (!is_allowed(connection, view)) {
        reply_text(reply, MHD_HTTP_UNAUTHORIZED, "a user and a password are needed");
        reply->challenge = true;
    } else if (strcmp(url, "/metrics") == 0) {
        reply_metrics(http, connection, view, reply);
    } else if (strcmp(url, "/api/state") == 0) {
        reply->status = MHD_HTTP_OK;
        reply->type = "application/json";
        state_json_write(view, &reply->body);
    } else {
        reply->status = MHD_HTTP_OK;
        reply->type = "text/html; charset=utf-8";
        buf_append_slice(&reply->body, page_html());
    }
    view_unref(view);
}

static bool is_page(const char *url)
{
    static const char *const pages[] = {"/", "/readyz", "/metrics", "/api/state"};

    for (size_t i = 0; i < sizeof pages / sizeof pages[0]; i++) {
        if (strcmp(url, pages[i]) == 0) {
            return true;
        }
    }
    return false;
}

static enum MHD_Result send_reply(struct MHD_Connection *connection, struct reply *reply)
{
    static const struct {
        const char *name;
        const char *value;
    } headers[] = {
        {"Cache-Control", "no-store"},
        {"X-Content-Type-Options", "nosniff"},
        {"X-Frame-Options", "DENY"},
        {"Referrer-Policy", "no-referrer"},
        {"Content-Security-Policy",
         "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; "
         "connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; "
         "frame-ancestors 'none'"},
    };
    struct slice body = buf_slice(&reply->body);
    struct MHD_Response *response =
        MHD_create_response_from_buffer(body.n, (void *)(uintptr_t)body.p, MHD_RESPMEM_MUST_COPY);

    buf_release(&reply->body);
    if (response == NULL) {
        return MHD_NO;
    }
    (void)MHD_add_response_header(response, "Content-Type", reply->type);
    for (size_t i = 0; i < sizeof headers / sizeof headers[0]; i++) {
        (void)MHD_add_response_header(response, headers[i].name, headers[i].value);
    }
    if (reply->challenge) {
        (void)MHD_add_response_header(response, "WWW-Authenticate", "Basic realm=\"fahrend\"");
    }
    enum MHD_Result result = MHD_queue_response(connection, reply->status, response);
    MHD_destroy_response(response);
    return result;
}

/* Is called once with the head, once for each piece of a body, and once at its end. */
static enum MHD_Result on_request(void *data, struct MHD_Connection *connection, const char *url,
                                  const char *method, const char *version, const char *body,
                                  size_t *body_size, void **seen)
{
    struct http *http = data;
    struct reply reply = {0};

    (void)version;
    (void)body;
    if (*seen == NULL) {
        *seen = http;
        return MHD_YES;
    }
    if (*body_size > 0) {
        *body_size = 0; /* nothing here takes one */
        return MHD_YES;
    }
    if (strcmp(method, "GET") != 0 && strcmp(method, "HEAD") != 0) {
        reply_text(&reply, MHD_HTTP_METHOD_NOT_ALLOWED, "only GET and HEAD");
    } else if (strcmp(url, "/livez") == 0) {
        reply_live(http, &reply);
    } else if (is_page(url)) {
        reply_view(http, connection, url, &reply);
    } else {
        reply_text(&reply, MHD_HTTP_NOT_FOUND, "not found");
    }
    return send_reply(connection, &reply);
}

/* ---- life ---- */

static int start_daemon(struct http *http, int fd, struct err *err)
{
    struct MHD_Daemon *daemon = MHD_start_daemon(
        MHD_USE_AUTO_INTERNAL_THREAD | MHD_USE_ITC, 0, NULL, NULL, on_request, http,
        MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_CONNECTION_LIMIT, (unsigned)HTTP_CONNECTIONS,
        MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)HTTP_IDLE, MHD_OPTION_END);

    if (daemon == NULL) {
        (void)close(fd);
        return err_set(err, ERR_INTERNAL, "http: libmicrohttpd cannot be started");
    }
    http->fds[http->count] = fd;
    http->daemons[http->count++] = daemon;
    return 0;
}

static int open_sockets(struct http *http, const struct config *config, struct listen_stock *stock,
                        int *fds, struct err *err)
{
    const char *address = config->http.address;

    if (address[0] != '/') {
        return listen_open_tcp(address, config->http.port, stock, fds, HTTP_SOCKETS, err);
    }
    fds[0] = listen_open_path(address, stock, err);
    if (fds[0] < 0) {
        return fds[0];
    }
    http->path = x_strdup(address);
    return 1;
}

struct http *http_new(struct admin *admin, const struct config *config, struct listen_stock *stock,
                      struct err *err)
{
    struct http *http = x_zalloc(sizeof *http);
    int fds[HTTP_SOCKETS];
    int count;
    int rc = 0;

    http->admin = admin;
    (void)pthread_mutex_init(&http->lock, NULL);
    (void)pthread_mutex_init(&http->naming, NULL);
    (void)pthread_cond_init(&http->told, NULL);
    count = open_sockets(http, config, stock, fds, err);
    if (count < 0) {
        err_wrap(err, "http");
        http_free(http);
        return NULL;
    }
    for (int i = 0; i < count; i++) {
        if (rc < 0) {
            (void)close(fds[i]);
        } else {
            rc = start_daemon(http, fds[i], err);
        }
    }
    if (rc < 0) {
        http_close(http);
        http_free(http);
        return NULL;
    }
    return http;
}

size_t http_sockets(const struct http *http, const int **fds)
{
    *fds = http->fds;
    return (size_t)http->count;
}

/* Ending a daemon shuts its socket down, and so for everybody: it must give it back first. */
void http_hand_over(struct http *http)
{
    MHD_socket fds[HTTP_SOCKETS];
    int count = http->count;

    for (int i = 0; i < count; i++) {
        fds[i] = MHD_quiesce_daemon(http->daemons[i]);
    }
    free(http->path);
    http->path = NULL;
    http_close(http);
    for (int i = 0; i < count; i++) {
        if (fds[i] != MHD_INVALID_SOCKET) {
            (void)close(fds[i]);
        }
    }
}

void http_close(struct http *http)
{
    (void)pthread_mutex_lock(&http->lock);
    http->stopping = true;
    (void)pthread_cond_broadcast(&http->told);
    (void)pthread_mutex_unlock(&http->lock);
    for (int i = 0; i < http->count; i++) {
        MHD_stop_daemon(http->daemons[i]);
    }
    http->count = 0;
    if (http->path != NULL) {
        (void)unlink(http->path);
        free(http->path);
        http->path = NULL;
    }
}

void http_free(struct http *http)
{
    if (http == NULL) {
        return;
    }
    named_fini(&http->named);
    (void)pthread_mutex_destroy(&http->lock);
    (void)pthread_mutex_destroy(&http->naming);
    (void)pthread_cond_destroy(&http->told);
    free(http->path);
    free(http);
}
