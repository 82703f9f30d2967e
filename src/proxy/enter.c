// SPDX-License-Identifier: MIT
#include "proxy/enter.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/log.h"
#include "proxy/seals.h"
#include "tenant/access.h"
#include "tenant/session.h"

/* What becomes of one client. */
struct entry {
    struct frontend *f;
    const struct client_identity *identity;
    struct enter_secret *fetched;
    const struct enter_past *past; /* of one that is logged in; else NULL */
    struct plan plan;
    struct pool_key key;
    uint32_t worker; /* that its pool lives on */
};

/* Plan and key are large, and written whole when they are made. */
static void entry_init(struct entry *e, struct frontend *f, const struct client_identity *identity,
                       struct enter_secret *fetched)
{
    e->f = f;
    e->identity = identity;
    e->fetched = fetched;
    e->past = NULL;
    e->worker = 0;
}

static bool listed(const struct strings *names, struct slice name)
{
    for (size_t i = 0; i < names->count; i++) {
        if (slice_eq_str(name, names->items[i])) {
            return true;
        }
    }
    return false;
}

/* To anyone else the console's database does not exist. */
static bool is_console(const struct config *config, const struct client_identity *identity,
                       enum enter_result *result)
{
    if (!slice_eq_str(identity->full_database, config->admin.database) &&
        !slice_eq_str(identity->full_database, "pgbouncer")) {
        return false;
    }
    if (listed(&config->admin.users, identity->full_user)) {
        *result = ENTER_CONSOLE_ADMIN;
        return true;
    }
    if (listed(&config->admin.stats_users, identity->full_user)) {
        *result = ENTER_CONSOLE_STATS;
        return true;
    }
    return false;
}

/* Whether this user may enter, then whether there is such a tenant, then whether it lets anyone in.
 */
static const struct tenant *find_tenant(const struct frontend *f,
                                        const struct client_identity *identity,
                                        struct tenant_from_template *storage, struct err *err)
{
    struct slice name = slice_str(identity->tenant);

    if (identity->tenant[0] == '\0') {
        *err = identity->tenant_err;
        return NULL;
    }
    if (identity->known != NULL &&
        access_check(&identity->known->config->tenants, identity->user, name, err) < 0) {
        return NULL;
    }
    const struct tenant *tenant =
        registry_find_or_template(realm_registry(f->realm), name, storage);
    if (tenant == NULL) {
        (void)err_set(err, ERR_UNKNOWN_TENANT, "tenant \"%s\" does not exist", identity->tenant);
        return NULL;
    }
    if ((gates_get(&f->proxy->pools.gates, GATE_TENANT, name) & GATE_SUSPENDED) != 0) {
        (void)err_set(err, ERR_SUSPENDED, "tenant \"%s\" is suspended", identity->tenant);
        return NULL;
    }
    return tenant_admit(tenant, err) < 0 ? NULL : tenant;
}

/* What opens the pool's server connections. */
static const char *server_secret(const struct entry *e)
{
    const struct client_identity *identity = e->identity;

    switch (e->plan.credential) {
    case CREDENTIAL_CLIENT:
        if (e->past != NULL) {
            return e->past->opens->secret;
        }
        return identity->known == NULL ? NULL : identity->known->secret;
    case CREDENTIAL_TENANT:
        return e->fetched->secret;
    case CREDENTIAL_FIXED:
        break;
    }
    return e->plan.password == NULL ? NULL : realm_secret(e->f->realm, e->plan.password);
}

/* Counts the client for its tenant and its user, over all workers, or for neither. One that has
 * been here before has its place, whatever the limits are now. */
static int take_quotas(const struct entry *e, const struct account *account,
                       const struct account *user, const struct tenant *tenant, struct err *err)
{
    const struct realm_user *known = e->identity->known;
    uint32_t most = e->past != NULL ? 0 : (uint32_t)tenant->config->limits.clients;
    uint32_t most_of_user = known == NULL ? 0 : (uint32_t)known->config->limits.clients;

    if (!quota_take(&account->quota->clients, most)) {
        return err_set(err, ERR_TOO_MANY,
                       "too many clients of tenant \"%s\": client connections exceeded "
                       "(max_db_client_connections): limits.clients",
                       tenant->name);
    }
    if (!quota_take(&user->quota->clients, most_of_user)) {
        atomic_fetch_sub(&account->quota->clients, 1);
        return err_set(err, ERR_TOO_MANY,
                       "too many clients of user \"%s\": client connections exceeded "
                       "(max_user_client_connections): limits.clients",
                       user->name);
    }
    return 0;
}

