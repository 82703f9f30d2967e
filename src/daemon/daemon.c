// SPDX-License-Identifier: MIT
#include "daemon/daemon.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "admin/admin.h"
#include "base/alloc.h"
#include "base/log.h"
#include "config/diff.h"
#include "daemon/auto_setup.h"
#include "daemon/listeners.h"
#include "daemon/notify.h"
#include "daemon/process.h"
#include "daemon/realms.h"
#include "daemon/tenants.h"
#include "daemon/worker.h"
#include "net/task.h"

enum daemon_state { DAEMON_RUNNING, DAEMON_DRAINING, DAEMON_STOPPING };

#define SIGNALS 6
#define CONTROL_THREADS                                                                            \
    4 /* of libuv's pool: for tenants that are made, and names that are resolved */

struct daemon {
    struct loop loop; /* of the control thread */
    struct mailbox mailbox;
    struct realms realms;
    const struct realm *realm;    /* in force; a reference */
    struct tenants tenants;       /* those of the registry's table */
    struct auto_setup auto_setup; /* rls.setup: auto */
    struct worker *workers;
    size_t worker_count;
    struct admin *admin; /* the console; NULL before the workers run */
    struct worker_shared shared;
    int unix_fd;    /* the first worker's Unix socket; -1 for none */
    bool listening; /* all sockets were opened */
    uv_signal_t signals[SIGNALS];
    struct deadline drain_deadline;
    struct notify notify;
    enum daemon_state state;
};

static const int signal_numbers[SIGNALS] = {SIGHUP, SIGTERM, SIGINT, SIGQUIT, SIGUSR1, SIGUSR2};

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
    tenants_stop(&d->tenants);
    auto_setup_stop(&d->auto_setup);
    if (d->admin != NULL) {
        admin_close(d->admin);
    }
    for (size_t i = 0; i < d->worker_count; i++) {
        worker_stop(&d->workers[i]);
    }
    for (size_t i = 0; i < SIGNALS; i++) {
        uv_close((uv_handle_t *)&d->signals[i], NULL);
    }
    loop_stop(&d->loop);
}

static void on_drain_timeout(struct deadline *deadline)
{
    log_warning("drain timed out, closing what is left");
    stop(container_of(deadline, struct daemon, drain_deadline));
}

static void drain(struct daemon *d, bool wait_for_clients)
{
    if (d->state != DAEMON_RUNNING) {
        stop(d);
        return;
    }
    log_info("draining wait_for=%s", wait_for_clients ? "clients" : "servers");
    d->state = DAEMON_DRAINING;
    admin_note_draining(d->admin);
    notify_status("draining: new clients are refused");
    deadline_arm(&d->loop.deadlines, &d->drain_deadline,
                 (uint64_t)realm_config(d->realm)->drain_timeout, on_drain_timeout);
    for (size_t i = 0; i < d->worker_count; i++) {
        worker_stop_listening(&d->workers[i]);
        worker_drain(&d->workers[i], wait_for_clients);
    }
}

/* ---- what is in force ---- */

/* Takes over the reference. */
static void put_in_force(struct daemon *d, const struct realm *realm)
{
    for (size_t i = 0; i < d->worker_count; i++) {
        worker_set_realm(&d->workers[i], realm_ref(realm));
    }
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
    for (size_t i = 0; i < d->worker_count; i++) {
        worker_refresh(&d->workers[i], buf_slice(changed));
    }
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
        buf_printf(report, "%s %s%s\n", words[change->kind], change->key,
                   change->reloadable ? "" : " (needs a restart)");
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
    put_in_force(d, realm);
    tenants_follow(&d->tenants, d->realm);
    on_tenants_changed(d);
    auto_setup_follow(&d->auto_setup, d->realm);
    log_configure(realm_config(realm)->log.level, realm_config(realm)->log.format == LOG_JSON);
    return 0;
}

/* ---- signals ---- */

