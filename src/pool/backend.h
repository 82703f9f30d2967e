// SPDX-License-Identifier: MIT
//
// backend: one connection to a server. It dials, logs in, and is then idle in its pool until it is
// linked to a user (a frontend); what the server says is walked here, message by message, against
// the ledger, and what is the user's is handed up in runs as long as possible. When the user leaves
// it in the middle of something it cancels, rolls back and cleans up within a budget, or closes.
//
//   CONNECTING ─▶ LOGIN ─▶ IDLE ⇄ LINKED          (release of a connection that is at rest)
//                           ▲ ▲      │
//                           │ └─ HELD ◀─┐           (cancels for its last user are under way)
//                           └── CLEANING ◀──────     (our own query, or what the user left behind)
//   any ─▶ CLOSED
//
// Failures: whatever breaks the protocol, a failed switch, a failed cleaning query and a lost
// socket all close it; the user hears on_lost (or on_switch_failed) and the owner on_gone, each
// once, and neither may touch it afterwards. Memory goes when the socket's handle is closed. One
// thread: the worker's.
#ifndef POOL_BACKEND_H
#define POOL_BACKEND_H

#include "base/err.h"
#include "base/log.h"
#include "config/config.h"
#include "net/conn.h"
#include "net/dial.h"
#include "pool/ledger.h"
#include "pool/parameters.h"
#include "pool/prepared.h"
#include "pool/seal.h"
#include "pool/securing.h"
#include "tenant/context.h"

struct backend;
struct backend_login;
struct birth;
struct cancel;
struct credential;
struct host;
struct pools;

enum backend_state {
    BACKEND_CONNECTING,
    BACKEND_LOGIN,
    BACKEND_IDLE,
    BACKEND_LINKED,
    BACKEND_CLEANING,
    BACKEND_HELD,
    BACKEND_CLOSED,
    BACKEND_STATES
};

/* What the user of a linked backend is told. */
struct backend_user_ops {
    /* Bytes for the client, valid during the call. Returns true when the client cannot take more
     * now: the backend then reads nothing until backend_resume. */
    bool (*on_bytes)(void *user, struct slice bytes);
    /* A parameter was reported that is not part of a switch. False: it is not forwarded. */
    bool (*on_report)(void *user, struct slice name, struct slice value);
    /* The first batch behind a switch ends: what the server reported last is what is in force. A
     * setting that the batch changed back to what it was before the switch was not reported. */
    void (*on_reported)(void *user);
    /* The switch is in force: what was held back may go. */
    void (*on_switched)(void *user);
    /* An entry of the ledger that carries a note of the user's is done with: answered, or else
     * dropped, because it was skipped behind an error, or the link ends. Dropped ones come the
     * latest first. For an entry to be replaced, `answered` says that its error has come, and the
     * user's belongs here. */
    void (*on_entry)(void *user, const struct ledger_entry *entry, bool answered);
    /* The server has deallocated one prepared statement by SQL, or all of the session. */
    void (*on_deallocated)(void *user, bool all);
    /* A statement of this number cannot be executed any more, because its result has other columns
     * now. True: the user will send its batch again, so the error goes no further, and neither does
     * the batch's end, for which on_again comes. */
    bool (*on_stale_statement)(void *user, uint32_t number);
    void (*on_again)(void *user);
    /* Nothing is owed, and the server is inside a transaction. Comes at the end of the turn's
     * bytes. */
    void (*on_rest)(void *user);
    /* Nothing is owed, and the server is outside a transaction. Comes at the end of the turn's
     * bytes. */
    void (*on_settled)(void *user);
    /* Nothing is owed any more, which the user waited for with `awaited`; comes once. */
    void (*on_answered)(void *user);
    /* What was kept for the server has been written. */
    void (*on_drained)(void *user);
    /* The switch was refused, and nothing behind it was executed. The link is gone. */
    void (*on_switch_failed)(void *user, const struct err *err);
    /* The connection is lost. The link is gone. */
    void (*on_lost)(void *user, const struct err *err);
    /* A notice goes to the client, with this SQLSTATE. May be NULL. */
    void (*on_notice)(void *user, struct slice sqlstate);
};