/* Whether the console has disabled it. */
static int check_database(const struct frontend *f, const struct plan *plan, struct err *err)
{
    uint32_t flags = gates_get(&f->proxy->pools.gates, GATE_DATABASE, slice_str(plan->database));

    if ((flags & GATE_DISABLED) != 0) {
        return err_set(err, ERR_SUSPENDED, "database \"%s\" is disabled", plan->database);
    }
    return 0;
}

static struct pool *find_pool(const struct entry *e, const struct tenant *tenant, struct err *err)
{
    const struct frontend *f = e->f;
    struct slice replication = e->identity->replication;
    char mode[16] = "";

    if (f->replicates) {
        (void)snprintf(mode, sizeof mode, "%.*s", (int)replication.n, (const char *)replication.p);
    }
    struct pool_order order = {
        .key = &e->key,
        .plan = &e->plan,
        .settings = &tenant->config->pool,
        .config = realm_config(f->realm),
        .secret = server_secret(e),
        .epoch = e->fetched->epoch,
        .replication = f->replicates ? mode : NULL,
    };
    return pools_find_or_add(&f->proxy->pools, &order, err);
}

/* Among the clients of its tenant and of its user. */
static int join(const struct entry *e, struct account *account, const struct tenant *tenant,
                struct err *err)
{
    struct frontend *f = e->f;
    struct proxy *proxy = f->proxy;
    struct crew *crew = proxy->pools.crew;
    struct account *user =
        account_find_or_add(&proxy->users, crew == NULL ? NULL : &crew->users, e->identity->user);
    int rc = take_quotas(e, account, user, tenant, err);

    if (rc < 0) {
        return rc;
    }
    free(f->user);
    f->user = user->name;
    f->user_account = user;
    user->clients++;
    account->clients++;
    list_push_tail(&account->clients_list, &f->account_node);
    return 0;
}

/* It has found another place, in another pool or the same. */
static void leave_pool(struct frontend *f, struct pool *pool)
{
    if (f->backend == NULL) {
        birth_unref(f->request.birth);
        f->request.birth = NULL;
    }
    pool_unref(pool);
}

/* The reference to its last tenant's definition is given up. */
static void live_under(struct frontend *f, const struct tenant *tenant, struct account *account)
{
    const struct overlay *overlay = overlay_ref(tenant->overlay);
    const struct config *config = config_ref(realm_config(f->realm));

    overlay_unref(f->overlay);
    config_unref(f->config);
    f->tenant = tenant->config;
    f->overlay = overlay;
    f->config = config;
    f->change = tenant->change;
    if (account->change < tenant->change) {
        account->change = tenant->change;
    }
}

static int take_place(const struct entry *e, const struct tenant *tenant, struct err *err)
{
    struct frontend *f = e->f;
    struct proxy *proxy = f->proxy;
    struct pool *pool = find_pool(e, tenant, err);
    struct pool *last = f->request.lane == NULL ? NULL : f->request.lane->pool;

    if (pool == NULL) {
        return err->code;
    }
    struct account *account = pools_account(&proxy->pools, slice_str(tenant->name));
    int rc = last != NULL ? 0 : join(e, account, tenant, err);
    if (e->plan.credential == CREDENTIAL_TENANT) {
        list_remove(&pool->own_node);
        list_push_tail(&account->own_pools, &pool->own_node);
    }
    pool_ref(pool);
    if (rc < 0) {
        pool_unref(pool);
        return rc;
    }
    if (e->plan.credential == CREDENTIAL_CLIENT && e->identity->has_keys) {
        credential_set_keys(&pool->credential, &e->identity->keys);
    }
    live_under(f, tenant, account);
    f->request.lane = lane_find_or_add(pool, account, tenant->config);
    seals_adopt(f->request.lane, f->realm, tenant->config);
    frontend_stats(f)->logins += e->past == NULL ? 1 : 0;
    if (last != NULL) {
        leave_pool(f, last);
    }
    return 0;
}

/* Takes over the reference. Connections that began with other settings would return to those. */
static void set_startup(struct pool *pool, struct context *startup)
{
    if (pool->startup != NULL && pool->startup != startup) {
        pool_retire_connections(pool);
    }
    context_unref(&pool->owner->contexts, pool->startup);
    pool->startup = startup;
}

/* Larger ones are set behind the login: a server takes no startup packet of more than 10,000 bytes,
 * which names are in as well. */
enum { BIRTH_BYTES_MAX = 8000 };

/* What is to be in the startup packet of the client's server connection, and so what its RESET
 * returns to: the tenant's settings where the pool is its own, and in session mode what the client
 * asked for itself. Its application_name is not: that differs from client to client, and would
 * leave nothing to share. One that replicates takes everything so. */
