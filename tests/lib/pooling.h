// SPDX-License-Identifier: MIT
//
// pooling: the pools of one worker over a scripted server, and customers of them: what a client is
// to a pool. A customer asks, holds a connection, and leaves; it counts what it was told. Holding
// one, it is in its context at once, as if a switch had gone well.
#ifndef TEST_POOLING_H
#define TEST_POOLING_H

#include "pool/pools.h"
#include "server.h"
#include "tenant/registry.h"

struct pooling {
    struct loop loop;
    struct server *server; /* "main" of the configuration */
    const struct config *config;
    const struct registry *registry;
    struct budget budget;
    struct pools pools;
    int grants; /* so far, of all customers */
};

/* `servers` is put into the entry of the server, `tenants` is the value of "tenants". */
void pooling_begin(struct pooling *p, const char *servers, const char *tenants);

/* Everything is closed; the loop must run dry and the slabs be empty. */
void pooling_end(struct pooling *p);

/* A tenant's lane; its pool gets a reference, which pooling_end gives back. */
struct lane *pooling_lane(struct pooling *p, const char *tenant);

struct customer {
    struct pooling *p;
    struct pool_request request;
    struct backend *backend; /* held now, or NULL */
    int granted;             /* 0, or the number of its last grant among all */
    int refused;
    int lost;
    struct err err; /* of the last refusal or loss */
    struct buf got; /* bytes of the server */
};

/* `tag` names the context: customers of one lane and tag have the same one. */
void customer_init(struct customer *c, struct lane *lane, const char *tag);

/* Its connection must have begun with this TimeZone. */
void customer_set_zone(struct customer *c, const char *zone);
void customer_fini(struct customer *c);

/* As pool_acquire; with 1 the connection is held. */
int customer_ask(struct customer *c);

/* Asks, and runs until it holds a connection. */
void customer_get(struct customer *c);
void customer_leave(struct customer *c);

/* So many customers of one context, who have all asked; none is served yet. */
struct customer *crowd_new(struct lane *lane, int count);
void crowd_free(struct customer *crowd, int count);

#endif
