// SPDX-License-Identifier: MIT
#include "daemon/daemon.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "admin/admin.h"
#include "base/alloc.h"
#include "base/log.h"
#include "config/diff.h"
#include "daemon/auto_setup.h"
#include "daemon/errands.h"
#include "daemon/handover.h"
#include "daemon/listeners.h"
#include "daemon/notify.h"
#include "daemon/process.h"
#include "daemon/realms.h"
#include "daemon/signals.h"
#include "daemon/tenants.h"
#include "daemon/workers.h"

enum daemon_state { DAEMON_RUNNING, DAEMON_DRAINING, DAEMON_STOPPING };

struct daemon {
    struct loop loop; /* of the control thread */
    struct mailbox mailbox;
    struct realms realms;
    const struct realm *realm;    /* in force; a reference */
    struct tenants tenants;       /* those of the registry's table */
    struct auto_setup auto_setup; /* rls.setup: auto */
    struct listeners listeners;
    struct errands errands;
    struct workers workers;
    struct admin *admin;      /* the console; NULL before the workers run */
    struct handover handover; /* to and from other processes */
    struct signals signals;
    struct deadline drain_deadline;
    struct notify notify;
    enum daemon_state state;
};

/* ---- ending ---- */

static void stop(struct daemon *d)
{
    if (d->state == DAEMON_STOPPING) {
        return;
    }
    d->state = DAEMON_STOPPING;
    deadline_disarm(&d->drain_deadline);
    notify_stopping();
    notify_stop(&d->notify);
    handover_stop(&d->handover);
    tenants_stop(&d->tenants);
    auto_setup_stop(&d->auto_setup);
    if (d->admin != NULL) {
        admin_close(d->admin);
    }
    workers_stop(&d->workers);
    signals_ignore(&d->signals);
    loop_stop(&d->loop);
}

static void on_drain_timeout(struct deadline *deadline)
{
    log_warning("drain timed out, closing what is left");
    stop(container_of(deadline, struct daemon, drain_deadline));
}

static void begin_drain(struct daemon *d, enum proxy_drain how)
{
    static const char *const words[] = {"servers", "clients", "clients"};

    log_info("draining wait_for=%s", words[how]);
    d->state = DAEMON_DRAINING;
    admin_note_draining(d->admin);
    notify_status("draining: new clients are refused");
    deadline_arm(&d->loop.deadlines, &d->drain_deadline,
                 (uint64_t)realm_config(d->realm)->drain_timeout, on_drain_timeout);
    workers_drain(&d->workers, how);
    listeners_unlink(&d->listeners);
}

/* Told a second time it ends at once. */
static void drain(struct daemon *d, enum proxy_drain how)
{
    if (d->state == DAEMON_RUNNING) {
        begin_drain(d, how);
    } else {
        stop(d);
    }
}

/* ---- what is in force ---- */

/* Takes over the reference. */
static void put_in_force(struct daemon *d, const struct realm *realm)
{
    workers_set_realm(&d->workers, realm);
    realm_unref(d->realm);
    d->realm = realm;
}

/* Tenants of the registry's table have changed. */
static void on_tenants_changed(void *data)
{
    struct daemon *d = data;
    struct buf *changed = &d->realms.roster.changed;

    if (d->state == DAEMON_STOPPING || buf_size(changed) == 0) {
        return;
    }
    put_in_force(d, realms_amend(&d->realms, d->realm));
    workers_refresh(&d->workers, buf_slice(changed));
    buf_release(changed);
}

/* ---- reload ---- */

static void report_changes(const struct config *before, const struct config *after,
                           struct buf *report)
{
    struct config_changes changes = {0};

    config_diff(before, after, &changes);
    for (size_t i = 0; i < changes.count; i++) {
        const struct config_change *change = &changes.items[i];
        static const char *const words[] = {"changed", "added", "removed"};
        static const char *const effects[] = {" (for new clients)", "", " (needs a restart)"};
        buf_printf(report, "%s %s%s\n", words[change->kind], change->key,
                   change->kind == CHANGE_CHANGED ? effects[change->effect] : "");
    }
    config_changes_fini(&changes);
}

