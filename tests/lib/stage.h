// SPDX-License-Identifier: MIT
//
// stage: a proxy with a scripted server behind it and scripted clients before it, all on one loop.
// The test plays both ends. Everybody is trusted; the tenant is in the user's name: "app.acme".
// The server greets by itself. What a client got and nobody expected fails the case.
#ifndef TEST_STAGE_H
#define TEST_STAGE_H

#include "proxy/frontend.h"
#include "server.h"

struct stage {
    struct loop loop;
    struct server *server;
    struct budget budget;
    const struct realm *realm;
    struct proxy proxy;
    _Atomic uint32_t clients_in_all;
    _Atomic uint32_t logins_in_all;
    struct list clients; /* peers that stage_connect made */
    int gone;            /* clients whose memory was freed */
    int foreign_cancels; /* for other workers */
    int consoles;
    struct console_client console; /* the last one; its memory and descriptor are the stage's */
};

/* `server` is put into the entry of the server, `tenants` is the value of "tenants"; `more` are
 * further lines of the configuration. */
void stage_begin(struct stage *s, const char *server, const char *tenants);
void stage_begin_with(struct stage *s, const char *server, const char *tenants, const char *more);

/* Everything is closed; the loop must run dry and the slabs be empty. */
void stage_end(struct stage *s);

/* A client's end of a connection to the proxy, before it has said anything. */
struct peer *stage_connect(struct stage *s);

/* The same, and its startup packet. */
struct peer *stage_knock(struct stage *s, const char *user);

/* The same, for a client that needs no switch to be tried: it has been greeted. */
struct peer *stage_login(struct stage *s, const char *user);

/* The proxy's side of the client that came last. */
struct frontend *stage_frontend(struct stage *s);

/* What a client is told when it is greeted, behind AuthenticationOk. */
#define STAGE_GREETING "SSSKZI"

/* Sends messages by their letters. */
void stage_ask(struct peer *client, const char *letters);
void stage_answer(struct peer *server, const char *letters);

/* Sends a Query, and expects one of this text. */
void stage_query(struct peer *client, const char *sql);
void stage_expect_query(struct peer *server, const char *sql);

/* Takes an error with this SQLSTATE and returns its message, valid until the next take. */
const char *stage_expect_error(struct peer *client, const char *sqlstate);

/* Runs until the client that came last is in this state. */
void stage_until_state(struct stage *s, enum frontend_state state);

#endif
