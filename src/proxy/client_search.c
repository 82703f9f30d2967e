// SPDX-License-Identifier: MIT
#include "proxy/client_search.h"

#include <string.h>

#include "base/limits.h"

typedef int (*take_fn)(struct client_search *search, struct directory_record *record,
                       struct err *err);

static void put_name(char out[NAME_SIZE], struct slice name)
{
    memcpy(out, name.p, name.n);
    out[name.n] = '\0';
}

/* Names that PostgreSQL cannot have are asked for nowhere. */
static bool make_question(const struct client_search *search, enum directory_kind kind,
                          struct directory_question *question)
{
    const struct client_identity *identity = search->identity;

    *question = (struct directory_question){.kind = kind};
    if (identity->user.n > LIMIT_NAME || identity->database.n > LIMIT_NAME) {
        return false;
    }
    put_name(question->user, identity->user);
    if (kind == DIRECTORY_USER) {
        put_name(question->database, identity->database);
        memcpy(question->tenant, identity->tenant, sizeof question->tenant);
    }
    return true;
}

/* From memory, or later by the callback. */
static int ask(struct client_search *search, const struct directory_question *question,
               take_fn take, directory_cb cb, struct err *err)
{
    struct directory_record *record = directory_recall(search->directory, question);

    if (record != NULL) {
        return take(search, record, err);
    }
    search->request = (struct directory_request){.cb = cb, .data = search};
    directory_ask(search->directory, search->realm, question,
                  client_identity_lane(search->identity, search->realm), &search->request);
    return CLIENT_SEARCH_LATER;
}

/* An answer came from the loop. */
static void go_on(struct client_search *search, take_fn take, struct directory_record *record,
                  const struct err *failure)
{
    struct err err = {0};

    if (failure != NULL) {
        search->cb(search->data, failure);
        return;
    }
    int rc = take(search, record, &err);
    if (rc != CLIENT_SEARCH_LATER) {
        search->cb(search->data, rc < 0 ? &err : NULL);
    }
}

/* ---- the user ---- */

static int take_user(struct client_search *search, struct directory_record *record, struct err *err)
{
    (void)err;
    if (!record->found) {
        return CLIENT_SEARCH_DONE;
    }
    search->record = directory_record_ref(record);
    search->config = (struct user_config){
        .tenants = record->has_tenants ? record->tenants
                                       : realm_config(search->realm)->auth.query.tenants};
    search->user = (struct realm_user){.config = &search->config,
                                       .secret = record->secret,
                                       .has_verifier = record->has_verifier,
                                       .verifier = record->verifier,
                                       .has_scram = record->has_scram,
                                       .scram = record->scram};
    search->identity->known = &search->user;
    return CLIENT_SEARCH_DONE;
}

static void on_user(void *data, struct directory_record *record, const struct err *failure)
{
    go_on(data, take_user, record, failure);
}

/* Those of the configuration come first. */
static int find_user(struct client_search *search, struct err *err)
{
    struct directory_question question;

    search->identity->known = realm_user(search->realm, search->identity->user);
    if (search->identity->known != NULL || realm_config(search->realm)->auth.query.server == NULL ||
        !make_question(search, DIRECTORY_USER, &question)) {
        return CLIENT_SEARCH_DONE;
    }
    return ask(search, &question, take_user, on_user, err);
}

/* ---- the method ---- */

static int take_roles(struct client_search *search, struct directory_record *record,
                      struct err *err)
{
    int rc = client_method_choose(&search->method, search->realm, search->origin, search->identity,
                                  &record->roles, err);

    return rc < 0 ? rc : find_user(search, err);
}

static void on_roles(void *data, struct directory_record *record, const struct err *failure)
{
    go_on(data, take_roles, record, failure);
}

int client_search_start(struct client_search *search, struct err *err)
{
    struct directory_question question;
    int rc = client_method_choose(&search->method, search->realm, search->origin, search->identity,
                                  NULL, err);

    if (rc < 0) {
        return rc;
    }
    if (rc > 0 && make_question(search, DIRECTORY_ROLES, &question)) {
        return ask(search, &question, take_roles, on_roles, err);
    }
    return find_user(search, err);
}

void client_search_fini(struct client_search *search)
{
    directory_cancel(search->directory, &search->request);
    directory_record_unref(search->record);
    search->record = NULL;
}
