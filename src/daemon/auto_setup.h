// SPDX-License-Identifier: MIT
//
// auto_setup: rls.setup: auto. At start, and when a reload changes what it depends on, row security
// is set up in every database of the configuration's tenants that ask for it, by the server's admin
// login, as SETUP RLS does. It runs in libuv's thread pool on a reference to the realm; what fails
// is said in the log, stops nothing, and is tried again after growing pauses. Tenants that are made
// at run time bring it with them (provision/tenant_make.c). Control thread.
#ifndef DAEMON_AUTO_SETUP_H
#define DAEMON_AUTO_SETUP_H

#include "net/loop.h"
#include "proxy/realm.h"

struct auto_setup_job;
struct auto_setup_done;

struct auto_setup {
    struct loop *loop;
    const struct realm *realm;    /* to be set up; a reference, or NULL */
    struct auto_setup_job *job;   /* under way, or NULL */
    struct auto_setup_done *done; /* places that are set up, and how; uthash */
    struct deadline retry;
    uint64_t pause; /* ms before the next try */
    bool stopped;
};

void auto_setup_init(struct auto_setup *a, struct loop *loop);

/* Sets up what this realm asks for and has not been done. */
void auto_setup_follow(struct auto_setup *a, const struct realm *realm);

/* Tries nothing more; what is under way ends before the loop does. */
void auto_setup_stop(struct auto_setup *a);
void auto_setup_fini(struct auto_setup *a); /* when the loop has run dry */

#endif
