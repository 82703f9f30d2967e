// SPDX-License-Identifier: MIT
//
// frontend: one client connection. It logs in (reception), asks its pool for a server connection
// when it has something to say, is linked while that is being answered, and lets go when the server
// is at rest outside a transaction (transaction mode) or when it leaves (session mode).
//
//   LOGIN ─▶ IDLE ─▶ WAITING ─▶ LINKED ─▶ IDLE        any ─▶ CLOSED
//              └───────────────────▲
//
// Before it is greeted a client may pass through WAITING and LINKED as well: its pool has never
// seen the server, or its context has never been tried there. What a client sent and cannot be sent
// on yet is kept in `in`, and nothing more is read from it meanwhile. Errors that end nothing are
// answered with ERROR and ReadyForQuery, after the rest of the failed batch has been skipped as a
// server would.
//
// Ownership: embedded conn; memory is the proxy's slab and goes when the handle is closed. One
// thread.
#ifndef PROXY_FRONTEND_H
#define PROXY_FRONTEND_H

#include "proxy/proxy.h"
#include "wire/frame.h"

struct client_login;
struct client_statement;
struct move;
struct role_secret;
struct wanderer;

enum frontend_state {
    FRONTEND_LOGIN,
    FRONTEND_IDLE,
    FRONTEND_WAITING,
    FRONTEND_LINKED,
    FRONTEND_CLOSED,
    FRONTEND_STATES
};

/* What is done with the client's messages after an error of ours. */
enum frontend_skip {
    SKIP_NOTHING,
    SKIP_BATCH,  /* one Query or FunctionCall, or all up to a Sync */
    SKIP_TO_SYNC /* all up to a Sync */
};

/* Until when bytes that went out already are kept in `in`, to go out again if they must. */
enum {
    KEPT_FOR_SWITCH = 1, /* the switch that they went out with is confirmed */
    KEPT_FOR_ANSWER = 2  /* the first answer to them comes: no statement in them was stale */
};

struct frontend {
    struct conn conn;
    struct proxy *proxy;
    struct list node;           /* in proxy.clients */
    struct list account_node;   /* in account.clients_list, once logged in */
    struct list login_node;     /* while LOGIN: in proxy.strangers, or expecting; or in neither */
    struct role_secret *fetch;  /* while LOGIN and the password of the tenant's role is fetched */
    struct client_login *login; /* while LOGIN */
    const struct realm *realm;  /* while LOGIN; a reference */
    const struct tenant_config *tenant; /* NULL while LOGIN; kept by what follows */
    const struct config *config;        /* that it logged in under; a reference; NULL while LOGIN */
    const struct overlay *overlay;      /* that `tenant` is in; a reference, or NULL */
    struct pool_request request; /* request.lane and .context say whose it is and what it needs */
    struct backend *backend;     /* while LINKED */
    struct client_statement *statements; /* uthash by name; NULL for none */
    char *doomed;       /* name of the statement that its last DEALLOCATE names; or NULL */
    struct buf in;      /* bytes received and not sent on yet */
    uint32_t armed;     /* bytes of `in` that went out already */
    uint32_t body_left; /* bytes of the message being passed that have not come yet */
    uint32_t slot;
    uint8_t state;     /* enum frontend_state */
    uint8_t skip;      /* enum frontend_skip */
    uint8_t barrier;   /* enum barrier */
    uint8_t kept;      /* why `armed` bytes are: KEPT_* bits */
    bool dropping;     /* the message being passed goes nowhere */
    bool skip_ready;   /* … and ReadyForQuery is owed at its end */
    bool holding;      /* bytes are kept: nothing more may be sent */
    bool retried;      /* a switch failed, and this is the second try */
    bool greeted;      /* ReadyForQuery was sent: it is a session */
    bool spoken;       /* it has asked for something since */
    bool closing_soon; /* to be closed when it is next outside a transaction */
    bool replicates;   /* its server connection is its own, and ends with it */
    bool has_slot;
    bool deallocates; /* what it sent on this link may, when it is executed, deallocate `doomed`, or
                         all that it has prepared */
    bool thinking;    /* linked or not, nothing is under way: the client is to speak */
    bool renamed;     /* its application_name has changed, and the client is to be told */
    bool knocking;    /* nothing was read yet */
    bool stranger;    /* it has proved nothing yet, and is counted as such */
    bool announced;   /* through a load balancer, whose header comes first and is not there yet */
    bool long_key;    /* it speaks protocol 3.2, and has a cancel key of that */
    struct deadline deadline;             /* of the login; of waiting, a query, or being idle */
    struct deadline transaction_deadline; /* of the transaction */
    struct addr peer;
    char *user; /* as it logged in, without the tenant's part; user_account's, once it has one */
    char *application_name;       /* as it calls itself, where the server is told otherwise; NULL */
    struct wanderer *wanderer;    /* its key, where it was told that on another worker; or NULL */
    struct account *user_account; /* counts the clients of that user; once it has a tenant */
    uint64_t change;              /* of its tenant's definition: the one that it lives under */
    uint64_t id;
    uint64_t connected_at; /* loop time, ms */
    uint64_t request_at;   /* of its last batch */
    uint64_t begun_at;     /* of its transaction; 0: none is under way */
    uint64_t busy_at;      /* since when a server works for it; 0: none does */
};

