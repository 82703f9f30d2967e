// SPDX-License-Identifier: MIT
#include "daemon/tenants.h"

#include <string.h>

#include "base/log.h"

enum { FIRST_MS = 5000 }; /* a start that waits longer goes on with what the file says */

void tenants_note(struct tenants *t)
{
    if (t->watch != NULL) {
        registry_watch_tell(t->watch, t->roster->roll.count, t->roster->roll.sum);
    }
}

static void take_news(struct tenants *t, struct registry_news *news)
{
    if (news->whole) {
        roster_take_all(t->roster, news->records, news->count);
        log_info("registry read tenants=%zu", news->count);
    } else {
        for (size_t i = 0; i < news->count; i++) {
            roster_take(t->roster, &news->records[i]);
        }
    }
    registry_news_free(news);
    tenants_note(t);
}

static void on_news(struct mail *mail)
{
    struct registry_news *news = container_of(mail, struct registry_news, mail);
    struct tenants *t = news->data;

    take_news(t, news);
    if (buf_size(&t->roster->changed) > 0) {
        t->changed(t->data);
    }
}

void tenants_init(struct tenants *t, struct roster *roster, struct mailbox *box,
                  void (*changed)(void *data), void *data)
{
    *t = (struct tenants){.roster = roster, .box = box, .changed = changed, .data = data};
}

static bool same_text(const char *a, const char *b)
{
    return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

/* Is it entered in the same way? */
static bool same_target(const struct pgexec_target *a, const struct pgexec_target *b)
{
    return same_text(a->hosts, b->hosts) && a->port == b->port && same_text(a->user, b->user) &&
           same_text(a->password, b->password) && same_text(a->database, b->database) &&
           same_text(a->sslmode, b->sslmode) && same_text(a->sslrootcert, b->sslrootcert) &&
           same_text(a->sslcert, b->sslcert) && same_text(a->sslkey, b->sslkey);
}

static void end_watch(struct tenants *t)
{
    registry_watch_stop(t->watch);
    server_target_fini(&t->target);
    secrets_unref(t->secrets);
    t->watch = NULL;
    t->secrets = NULL;
}

static void start_watch(struct tenants *t, const struct secrets *secrets)
{
    t->secrets = secrets_ref(secrets);
    t->watch = registry_watch_start(&t->target.target, t->box, on_news, t);
    struct registry_news *news = t->watch == NULL ? NULL : registry_watch_first(t->watch, FIRST_MS);
    if (news != NULL) {
        take_news(t, news);
    } else {
        log_warning("registry was not read: only tenants of the file are known until it is");
    }
}

static bool find_target(const struct realm *realm, struct server_target *target)
{
    const struct config *config = realm_config(realm);
    const struct server_config *server =
        config->tenancy.registry.server == NULL
            ? NULL
            : config_server(config, config->tenancy.registry.server);
    struct err err;

    if (server == NULL) {
        return false;
    }
    if (server_target_init(target, server, realm_secrets(realm), "the registry", &err) < 0) {
        log_warning("there is no registry: %s", err.text);
        return false;
    }
    target->target.database = config->tenancy.registry.database;
    target->target.application = "fahrend registry";
    return true;
}

void tenants_follow(struct tenants *t, const struct realm *realm)
{
    struct server_target target = {.hosts = NULL};
    bool wanted = find_target(realm, &target);

    if (wanted && t->watch != NULL && same_target(&target.target, &t->target.target)) {
        server_target_fini(&target);
        return;
    }
    if (t->watch != NULL) {
        end_watch(t);
        roster_take_all(t->roster, NULL, 0);
    }
    if (wanted) {
        t->target = target;
        start_watch(t, realm_secrets(realm));
    }
}

void tenants_stop(struct tenants *t)
{
    if (t->watch != NULL) {
        end_watch(t);
    }
}