/* What the owner (the pool) is told. */
struct backend_owner_ops {
    void (*on_ready)(struct backend *backend); /* IDLE: logged in, cleaned, or no longer held */
    /* Its user left while a query runs: cancel it. */
    void (*on_abandoned)(struct backend *backend);
    /* Gone; `login` says that it was never ready. err is NULL where it was asked to close. */
    void (*on_gone)(struct backend *backend, bool login, const struct err *err);
    void (*on_free)(struct backend *backend); /* the memory may be freed now */
    /* What the log says that it is: the pool's part; may be NULL. */
    struct log_origin (*origin)(const struct backend *backend);
};

struct backend_stats {
    uint64_t bytes_in;  /* from the server */
    uint64_t bytes_out; /* to the server */
};

struct backend {
    struct conn conn;
    enum backend_state state;
    void *owner;
    struct pools *pools;         /* where its memory is from; outlives the owner */
    const struct config *config; /* a reference: its target points there */
    const struct backend_owner_ops *owner_ops;
    void *user; /* while LINKED */
    const struct backend_user_ops *user_ops;

    struct list idle_node;    /* the pool's: all idle ones, the latest used first */
    struct list context_node; /* the pool's: the idle ones of one context */
    struct list birth_node;   /* the pool's: the idle ones of one birth */
    struct list host_node;    /* the host's: idle ones of all pools, the latest used first */
    struct list pool_node;    /* the pool's: all; once it lingers, pools.lingering */

    struct birth *birth;            /* what it began with; a reference of the pool's, or NULL */
    struct context_table *contexts; /* the worker's, that the two below are from */
    struct context *context;        /* last asserted; a reference; NULL before the first */
    struct context *next_context;   /* of the switch under way; a reference, or NULL */
    uint64_t last_user;         /* number of the frontend that used it last, for reset: client */
    bool context_unknown;       /* something may have changed since it was asserted */
    bool scrubbed;              /* DISCARD ALL ran since: it only tells whose process this was */
    bool fixed_unknown;         /* the same, of the tenant's own settings, within a session */
    bool switch_partial;        /* the switch under way asserts only those */
    struct prepared statements; /* of the clients that exist on it */
    uint32_t prepared;          /* which of the switch's statements exist on it: SWITCH_* bits */

    struct ledger ledger;
    struct buf in;      /* the start of a message that is not whole yet */
    uint32_t body_left; /* bytes of the message being passed that have not come yet */
    bool body_forward;  /* whether they are forwarded */
    bool synced;        /* the last thing heard was ReadyForQuery, and nothing was sent since */
    bool healing;       /* the user's batch failed for a stale statement, and is to be sent again */
    bool awaited;       /* the user waits until nothing is owed: on_answered */
    bool copy_in;       /* the server waits for CopyData */
    bool copy_extended; /* … asked for by Execute: it skips Sync until the end of the copy */
    char status;        /* of the last ReadyForQuery: 'I', 'T', 'E' */
    bool switched;      /* the switch was confirmed in this turn */
    bool unreported; /* since a switch no ReadyForQuery came: reports may be due; the user may set
                        it */
    bool cleaning_failed; /* the cleaning query got an error */
    char *reset_query;    /* to run when what the last user left is over; NULL for none; owned */
    bool resetting;       /* it is running */
    bool resets;          /* nothing but its reset query runs: it is counted in the pool as such */
    bool logged_in;       /* it was ready once */
    bool close_when_free; /* not to be used again: too old, reconfigured, or doubtful */
    bool open;            /* there is a socket, and the server has not closed its end */
    bool lingers; /* CLOSED, and the socket is kept until the server has closed its end: the owner
                     may ask for it in on_gone, where there is a socket */
    struct host *place; /* where it counts in the budget; the owner's */
    uint8_t ending;     /* enum backend_end: why it is, or will be, closed without an error */

    struct dial *dial;           /* while CONNECTING */
    struct backend_login *login; /* while LOGIN */
    struct securing securing;    /* its TLS, and that of its cancel requests */
    struct deadline
        deadline; /* CONNECTING and LOGIN: connect timeout; IDLE: idle timeout; CLEANING: budget */
    struct deadline age; /* the connection's lifetime */
    struct work free_work;
    uint32_t pid;                /* of the server process, from BackendKeyData */
    char start[SEAL_START_SIZE]; /* when it began, for seals; "" where it was not asked */
    struct seal_cache seal;      /* the last one made for it */
    struct slice key;            /* its cancel key; memory is the backend's */
    uint8_t key_bytes[256];
    struct cancel *cancel; /* the request for it that has not ended, or NULL */
    bool cancel_wanted;    /* meanwhile another was asked for, for what still runs */
    struct addr peer;
    const char *host; /* the configuration's, that answered */
    int port;
    struct parameters parameters; /* what the server said last of each */
    enum server_role role;        /* what the server must be */
    bool replicates;              /* it speaks the streaming replication protocol */
    uint64_t id;                  /* unique over all workers */
    uint64_t connected_at;        /* loop time, ms */
    uint64_t used_at;             /* of the last link */
    struct backend_stats stats;
};

