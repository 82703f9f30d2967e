// SPDX-License-Identifier: MIT
#include "proxy/relocate.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "proxy/enter.h"
#include "proxy/move.h"
#include "proxy/relay.h"
#include "proxy/rewrite.h"
#include "proxy/timeouts.h"
#include "proxy/wanderers.h"

struct luggage {
    struct client_identity identity;
    struct context_setting settings[CONTEXT_SETTINGS_MAX + TRACKED_COUNT];
    struct enter_past past;
    struct credential opens;
    char *texts[CONTEXT_SETTINGS_MAX + TRACKED_COUNT][2]; /* of the settings */
    char *names[4];        /* user, database, server, application_name */
    struct buf statements; /* it has prepared: for each a name, then the body in its length */
    struct cancel_key key; /* as it was told */
    uint8_t skip;
    bool greeted;
    bool long_key;
};

enum { NAME_USER, NAME_DATABASE, NAME_SERVER, NAME_APPLICATION };

/* ---- packing ---- */

static void pack_setting(struct luggage *l, struct slice name, struct slice value)
{
    size_t n = l->identity.setting_count++;

    l->texts[n][0] = x_strndup(name);
    l->texts[n][1] = x_strndup(value);
    l->settings[n] = (struct context_setting){.name = slice_str(l->texts[n][0]),
                                              .value = slice_str(l->texts[n][1])};
}

/* Its own settings, then what it was greeted with: another server might begin with other values. */
static void pack_settings(struct luggage *l, const struct frontend *f)
{
    const struct context *context = f->request.context;

    for (size_t i = 0; i < context->count; i++) {
        if (!context->settings[i].fixed) {
            pack_setting(l, context->settings[i].name, context->settings[i].value);
        }
    }
    if (f->application_name != NULL) {
        pack_setting(l, slice_str("application_name"), slice_str(f->application_name));
    }
    l->past.own_settings = l->identity.setting_count;
    for (int number = 0; number < TRACKED_COUNT; number++) {
        struct slice value = parameters_value(&f->request.birth->welcome, number);
        if (f->greeted && value.p != NULL && context_tracked(context, number) == NULL) {
            pack_setting(l, tracked_name(number), value);
        }
    }
    l->identity.settings = l->settings;
}

static struct luggage *pack(const struct frontend *f)
{
    struct luggage *l = x_zalloc(sizeof *l);
    const struct pool *pool = f->request.lane->pool;

    l->names[NAME_USER] = x_strdup(f->user);
    l->names[NAME_DATABASE] = x_strdup(pool->database);
    l->names[NAME_SERVER] = x_strdup(pool->server->name);
    credential_copy(&l->opens, &pool->credential);
    (void)snprintf(l->identity.tenant, sizeof l->identity.tenant, "%s", frontend_account(f)->name);
    l->identity.user = slice_str(l->names[NAME_USER]);
    l->identity.database = slice_str(l->names[NAME_DATABASE]);
    l->identity.has_keys = l->opens.has_keys;
    l->identity.keys = l->opens.keys;
    pack_settings(l, f);
    l->past.identity = &l->identity;
    l->past.database = l->names[NAME_DATABASE];
    l->past.server = l->names[NAME_SERVER];
    l->past.opens = &l->opens;
    return l;
}

void luggage_free(struct luggage *l)
{
    if (l == NULL) {
        return;
    }
    for (size_t i = 0; i < l->identity.setting_count; i++) {
        free(l->texts[i][0]);
        free(l->texts[i][1]);
    }
    for (size_t i = 0; i < sizeof l->names / sizeof l->names[0]; i++) {
        free(l->names[i]);
    }
    credential_fini(&l->opens);
    secure_zero(&l->identity.keys, sizeof l->identity.keys);
    buf_release(&l->statements);
    free(l);
}

/* ---- to another worker ---- */

static void pack_session(struct luggage *l, const struct frontend *f)
{
    for (const struct client_statement *cs = f->statements; cs != NULL; cs = cs->hh.next) {
        struct slice body = statement_body(cs->statement);
        buf_append_cstr(&l->statements, cs->name);
        buf_append_be32(&l->statements, (uint32_t)body.n);
        buf_append_slice(&l->statements, body);
    }
    l->skip = f->skip;
    l->greeted = f->greeted;
    l->long_key = f->long_key;
    if (f->greeted) {
        l->key = frontend_cancel_key(f);
    }
}