static void log_lines(enum log_level level, const char *prefix, const struct buf *lines)
{
    struct slice rest = buf_slice(lines);

    while (rest.n > 0) {
        ptrdiff_t end = slice_find(rest, '\n');
        size_t n = end < 0 ? rest.n : (size_t)end;
        log_write(level, "%s%.*s", prefix, (int)n, (const char *)rest.p);
        rest = slice_from(rest, n + 1);
    }
}

/* All or nothing: what is in force stays when the file has a fault. */
static int reload(struct daemon *d, struct buf *report, struct err *err)
{
    struct buf faults = {0};

    notify_reloading();
    const struct realm *realm = realms_load(&d->realms, &faults);
    notify_reloaded();

    if (realm == NULL) {
        log_lines(LOG_ERROR, "reload refused: ", &faults);
        struct slice all = buf_slice(&faults);
        int n = all.n > 0 && all.n < 300 ? (int)all.n - 1 : 300;
        int rc = err_set(err, ERR_CONFIG, "RELOAD failed, see logs for additional details: %.*s", n,
                         (const char *)all.p);
        buf_release(&faults);
        return rc;
    }
    buf_release(&faults);
    report_changes(realm_config(d->realm), realm_config(realm), report);
    log_lines(LOG_INFO, "reload: ", report);
    if (buf_size(report) == 0) {
        log_info("reload: nothing changed");
    }
    put_in_force(d, realm);
    tenants_follow(&d->tenants, d->realm);
    on_tenants_changed(d);
    auto_setup_follow(&d->auto_setup, d->realm);
    log_configure(realm_config(realm)->log.level, realm_config(realm)->log.format == LOG_JSON);
    return 0;
}

/* ---- signals ---- */

static void on_signal(void *data, int number)
{
    struct daemon *d = data;
    struct buf report = {0};
    struct err err;

    log_info("signal received number=%d", number);
    switch (number) {
    case SIGHUP:
        (void)reload(d, &report, &err); /* said in the log */
        break;
    case SIGTERM:
        drain(d, PROXY_DRAIN_CLIENTS);
        break;
    case SIGINT:
        drain(d, PROXY_DRAIN_SERVERS);
        break;
    case SIGQUIT:
        stop(d);
        break;
    case SIGUSR1:
        admin_pause(d->admin);
        break;
    case SIGUSR2:
        admin_resume(d->admin);
        break;
    default:
        break;
    }
    buf_release(&report);
}

/* ---- what the workers ask for ---- */

static void on_drained(void *data)
{
    struct daemon *d = data;

    if (d->state == DAEMON_DRAINING && atomic_load(&d->workers.shared.clients) == 0) {
        log_info("drained");
        stop(d);
    }
}

static void on_console(void *data, struct console_client *client)
{
    admin_accept(((struct daemon *)data)->admin, client);
}

/* Whose client it is the key does not tell: its random part fits one. */
static void on_cancel(void *data, const struct cancel_key *key)
{
    struct daemon *d = data;

    workers_cancel(&d->workers, key);
    handover_send_cancel(&d->handover, key);
}

static void on_tampering(void *data, const char *tenant)
{
    admin_suspend_tenant(((struct daemon *)data)->admin, tenant);
}

static void on_unknown(void *data, const char *tenant)
{
    admin_make_tenant(((struct daemon *)data)->admin, tenant);
}

static const struct errands_ops errands_ops = {
    .console = on_console,
    .cancel = on_cancel,
    .tampering = on_tampering,
    .unknown = on_unknown,
    .drained = on_drained,
};

/* ---- what another process asks for ---- */

static void add_all(struct listen_stock *stock, const int *fds, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        listen_stock_add(stock, fds[i]);
    }
}

