// SPDX-License-Identifier: MIT
//
// client: one session after another on one place. Each says what its script says, in segments of
// random sizes, and holds every answer against its model; at random it asks for a cancel, stops
// reading for a while, or leaves without a word. A wrong answer, a missing one or an end that
// nobody asked for fails the run.
#ifndef ORACLE_CLIENT_H
#define ORACLE_CLIENT_H

#include "base/buf.h"
#include "history.h"
#include "model.h"
#include "reactor.h"
#include "rng.h"
#include "script.h"

struct tenant {
    const char *name;
    const char *setting; /* value of app.tenant that its sessions see */
    const char *path;    /* value of search_path */
};

struct stats {
    uint64_t requests;
    uint64_t rows;
    uint64_t errors;  /* of the server, as expected */
    uint64_t batches; /* ReadyForQuery */
    uint64_t sessions;
    uint64_t cancels;     /* asked for */
    uint64_t cancels_hit; /* an error came of it */
    uint64_t lost;        /* sessions that ended with their server connection */
};

struct oracle {
    struct reactor reactor;
    uint16_t proxy; /* port */
    const char *user;
    const char *database;
    struct tenant tenants[16];
    unsigned tenant_count;
    struct rng rng;
    uint32_t next_client;
    bool may_lose; /* server connections are ended in the middle */
    bool stopping; /* nothing new is begun */
    bool failed;
    struct stats stats;
};

enum { QUEUE_MAX = 1024, PLACES_MAX = 256 };

enum cancel_state {
    CANCEL_NONE,
    CANCEL_ASKED, /* the request is on its way */
    CANCEL_SENT   /* it was taken; it may still strike until the session is at rest */
};

struct client {
    struct source source;
    struct source canceller;
    struct oracle *oracle;
    const struct tenant *tenant;
    struct rng rng;
    uint32_t id; /* of this session */
    bool logged_in;
    bool ending; /* a fatal error came: only the end may follow */
    struct model model;
    struct model before;             /* the step at hand */
    struct request queue[QUEUE_MAX]; /* sent and not looked at yet: from head */
    unsigned head, queued;
    struct request request; /* at hand */
    bool has_request;
    bool more_steps;
    unsigned step;
    struct outcome outcome;
    unsigned at;       /* the next item of the outcome */
    uint32_t reported; /* application name that the client was told last */
    struct script script;
    struct buf out;
    struct buf in;
    bool fragile;   /* a cancel now would make the outcome uncertain */
    uint8_t cancel; /* enum cancel_state */
    uint8_t cancel_key[8];
    uint64_t rests_until;  /* sends nothing before */
    uint64_t silent_until; /* reads nothing before */
    uint64_t heard_at;     /* when something came, or nothing was owed */
    struct history history;
};

/* Begins the first session of a place. */
void client_start(struct client *client, struct oracle *oracle);

/* What time brings: called every few milliseconds. */
void client_tick(struct client *client, uint64_t now);

/* Whether everything is answered and nothing is left to say. */
bool client_is_done(struct client *client);
void client_stop(struct client *client);

#endif