/* Where to connect and as whom. All pointers stay valid until on_ready or on_gone. */
struct backend_target {
    const char *const *hosts;
    size_t host_count;
    size_t first_host;                   /* the one to be tried first; any number */
    enum server_role role;               /* what the server must be */
    struct tls_context *tls;             /* NULL: in clear */
    const struct tls_config *tls_config; /* how it is asked for */
    bool encrypts;                       /* the server refused what was not encrypted */
    enum server_protocol protocol;
    int port;
    uint64_t connect_timeout; /* ms for dialling and login; 0 for none */
    const char *user;
    const char *database;
    const struct credential *credential;
    const struct context *startup; /* settings to carry in the startup packet, or NULL */
    const char *replication;       /* the mode of a connection that replicates, or NULL */
    bool sealed; /* ask the server when its process began: seals are bound to that */
};

void backend_start(struct backend *b, struct loop *loop, const struct backend_target *target,
                   const struct backend_owner_ops *ops, void *owner);

/* IDLE to LINKED. */
void backend_link(struct backend *b, const struct backend_user_ops *ops, void *user);

/* Notes that a switch into the context is about to be sent, which `completes` answers end. With
 * `partial` it asserts only the tenant's own settings. */
void backend_expect_switch(struct backend *b, struct context *context, uint32_t completes,
                           bool partial);

/* The connection is in the context without a switch: there was nothing to assert. */
void backend_set_context(struct backend *b, struct context *context);

/* A setting was reported: it is in this context now, as far as that was known before. */
void backend_set_context_as_reported(struct backend *b, struct context *context);

/* Sends what the caller has pushed to the ledger. Returns 1 when some of
 * it was kept (stop until on_drained), 0, or a negative code: on_lost follows in this turn. */
int backend_send(struct backend *b, struct iovec *pieces, int count);

/* The user can take bytes again. */
void backend_resume(struct backend *b);

/* Whether the link may end now: nothing owed, outside a transaction, not in COPY. */
static inline bool backend_settled(const struct backend *b)
{
    return b->synced && b->status == 'I' && ledger_empty(&b->ledger) && !b->copy_in &&
           b->body_left == 0;
}

/* The settings that are asserted in the session, or NULL: it is as after its login. */
static inline struct context *backend_in_force(const struct backend *b)
{
    return b->scrubbed ? NULL : b->context;
}

/* LINKED to IDLE (on_ready follows before it returns), HELD or CLEANING. reset_query: to run first,
 * or NULL. `broken`: the user left in the middle of a message to the server. An unsettled one is
 * cancelled, rolled back and cleaned, or closed. */
void backend_unlink(struct backend *b, const char *reset_query, bool broken);

/* Runs a query of ours on an IDLE one; on_ready follows, or on_gone. */
void backend_clean(struct backend *b, const char *sql);

/* Closes at once, with a Terminate where the server can take it. Idempotent. on_gone follows before
 * it returns. */
void backend_close(struct backend *b, const struct err *err);

/* The same without an error, for a reason that the pool counts: enum backend_end. */
static inline void backend_close_for(struct backend *b, uint8_t why)
{
    b->ending = why;
    backend_close(b, NULL);
}

/* Ends the lingering: the server has had its time. */
void backend_let_go(struct backend *b);

/* Whether there is a server at the other end that could close it. */
static inline bool backend_may_linger(const struct backend *b)
{
    return b->open && (b->conn.tls == NULL || !b->conn.tls->shaking);
}

/* Whether its server is what it must be: a server tells since version 14 whether it is a standby,
 * also when that changes. */
static inline bool backend_has_role(const struct backend *b)
{
    struct slice standby = parameters_find(&b->parameters, slice_str("in_hot_standby"));

    return b->role == SERVER_ANY || slice_eq_str(standby, "on") == (b->role == SERVER_STANDBY);
}

/* A cancel request for it has ended. */
void backend_cancel_ended(struct backend *b);

const char *backend_state_name(enum backend_state state);

/* What a line in the log is about, that tells of it. */
struct log_origin backend_origin(const struct backend *b);

#endif