static inline struct account *frontend_account(const struct frontend *f)
{
    return f->request.lane == NULL ? NULL : f->request.lane->account;
}

/* Where what it does is counted; once it has a tenant. */
static inline struct account_stats *frontend_stats(const struct frontend *f)
{
    return f->request.lane->stats;
}

/* Its tenant was changed since it found its place. */
static inline bool frontend_stale(const struct frontend *f)
{
    return f->change < f->request.lane->account->change;
}

static inline bool frontend_session_mode(const struct frontend *f)
{
    return f->tenant->pool.mode == POOL_SESSION || f->replicates;
}

/* Whether its named statements are managed: they outlive the link. */
static inline bool frontend_tracks_statements(const struct frontend *f)
{
    return !frontend_session_mode(f) && f->tenant->pool.prepared_statements > 0;
}

/* The header of its next message; one that is larger than allowed counts as bad. */
static inline enum frame_result frontend_peek(const struct frontend *f, struct slice s,
                                              struct frame *frame)
{
    enum frame_result result = frame_peek(s, frame);
    return result == FRAME_OK && frame->size > f->proxy->message_max ? FRAME_BAD : result;
}

/* Takes over fd. */
void frontend_new(struct proxy *proxy, int fd, const struct addr *peer);

/* One that logged in at another worker; what it brings is taken over, but for the struct's memory.
 */
void frontend_arrive(struct proxy *proxy, struct move *move);

/* Closes with a FATAL error, or without a word where err is NULL. Idempotent. */
void frontend_close(struct frontend *f, const struct err *err);

/* An ERROR of ours, after which the session goes on. */
void frontend_tell_error(struct frontend *f, const struct err *err);

/* Answers what it is doing with an error and goes on; closes where no session has begun. */
void frontend_fail_batch(struct frontend *f, const struct err *err);

/* Sends it bytes of its server. True when it cannot take more now; one that cannot be written to is
 * found by its next read. */
bool frontend_send(struct frontend *f, struct slice bytes);

/* What it is told, or was told, once it is greeted. */
struct cancel_key frontend_cancel_key(const struct frontend *f);

/* Its own CancelRequest came. */
void frontend_cancel(struct frontend *f);

/* The server is being left: closes when outside a transaction, now or later. */
void frontend_close_when_idle(struct frontend *f);

const char *frontend_state_name(const struct frontend *f);

/* --- between frontend.c, reception.c and relay.c --- */
void frontend_move(struct frontend *f, enum frontend_state to);

/* It goes elsewhere: takes it out of everything that could find it, and its socket from it. */
struct conn_socket frontend_detach(struct frontend *f);

/* ParameterStatus, key and ReadyForQuery, behind what is still to be said: from here on it is a
 * session. */
void frontend_greet(struct frontend *f, struct slice before);

#endif
