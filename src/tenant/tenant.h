// SPDX-License-Identifier: MIT
//
// tenant: one tenant as a registry holds it. A pointer to one is valid as long as a reference to
// its registry is held. Written by the thread that builds the registry, read by all.
#ifndef TENANT_TENANT_H
#define TENANT_TENANT_H

#include "base/err.h"
#include "config/config.h"
#include "config/overlay.h"

/* state, how it is spelled in the registry and on the console */
#define TENANT_STATE_MAP(X)                                                                        \
    X(TENANT_ACTIVE, "active")                                                                     \
    X(TENANT_SUSPENDED, "suspended") /* its clients are closed, new ones are refused */            \
    X(TENANT_PAUSED, "paused")       /* its queries wait in the queue */                           \
    X(TENANT_CREATING, "creating")                                                                 \
    X(TENANT_DROPPING, "dropping")

enum tenant_state {
#define X(state, name) state,
    TENANT_STATE_MAP(X)
#undef X
        TENANT_STATES
};

struct tenant {
    const char *name;
    const struct tenant_config *config; /* shared with others that are configured alike */
    const struct overlay *overlay;      /* what has the config, or NULL: the configuration has it */
    enum tenant_state state;
    uint64_t change; /* grows whenever `overlay` becomes another; 0: the configuration has it */
};

const char *tenant_state_name(enum tenant_state state);
bool tenant_state_parse(struct slice name, enum tenant_state *state);

/* May a client log in? 0, or ERR_SUSPENDED, or ERR_UNKNOWN_TENANT for one that is being dropped. */
int tenant_admit(const struct tenant *tenant, struct err *err);

#endif