static struct birth *find_birth(const struct frontend *f, const struct plan *plan,
                                const struct context_setting *settings, size_t n)
{
    struct context_setting out[CONTEXT_SETTINGS_MAX];
    struct pool *pool = f->request.lane->pool;
    size_t tenants = plan->dedicated ? plan->setting_count : 0;
    size_t count = 0;
    size_t bytes = 0;

    if (f->replicates) {
        return birth_find_or_add(pool, settings, n);
    }
    for (; count < tenants; count++) {
        out[count] = plan->settings[count];
    }
    for (size_t i = 0; i < n && frontend_session_mode(f); i++) {
        if (!settings[i].fixed &&
            !setting_name_eq(settings[i].name, slice_str("application_name"))) {
            bytes += settings[i].name.n + settings[i].value.n + 2;
            out[count++] = settings[i];
        }
    }
    return birth_find_or_add(pool, out, bytes > BIRTH_BYTES_MAX ? tenants : count);
}

/* The settings of the session: the client's and the tenant's, as one context of its lane. */
static void intern_context(struct frontend *f, const struct plan *plan,
                           const struct context_setting *settings, size_t n)
{
    struct pool *pool = f->request.lane->pool;
    struct context_table *table = &f->proxy->pools.contexts;
    struct context *last = f->request.context;

    f->request.context = context_intern(table, f->request.lane, settings, n);
    if (f->backend == NULL) { /* else that began as it did */
        f->request.birth = find_birth(f, plan, settings, n);
        pool_note_birth(pool, f->request.birth);
    }
    context_unref(table, last); /* the settings point into it no longer */
    if (n == 0) {
        f->request.context->proven = true;
    }
    if (pool->replication != NULL) {
        f->request.context->proven =
            true; /* carried in the startup packet: a replicating server takes no other */
        pool->startup = context_ref(f->request.context);
    } else if (plan->dedicated) {
        set_startup(pool,
                    context_intern(table, f->request.lane, plan->settings, plan->setting_count));
    }
}

/* What the client is shown, where the server is told another name. */
static void note_own_name(struct frontend *f, const struct client_identity *identity)
{
    struct slice own = SLICE_EMPTY;

    for (size_t i = 0; i < identity->setting_count; i++) {
        if (setting_name_eq(identity->settings[i].name, slice_str("application_name"))) {
            own = identity->settings[i].value;
        }
    }
    free(f->application_name);
    f->application_name = x_strndup(own);
}

/* Logical replication reads a whole database, physical the whole server, whatever policies and
 * paths say. */
static int check_replication(const struct tenant *tenant, const struct client_identity *identity,
                             struct err *err)
{
    enum strategy_kind kind = tenant->config->strategy;
    bool logical = slice_eq_str(identity->replication, "database");

    if (identity->replication.n == 0 || kind == STRATEGY_NONE ||
        (kind == STRATEGY_DATABASE && logical)) {
        return 0;
    }
    return err_set(err, ERR_RESERVED,
                   "replication would show other tenants' data under the strategy of tenant \"%s\"",
                   tenant->name);
}

/* Is its first login to make it, or one that comes after a crash to finish it? */
static bool is_to_be_made(const struct frontend *f, const struct client_identity *identity)
{
    const struct registry *registry = realm_registry(f->realm);
    struct slice name = slice_str(identity->tenant);
    struct tenant storage;

    if (registry_config(registry)->tenancy.unknown != UNKNOWN_PROVISION || !name_valid(name)) {
        return false;
    }
    const struct tenant *tenant = registry_find(registry, name, &storage);
    return tenant == NULL || tenant->state == TENANT_CREATING;
}

/* How many of its settings count: on the same database what it was shown by the way is no
 * setting of its own. */
static size_t count_settings(const struct entry *e)
{
    bool same = e->past != NULL && strcmp(e->past->server, e->plan.server) == 0 &&
                strcmp(e->past->database, e->plan.database) == 0;

    return same ? e->past->own_settings : e->identity->setting_count;
}

/* What a client has prepared, or has in a session of its own, does not go with it: it must come
 * anew where its pool is another, or where its statements are no longer treated as they were. */
