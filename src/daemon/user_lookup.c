// SPDX-License-Identifier: MIT
#include "daemon/user_lookup.h"

#include "base/alloc.h"
#include "provision/auth_query.h"

/* Patterns with commas between, and blanks about them. */
static void split_tenants(struct slice text, struct strings *out)
{
    char **items = NULL;
    size_t count = 0;

    while (text.n > 0) {
        ptrdiff_t comma = slice_find(text, ',');
        struct slice one = comma < 0 ? text : slice_head(text, (size_t)comma);
        text = comma < 0 ? SLICE_EMPTY : slice_from(text, (size_t)comma + 1);
        while (one.n > 0 && one.p[0] == ' ') {
            one = slice_from(one, 1);
        }
        while (one.n > 0 && one.p[one.n - 1] == ' ') {
            one = slice_head(one, one.n - 1);
        }
        if (one.n > 0) {
            items = x_realloc(items, (count + 1) * sizeof *items);
            items[count++] = x_strndup(one);
        }
    }
    *out = (struct strings){.items = (const char *const *)items, .count = count};
}

static int ask_user(struct auth_query *query, const struct auth_query_subject *subject,
                    struct directory_record *reply, struct err *err)
{
    struct auth_query_user user;
    int rc = auth_query_ask_user(query, subject, &user, err);

    if (rc == 0) {
        reply->found = user.found;
        reply->secret = user.secret;
        reply->has_tenants = user.has_tenants;
        split_tenants(slice_str(user.tenants), &reply->tenants);
        user.secret = NULL;
    }
    auth_query_user_fini(&user);
    return rc;
}

static int ask_roles(struct auth_query *query, const struct auth_query_subject *subject,
                     struct directory_record *reply, struct err *err)
{
    struct auth_query_roles roles;
    int rc = auth_query_ask_roles(query, subject, &roles, err);

    if (rc == 0) {
        reply->found = roles.count > 0;
        reply->roles = (struct role_list){.names = roles.names, .count = roles.count};
        roles = (struct auth_query_roles){0};
    }
    auth_query_roles_fini(&roles);
    return rc;
}

static int ask(void **session, const struct realm *realm, const struct directory_question *question,
               struct directory_record *reply, struct err *err)
{
    const struct auth_query_subject subject = {
        .user = question->user, .tenant = question->tenant, .database = question->database};

    if (*session == NULL) {
        *session = auth_query_new(realm_secrets(realm));
    }
    switch (question->kind) {
    case DIRECTORY_USER:
        return ask_user(*session, &subject, reply, err);
    case DIRECTORY_ROLES:
        break;
    }
    return ask_roles(*session, &subject, reply, err);
}

static void close_session(void *session)
{
    auth_query_free(session);
}

const struct directory_ops user_lookup_ops = {.ask = ask, .close = close_session};