/* One that drains has nothing to give. */
static void on_take(void *data, struct handover_goods *goods)
{
    struct daemon *d = data;
    const int *fds = NULL;

    if (d->state != DAEMON_RUNNING) {
        return;
    }
    goods->given = d->listeners.given;
    if (goods->given) {
        add_all(&goods->clients, d->listeners.stock.fds, d->listeners.stock.count);
    }
    for (size_t i = 0; i < d->workers.count && !goods->given; i++) {
        const struct listener_set *sockets = &d->workers.items[i].sockets;
        add_all(&goods->clients, sockets->fds, sockets->count);
    }
    size_t count = admin_http_sockets(d->admin, &fds);
    add_all(&goods->http, fds, count);
}

static void on_taken(void *data)
{
    struct daemon *d = data;

    log_info("another process has taken over");
    listeners_hand_over(&d->listeners);
    admin_hand_over_http(d->admin);
    if (d->state == DAEMON_RUNNING) {
        begin_drain(d, PROXY_DRAIN_HANDED_OVER);
    }
}

static void on_cancel_of_other(void *data, const struct cancel_key *key)
{
    workers_cancel(&((struct daemon *)data)->workers, key);
}

static const struct handover_hooks handover_hooks = {
    .on_take = on_take,
    .on_taken = on_taken,
    .on_cancel = on_cancel_of_other,
};

/* ---- what the console asks for ---- */

static int on_reload(void *data, struct buf *report, struct err *err)
{
    return reload(data, report, err);
}

static void on_shutdown(void *data, enum admin_shutdown mode)
{
    struct daemon *d = data;

    switch (mode) {
    case ADMIN_SHUTDOWN_IMMEDIATE:
        stop(d);
        break;
    case ADMIN_SHUTDOWN_WAIT_FOR_SERVERS:
        drain(d, PROXY_DRAIN_SERVERS);
        break;
    case ADMIN_SHUTDOWN_WAIT_FOR_CLIENTS:
        drain(d, PROXY_DRAIN_CLIENTS);
        break;
    }
}

static void on_tenant_changed(void *data, const struct roster_record *record)
{
    struct daemon *d = data;

    roster_take(&d->realms.roster, record);
    tenants_note(&d->tenants);
    on_tenants_changed(d);
}

static void on_tenant_answered(void *data, const char *tenant, const struct err *err)
{
    struct daemon *d = data;

    if (d->state != DAEMON_STOPPING) {
        workers_answer(&d->workers, tenant, err);
    }
}

static const struct realm *realm_in_force(void *data)
{
    return ((const struct daemon *)data)->realm;
}

static const struct admin_hooks admin_hooks = {
    .reload = on_reload,
    .shutdown = on_shutdown,
    .realm = realm_in_force,
    .tenant_changed = on_tenant_changed,
    .tenant_answered = on_tenant_answered,
};

/* ---- building ---- */

static int start_admin(struct daemon *d)
{
    struct admin_worker *workers = x_alloc(d->workers.count * sizeof *workers);

    for (size_t i = 0; i < d->workers.count; i++) {
        struct worker *w = &d->workers.items[i];
        workers[i] = (struct admin_worker){.box = &w->mailbox, .proxy = &w->proxy};
    }
    d->admin = admin_new(&d->loop, workers, (uint32_t)d->workers.count, &admin_hooks, d);
    free(workers);
    return d->admin == NULL ? ERR_INTERNAL : 0;
}

static int take_over(struct daemon *d, struct handover_goods *goods, struct err *err)
{
    int rc = handover_take(&d->handover, &realm_config(d->realm)->listen, goods, err);

    if (rc == 1) {
        log_info("taking over sockets=%zu", goods->clients.count);
        listen_stock_close(&d->listeners.stock);
        d->listeners.stock = goods->clients;
        d->listeners.given = goods->given;
    }
    return rc;
}

static int start_all(struct daemon *d, struct handover_goods *goods, struct err *err)
{
    int rc = workers_init(&d->workers, &d->listeners, d->realm, &d->errands, err);

    if (rc == 0 && start_admin(d) < 0) {
        rc = err_set(err, ERR_INTERNAL, "console: cannot open a mailbox");
    }
    if (rc == 0) {
        rc = admin_serve_http(d->admin, realm_config(d->realm), &goods->http, err);
    }
    return rc < 0 ? rc : workers_start(&d->workers, err);
}