static void unpack_session(const struct luggage *l, struct frontend *f)
{
    struct statements *all = &f->proxy->statements;
    struct slice rest = buf_slice(&l->statements);

    while (rest.n > 0) {
        struct slice name = slice_str((const char *)rest.p);
        rest = slice_from(rest, name.n + 1);
        uint32_t n = (uint32_t)rest.p[0] << 24 | (uint32_t)rest.p[1] << 16 |
                     (uint32_t)rest.p[2] << 8 | rest.p[3];
        struct slice body = slice_head(slice_from(rest, 4), n);
        rest = slice_from(rest, 4 + n);
        (void)client_statements_add(&f->statements, name,
                                    statements_intern(all, rewrite_scope(f), body));
    }
    f->skip = l->skip;
    f->greeted = l->greeted;
    f->long_key = l->long_key;
    if (f->greeted) {
        wanderers_add(f, &l->key);
    }
}

/* A connection leaves its loop only when all that was said is with the kernel. */
static void send_away(struct frontend *f, struct luggage *l, uint32_t worker)
{
    struct crew *crew = f->proxy->pools.crew;
    struct err err;

    if (conn_blocked(&f->conn)) {
        (void)err_set(&err, ERR_SHUTDOWN,
                      "terminating connection due to administrator command: its tenant was moved");
        luggage_free(l);
        frontend_close(f, &err);
        return;
    }
    pack_session(l, f);
    struct move *move = x_alloc(sizeof *move);
    *move = (struct move){
        .in = f->in,
        .luggage = l,
        .realm = realm_ref(f->proxy->realm),
        .peer = f->peer,
        .id = f->id,
        .connected_at = f->connected_at,
    };
    f->in = (struct buf){0};
    move->socket = frontend_detach(f);
    move_post(move, crew, worker);
}

/* ---- its new place ---- */

/* What it was about when its tenant was changed. */
static void go_on(struct frontend *f)
{
    if (f->greeted) {
        if (f->backend == NULL) {
            timeouts_at_rest(f);
        }
        relay_continue(f);
    } else if (f->backend == NULL) {
        relay_prove(f);
    }
}

bool relocate_due(const struct frontend *f)
{
    if (f->state == FRONTEND_LOGIN || f->state == FRONTEND_CLOSED || !frontend_stale(f) ||
        f->replicates || f->dropping || f->body_left > 0) {
        return false;
    }
    return f->state != FRONTEND_LINKED ||
           (f->greeted && !f->holding && frontend_session_mode(f) && backend_settled(f->backend));
}

static enum enter_result enter_by_realm(struct frontend *f, const struct luggage *l,
                                        uint32_t *worker, struct err *err)
{
    f->realm = f->realm == NULL ? realm_ref(f->proxy->realm) : f->realm;
    enum enter_result result = enter_again(f, &l->past, worker, err);

    realm_unref(f->realm); /* it would keep all tenants of that time */
    f->realm = NULL;
    return result;
}

void relocate(struct frontend *f)
{
    struct luggage *l = pack(f);
    uint32_t worker = 0;
    struct err err = {0};

    if (f->state == FRONTEND_WAITING) {
        lane_withdraw(&f->request);
        frontend_move(f, FRONTEND_IDLE);
    }
    enum enter_result result = enter_by_realm(f, l, &worker, &err);
    if (result == ENTER_ELSEWHERE) {
        send_away(f, l, worker);
        return;
    }
    luggage_free(l);
    if (result != ENTER_TENANT) {
        frontend_close(f, &err);
        return;
    }
    client_statements_rescope(&f->proxy->statements, f->statements, rewrite_scope(f));
    if (f->backend != NULL) {
        f->backend->fixed_unknown = true; /* the tenant's settings may be others */
    }
    go_on(f);
}

void relocate_arrive(struct frontend *f, struct luggage *l)
{
    struct err err = {0};
    uint32_t worker = 0;
    enum enter_result result = enter_by_realm(f, l, &worker, &err);

    if (result != ENTER_TENANT) { /* it was changed again meanwhile */
        if (result == ENTER_ELSEWHERE) {
            (void)err_set(&err, ERR_SHUTDOWN,
                          "terminating connection due to administrator command: its tenant is "
                          "being moved");
        }
        luggage_free(l);
        frontend_close(f, &err);
        return;
    }
    frontend_move(f, FRONTEND_IDLE);
    unpack_session(l, f);
    luggage_free(l);
    go_on(f);
}
