// SPDX-License-Identifier: MIT
//
// directory: what a server knows of users that the configuration does not name, as one worker
// remembers it. A question is answered from memory where it was asked less than auth.query.cache
// ago, no matter whether there was such a user; else it waits its turn: one question at a time goes
// to the server, over one connection, in libuv's thread pool, so that a server that hangs holds one
// thread and no loop. Tenants take turns, so that a flood of one's delays another's by one
// question. Those about the same user wait together.
//
// Who asks need not have proved anything: what is remembered is bounded, and names that were not
// found have a share of their own, so that guessing them drives out nobody who is known. A failure
// answers everybody who waits, and is not remembered. The worker's thread.
#ifndef PROXY_DIRECTORY_H
#define PROXY_DIRECTORY_H

#include <stdatomic.h>
#include <uv.h>

#include "auth/name_match.h"
#include "auth/verifier.h"
#include "base/list.h"
#include "proxy/realm.h"
#include "tenant/name.h"

struct loop;

enum directory_kind {
    DIRECTORY_USER, /* is there such a user, with which secret? */
    DIRECTORY_ROLES /* which roles is it a member of? */
};

struct directory_question {
    enum directory_kind kind;
    char user[NAME_SIZE];
    char tenant[NAME_SIZE]; /* "" for none */
    char database[NAME_SIZE];
};

/* An answer; counted, since it may be forgotten while it is used, and a login that uses it may move
 * to another worker. Immutable once it is told. */
struct directory_record {
    _Atomic uint32_t refs;
    bool found;
    char *secret; /* as it is stored; NULL: no password lets in */
    bool has_verifier;
    struct verifier verifier;
    bool has_scram;
    struct verifier scram;  /* beside a plain one */
    bool has_tenants;       /* else auth.query.tenants holds */
    struct strings tenants; /* patterns; memory of the record */
    struct role_list roles;
};

/* How the server is asked; both block, and run in the thread pool, one at a time for a session. */
struct directory_ops {
    /* *session begins as NULL and is kept for the next question under the same configuration. The
     * reply is filled; it begins cleared. */
    int (*ask)(void **session, const struct realm *realm, const struct directory_question *question,
               struct directory_record *reply, struct err *err);
    void (*close)(void *session);
};

/* Exactly one of record and err is set. The record is good within the call, or as long as a
 * reference to it is held. */
typedef void (*directory_cb)(void *data, struct directory_record *record, const struct err *err);

struct directory;

struct directory_entry;

/* One who waits; embedded in the asker. A zeroed one waits for nothing. */
struct directory_request {
    struct list node;              /* in its question's list */
    struct directory_entry *entry; /* its question; NULL: it waits for nothing */
    directory_cb cb;               /* the asker's, with what it is given; set before it asks */
    void *data;
};

struct directory *directory_new(struct loop *loop, const struct directory_ops *ops);

/* NULL is allowed. What is under way ends first, in its own time; nobody is called back any more.
 */
void directory_free(struct directory *directory);

/* Forgets everything: another configuration is in force. */
void directory_forget(struct directory *directory);

/* What is remembered, until something else is asked for; NULL: ask. */
struct directory_record *directory_recall(struct directory *directory,
                                          const struct directory_question *question);

/* Asks, in the turn of a tenant; not where it is remembered. The callback comes later, from the
 * loop. */
void directory_ask(struct directory *directory, const struct realm *realm,
                   const struct directory_question *question, struct slice lane,
                   struct directory_request *request);

/* The callback will not come; nothing happens to a request that waits for nothing. A question that
 * nobody waits for is not asked. */
void directory_cancel(struct directory *directory, struct directory_request *request);

struct directory_record *directory_record_ref(struct directory_record *record);
void directory_record_unref(struct directory_record *record); /* NULL is allowed */

#endif
