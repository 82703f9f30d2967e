// SPDX-License-Identifier: MIT
//
// client_search: what must be known of a client before it can be asked for a proof: its method, by
// auth.method or a rule that may hang on its roles, and its user, by the configuration or else by
// auth.query. Answers at once where everything is remembered, else by its callback, once, or never
// after client_search_fini. Embedded in the login; one thread.
#ifndef PROXY_CLIENT_SEARCH_H
#define PROXY_CLIENT_SEARCH_H

#include "proxy/client_method.h"
#include "proxy/directory.h"

/* What a login needs of the worker. */
struct client_login_needs {
    struct loop *loop;
    const struct realm *realm;   /* in force; the login takes a reference of its own */
    struct directory *directory; /* outlives the login */
};

/* err is NULL where the search ended well. */
typedef void (*client_search_cb)(void *data, const struct err *err);

struct client_search {
    const struct realm *realm;
    struct directory *directory;
    const struct client_origin *origin;
    struct client_identity *identity; /* user and database are read, `known` is set */
    struct client_method method;      /* the outcome */
    client_search_cb cb;
    void *data;
    /* private below */
    struct directory_request request;
    struct directory_record *record; /* of a user that the configuration does not name */
    struct user_config config;       /* … what it may do */
    struct realm_user user;          /* … and what identity.known then is */
};

enum client_search_result { CLIENT_SEARCH_LATER = 0, CLIENT_SEARCH_DONE = 1 };

/* The first fields are set. Returns a result above, or a negative code: no rule lets it in, or the
 * server cannot be asked. A user that is not found is no failure: `known` is NULL. */
int client_search_start(struct client_search *search, struct err *err);
void client_search_fini(struct client_search *search); /* also of one that never started */

#endif