static int check_following(const struct entry *e, const struct tenant *tenant, struct err *err)
{
    const struct frontend *f = e->f;

    if (f->request.lane == NULL) {
        return 0;
    }
    const struct pool *pool = f->request.lane->pool;
    const struct pool_config *now = &tenant->config->pool;
    bool same_pool =
        pool->key_size == e->key.size && memcmp(pool->key, e->key.bytes, pool->key_size) == 0;
    bool session = now->mode == POOL_SESSION || f->replicates;
    bool tracks = !session && now->prepared_statements > 0;
    bool same_mode = session == frontend_session_mode(f) && tracks == frontend_tracks_statements(f);
    if ((f->backend == NULL || (same_pool && same_mode)) && (f->statements == NULL || same_mode)) {
        return 0;
    }
    return err_set(
        err, ERR_SHUTDOWN,
        "terminating connection due to administrator command: tenant \"%s\" was changed, "
        "and its sessions cannot follow",
        tenant->name);
}

static enum enter_result enter_tenant(struct entry *e, struct err *err)
{
    struct context_setting settings[CONTEXT_SETTINGS_MAX];
    struct tenant_from_template storage;
    struct frontend *f = e->f;
    const struct client_identity *identity = e->identity;
    struct login login = {.user = identity->user, .database = identity->database};
    char client[ADDR_TEXT];

    const struct tenant *tenant = find_tenant(f, identity, &storage, err);
    if (tenant == NULL && (err->code == ERR_UNKNOWN_TENANT || err->code == ERR_SUSPENDED) &&
        is_to_be_made(f, identity)) {
        return ENTER_NEEDS_TENANT;
    }
    if (tenant == NULL || strategy_plan(tenant, &login, &e->plan, err) < 0 ||
        check_replication(tenant, identity, err) < 0) {
        return ENTER_REFUSED;
    }
    if (e->plan.names_sessions) {
        addr_print_host(&f->peer, client, sizeof client);
        e->plan.client_addr = slice_str(client);
    }
    int n = session_settings(tenant, &e->plan, identity->settings, count_settings(e), settings,
                             sizeof settings / sizeof settings[0], err);
    if (n < 0) {
        return ENTER_REFUSED;
    }
    f->replicates = identity->replication.n > 0; /* whoever does is never entered again */
    pool_key_build(&e->key, tenant, &e->plan, f->id, f->replicates);
    e->worker = pools_worker_of(&f->proxy->pools, &e->key);
    if (check_following(e, tenant, err) < 0) {
        return ENTER_REFUSED;
    }
    if (e->worker != f->proxy->worker) {
        return ENTER_ELSEWHERE;
    }
    if (e->past == NULL && e->plan.credential == CREDENTIAL_TENANT && e->fetched->role[0] == '\0') {
        (void)snprintf(e->fetched->role, sizeof e->fetched->role, "%s", e->plan.role);
        e->fetched->epoch = e->plan.epoch;
        return ENTER_NEEDS_SECRET;
    }
    if (check_database(f, &e->plan, err) < 0 || take_place(e, tenant, err) < 0) {
        return ENTER_REFUSED;
    }
    intern_context(f, &e->plan, settings, (size_t)n);
    if (e->plan.names_sessions) {
        note_own_name(f, identity);
    } else {
        free(f->application_name);
        f->application_name = NULL;
    }
    return ENTER_TENANT;
}

static int check_proxy(const struct frontend *f, struct err *err)
{
    int most = realm_config(f->realm)->limits.clients;

    if (f->proxy->refusing) {
        return err_set(err, ERR_SHUTDOWN, "pooler is shutting down");
    }
    if (most > 0 && atomic_load(f->proxy->clients_in_all) > (uint32_t)most) {
        return err_set(err, ERR_TOO_MANY,
                       "no more connections allowed (max_client_conn): limits.clients "
                       "is reached");
    }
    return 0;
}

enum enter_result enter(struct frontend *f, const struct client_identity *identity,
                        struct enter_secret *fetched, uint32_t *worker, struct err *err)
{
    struct entry e;
    enum enter_result result = ENTER_TENANT;

    entry_init(&e, f, identity, fetched);
    free(f->user);
    f->user = x_strndup(identity->user);
    if (is_console(realm_config(f->realm), identity, &result)) {
        free(f->user);
        f->user = x_strndup(identity->full_user);
        return result;
    }
    if (check_proxy(f, err) < 0) {
        return ENTER_REFUSED;
    }
    result = enter_tenant(&e, err);
    *worker = e.worker;
    return result;
}

enum enter_result enter_again(struct frontend *f, const struct enter_past *past, uint32_t *worker,
                              struct err *err)
{
    struct enter_secret fetched = {.role = "", .secret = past->opens->secret};
    struct entry e;

    entry_init(&e, f, past->identity, &fetched);
    e.past = past;
    enum enter_result result = enter_tenant(&e, err);
    *worker = e.worker;
    return result == ENTER_NEEDS_TENANT ? ENTER_REFUSED : result;
}
