// SPDX-License-Identifier: MIT
#include "proxy/trace.h"

#include "pool/origin.h"
#include "proxy/client_login.h"

/* Nothing is proved yet: the name is the client's word. */
static struct log_origin origin_of_stranger(const struct frontend *f)
{
    struct log_origin origin = {.client = f->id};

    if (f->login != NULL) {
        const char *tenant = client_login_identity(f->login)->tenant;
        origin.tenant = tenant;
        origin.level = levels_get(&f->proxy->pools.levels, slice_str(tenant));
    }
    return origin;
}

struct log_origin trace_origin(const struct frontend *f)
{
    return f->request.lane == NULL ? origin_of_stranger(f) : origin_of_request(&f->request);
}

static struct log_origin origin_of_link(const struct frontend *f)
{
    struct log_origin origin = trace_origin(f);

    origin.connection = f->backend->id;
    origin.pid = f->backend->pid;
    return origin;
}

void trace_encrypted(const struct frontend *f, const char *how)
{
    struct log_origin origin = trace_origin(f);

    log_about(LOG_DEBUG, &origin, "client encrypted tls=%s", how);
}

void trace_greeted(const struct frontend *f)
{
    struct log_origin origin = trace_origin(f);
    char peer[ADDR_TEXT];

    if (log_wanted(LOG_DEBUG, origin.level)) {
        addr_print(&f->peer, peer, sizeof peer);
        log_about(LOG_DEBUG, &origin, "client logged in peer=%s user=%s", peer, f->user);
    }
}

void trace_failed(const struct frontend *f, const struct err *err)
{
    struct log_origin origin = trace_origin(f);

    log_about(LOG_DEBUG, &origin, "client was refused sqlstate=%s reason=\"%s\"", err_sqlstate(err),
              err->text);
}

void trace_closed(const struct frontend *f, const struct err *err)
{
    enum log_level level = err == NULL ? LOG_DEBUG : LOG_INFO;
    struct log_origin origin = trace_origin(f);
    const char *user = f->user == NULL ? "-" : f->user;
    char peer[ADDR_TEXT];

    if (!log_wanted(level, origin.level)) {
        return;
    }
    addr_print(&f->peer, peer, sizeof peer);
    if (err == NULL) {
        log_about(level, &origin, "client left peer=%s user=%s", peer, user);
    } else {
        log_about(level, &origin, "client closed peer=%s user=%s sqlstate=%s reason=\"%s\"", peer,
                  user, err_sqlstate(err), err->text);
    }
}

void trace_linked(const struct frontend *f)
{
    struct log_origin origin = origin_of_link(f);

    log_about(LOG_DEBUG, &origin, "client was given a server connection in_context=%s",
              backend_in_force(f->backend) == f->request.context ? "yes" : "no");
}

void trace_switched(const struct frontend *f)
{
    struct log_origin origin = origin_of_link(f);

    log_about(LOG_DEBUG, &origin, "server connection was switched");
}

void trace_released(const struct frontend *f)
{
    struct log_origin origin = origin_of_link(f);

    log_about(LOG_DEBUG, &origin, "client gave its server connection back settled=%s",
              backend_settled(f->backend) ? "yes" : "no");
}