/* With the sockets of systemd, or of the process that runs, or new ones. */
static int start(struct daemon *d, bool takeover, struct err *err)
{
    struct handover_goods goods = {0};
    int rc = listeners_init(&d->listeners, err);
    int taken = rc == 0 && takeover ? take_over(d, &goods, err) : rc;

    rc = taken < 0 ? taken : start_all(d, &goods, err);
    if (rc < 0 && taken == 1) { /* it keeps what it has, and the files */
        listeners_hand_over(&d->listeners);
        if (d->admin != NULL) {
            admin_hand_over_http(d->admin);
        }
    }
    listen_stock_close(&goods.http);
    return rc;
}

static void run(struct daemon *d)
{
    const struct config *config = realm_config(d->realm);

    handover_start(&d->handover, &d->loop.uv, &config->listen, &handover_hooks, d);
    log_info("ready version=%s port=%d tenants=%zu workers=%zu", FAHREND_VERSION,
             config->listen.port, registry_count(realm_registry(d->realm)), d->workers.count);
    notify_ready(&d->notify, &d->loop, d->admin);
    signals_let_in();
    loop_run(&d->loop);
}

/* A module of PAM that never answers has a thread that cannot be ended: nothing that it may still
 * use is freed, and no destructor waits for it. */
static void end_as_it_is(struct daemon *d, int status)
{
    log_warning("ending although a login hangs, in PAM or a directory");
    listeners_fini(&d->listeners);
    log_stop();
    _exit(status);
}

static void end(struct daemon *d, int status)
{
    if (!workers_join(&d->workers)) {
        end_as_it_is(d, status);
    }
    mailbox_close(&d->mailbox);
    loop_fini(&d->loop);
    if (d->admin != NULL) {
        admin_free(d->admin);
    }
    listeners_fini(&d->listeners);
    workers_fini(&d->workers);
    auto_setup_fini(&d->auto_setup);
    realm_unref(d->realm);
    realms_fini(&d->realms);
}

int daemon_run(const char *file, bool takeover)
{
    struct daemon d = {.state = DAEMON_RUNNING};
    struct buf faults = {0};
    struct err err = {0};

    process_hide(true); /* before there is a secret */
    process_give_back();
    realms_init(&d.realms, file);
    d.realm = realms_load(&d.realms, &faults);
    if (d.realm == NULL) {
        (void)fwrite(buf_slice(&faults).p, 1, buf_size(&faults), stderr);
        buf_release(&faults);
        realms_fini(&d.realms);
        return 2;
    }
    process_hide(!realm_config(d.realm)->core_dumps);
    log_configure(realm_config(d.realm)->log.level, realm_config(d.realm)->log.format == LOG_JSON);
    deadline_init(&d.drain_deadline);
    if (loop_init(&d.loop) < 0 || mailbox_init(&d.mailbox, &d.loop.uv) < 0) {
        log_error("cannot start an event loop");
        return 1;
    }
    signals_watch(&d.signals, &d.loop.uv, on_signal, &d);
    log_start();
    d.errands = (struct errands){.box = &d.mailbox, .ops = &errands_ops, .data = &d};
    handover_init(&d.handover);
    tenants_init(&d.tenants, &d.realms.roster, &d.mailbox, on_tenants_changed, &d);
    tenants_follow(&d.tenants, d.realm);
    on_tenants_changed(&d);
    auto_setup_init(&d.auto_setup, &d.loop);
    auto_setup_follow(&d.auto_setup, d.realm);
    int rc = start(&d, takeover, &err);
    if (rc == 0) {
        run(&d);
    } else {
        log_error("cannot start reason=\"%s\"", err.text);
        stop(&d);
    }
    int status = rc == 0 ? 0 : 1;
    end(&d, status);
    log_stop();
    return status;
}