static void on_signal(uv_signal_t *handle, int number)
{
    struct daemon *d = handle->data;
    struct buf report = {0};
    struct err err;

    log_info("signal received number=%d", number);
    switch (number) {
    case SIGHUP:
        (void)reload(d, &report, &err); /* said in the log */
        break;
    case SIGTERM:
        drain(d, true);
        break;
    case SIGINT:
        drain(d, false);
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

static void watch_signals(struct daemon *d)
{
    (void)signal(SIGPIPE, SIG_IGN);
    for (size_t i = 0; i < SIGNALS; i++) {
        (void)uv_signal_init(&d->loop.uv, &d->signals[i]);
        d->signals[i].data = d;
        (void)uv_signal_start(&d->signals[i], on_signal, signal_numbers[i]);
    }
}

/* ---- what the workers ask for, on their threads ---- */

struct drained_mail {
    struct mail mail;
    struct daemon *daemon;
};

static void deliver_drained(struct mail *mail)
{
    struct drained_mail *drained = container_of(mail, struct drained_mail, mail);
    struct daemon *d = drained->daemon;

    free(drained);
    if (d->state == DAEMON_DRAINING && atomic_load(&d->shared.clients) == 0) {
        log_info("drained");
        stop(d);
    }
}

static void on_drained(void *data)
{
    struct daemon *d = data;
    struct drained_mail *drained = x_zalloc(sizeof *drained);

    drained->mail.deliver = deliver_drained;
    drained->daemon = d;
    mailbox_post(&d->mailbox, &drained->mail);
}

static void on_cancel(void *data, const struct cancel_key *key)
{
    struct daemon *d = data;
    uint32_t index = slot_worker(key->pid);

    if (index < d->worker_count) {
        worker_cancel(&d->workers[index], key);
    }
}

struct console_mail {
    struct mail mail;
    struct daemon *daemon;
    struct console_client client;
};

static void deliver_console(struct mail *mail)
{
    struct console_mail *console = container_of(mail, struct console_mail, mail);

    admin_accept(console->daemon->admin, &console->client);
    free(console);
}

static void on_console(void *data, struct console_client *client)
{
    struct daemon *d = data;
    struct console_mail *console = x_zalloc(sizeof *console);

    console->mail.deliver = deliver_console;
    console->daemon = d;
    console->client = *client;
    mailbox_post(&d->mailbox, &console->mail);
}

struct tampering_mail {
    struct mail mail;
    struct daemon *daemon;
    char tenant[NAME_SIZE];
};

static void deliver_tampering(struct mail *mail)
{
    struct tampering_mail *tampering = container_of(mail, struct tampering_mail, mail);

    admin_suspend_tenant(tampering->daemon->admin, tampering->tenant);
    free(tampering);
}

static void on_tampering(void *data, const char *tenant)
{
    struct daemon *d = data;
    struct tampering_mail *tampering = x_zalloc(sizeof *tampering);

    tampering->mail.deliver = deliver_tampering;
    tampering->daemon = d;
    (void)snprintf(tampering->tenant, sizeof tampering->tenant, "%s", tenant);
    mailbox_post(&d->mailbox, &tampering->mail);
}

struct unknown_mail {
    struct mail mail;
    struct daemon *daemon;
    char tenant[NAME_SIZE];
};

static void deliver_unknown(struct mail *mail)
{
    struct unknown_mail *unknown = container_of(mail, struct unknown_mail, mail);

    admin_make_tenant(unknown->daemon->admin, unknown->tenant);
    free(unknown);
}

static void on_unknown(void *data, const char *tenant)
{
    struct daemon *d = data;
    struct unknown_mail *unknown = x_zalloc(sizeof *unknown);

    unknown->mail.deliver = deliver_unknown;
    unknown->daemon = d;
    (void)snprintf(unknown->tenant, sizeof unknown->tenant, "%s", tenant);
    mailbox_post(&d->mailbox, &unknown->mail);
}

static const struct worker_hooks worker_hooks = {
    .on_console = on_console,
    .on_cancel = on_cancel,
    .on_tampering = on_tampering,
    .on_unknown = on_unknown,
    .on_drained = on_drained,
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
        drain(d, false);
        break;
    case ADMIN_SHUTDOWN_WAIT_FOR_CLIENTS:
        drain(d, true);
        break;
    }
}

static void on_tenant_changed(void *data, const struct roster_record *record)
{
    struct daemon *d = data;

    roster_take(&d->realms.roster, record);
    on_tenants_changed(d);
}

static void on_tenant_answered(void *data, const char *tenant, const struct err *err)
{
    struct daemon *d = data;

    for (size_t i = 0; i < d->worker_count && d->state != DAEMON_STOPPING; i++) {
        worker_answer(&d->workers[i], tenant, err);
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
    struct admin_worker *workers = x_alloc(d->worker_count * sizeof *workers);

    for (size_t i = 0; i < d->worker_count; i++) {
        workers[i] =
            (struct admin_worker){.box = &d->workers[i].mailbox, .proxy = &d->workers[i].proxy};
    }
    d->admin = admin_new(&d->loop, workers, (uint32_t)d->worker_count, &admin_hooks, d);
    free(workers);
    return d->admin == NULL ? ERR_INTERNAL : 0;
}

static unsigned count_workers(const struct config *config)
{
    unsigned count = config->workers > 0 ? (unsigned)config->workers : uv_available_parallelism();

    return count < CREW_MAX ? count : CREW_MAX;
}

static int add_worker(struct daemon *d, struct err *err)
{
    const struct config *config = realm_config(d->realm);
    struct worker *w = &d->workers[d->worker_count];
    int fds[WORKER_LISTENERS];
    int n = listeners_open(&config->listen, &d->unix_fd, fds, WORKER_LISTENERS, err);

    if (n < 0) {
        return n;
    }
    int rc = worker_init(w, fds, (size_t)n, realm_ref(d->realm), &d->shared, &worker_hooks, d);
    if (rc < 0) {
        return err_set(err, rc, "worker: %s", uv_strerror(rc));
    }
    d->worker_count++;
    return 0;
}

/* libuv reads it when the first step comes. Idle threads cost little; too few of them would let
 * steps that block keep those that compute. */
static void size_thread_pool(unsigned workers)
{
    char threads[16];

    (void)snprintf(threads, sizeof threads, "%u", CONTROL_THREADS + tasks_threads(workers));
    (void)setenv("UV_THREADPOOL_SIZE", threads, 0);
}

static int start_workers(struct daemon *d, struct err *err)
{
    unsigned count = count_workers(realm_config(d->realm));

    size_thread_pool(count);
    d->shared.addresses = addresses_new();
    quotas_init(&d->shared.crew.tenants);
    quotas_init(&d->shared.crew.users);
    d->workers = x_zalloc(count * sizeof *d->workers);
    for (unsigned i = 0; i < count; i++) {
        int rc = add_worker(d, err);
        if (rc < 0) {
            return rc;
        }
    }
    if (start_admin(d) < 0) {
        return err_set(err, ERR_INTERNAL, "console: cannot open a mailbox");
    }
    if (admin_serve_http(d->admin, realm_config(d->realm), err) < 0) {
        return err->code;
    }
    d->listening = true;
    for (unsigned i = 0; i < count; i++) {
        int rc = worker_start(&d->workers[i]);
        if (rc < 0) {
            return err_set(err, rc, "worker: %s", uv_strerror(rc));
        }
    }
    return 0;
}

static void run(struct daemon *d)
{
    const struct config *config = realm_config(d->realm);

    log_info("ready version=%s port=%d tenants=%zu workers=%zu", FAHREND_VERSION,
             config->listen.port, registry_count(realm_registry(d->realm)), d->worker_count);
    notify_ready(&d->notify, &d->loop, d->admin);
    loop_run(&d->loop);
}

static void end(struct daemon *d)
{
    for (size_t i = 0; i < d->worker_count; i++) {
        worker_join(&d->workers[i]);
    }
    for (size_t i = 0; i < d->worker_count; i++) {
        worker_fini(&d->workers[i]);
    }
    mailbox_close(&d->mailbox);
    loop_fini(&d->loop);
    if (d->admin != NULL) {
        admin_free(d->admin);
    }
    if (d->listening) {
        listeners_unlink(&realm_config(d->realm)->listen);
    }
    free(d->workers);
    quotas_fini(&d->shared.crew.tenants);
    quotas_fini(&d->shared.crew.users);
    addresses_free(d->shared.addresses);
    auto_setup_fini(&d->auto_setup);
    realm_unref(d->realm);
    realms_fini(&d->realms);
}

int daemon_run(const char *file)
{
    struct daemon d = {.state = DAEMON_RUNNING, .unix_fd = -1};
    struct buf faults = {0};
    struct err err = {0};

    process_hide(true); /* before there is a secret */
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
    log_start();
    watch_signals(&d); /* before the port answers: whoever has seen it may send one */
    tenants_init(&d.tenants, &d.realms.roster, &d.mailbox, on_tenants_changed, &d);
    tenants_follow(&d.tenants, d.realm);
    on_tenants_changed(&d);
    auto_setup_init(&d.auto_setup, &d.loop);
    auto_setup_follow(&d.auto_setup, d.realm);
    int rc = start_workers(&d, &err);
    if (rc == 0) {
        run(&d);
    } else {
        log_error("cannot start reason=\"%s\"", err.text);
        stop(&d);
    }
    end(&d);
    log_stop();
    return rc == 0 ? 0 : 1;
}
