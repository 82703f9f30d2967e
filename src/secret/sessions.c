// SPDX-License-Identifier: MIT
#include "secret/sessions.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <uthash.h>

#include "base/alloc.h"

struct entry {
    UT_hash_handle hh;
    char *identity; /* the key */
    struct session session;
};

struct sessions {
    atomic_int refs;
    pthread_mutex_t lock;
    struct entry *entries; /* uthash by identity */
};

struct sessions *sessions_new(void)
{
    struct sessions *s = x_zalloc(sizeof *s);

    atomic_init(&s->refs, 1);
    (void)pthread_mutex_init(&s->lock, NULL);
    return s;
}

struct sessions *sessions_ref(struct sessions *sessions)
{
    (void)atomic_fetch_add_explicit(&sessions->refs, 1, memory_order_relaxed);
    return sessions;
}

void session_fini(struct session *session)
{
    for (size_t i = 0; i < SESSION_PARTS; i++) {
        secure_free(session->parts[i]);
    }
    *session = (struct session){0};
}

static void free_entry(struct sessions *s, struct entry *entry)
{
    HASH_DEL(s->entries, entry);
    session_fini(&entry->session);
    free(entry->identity);
    free(entry);
}

void sessions_unref(struct sessions *sessions)
{
    struct entry *entry;
    struct entry *next;

    if (atomic_fetch_sub_explicit(&sessions->refs, 1, memory_order_acq_rel) > 1) {
        return;
    }
    HASH_ITER (hh, sessions->entries, entry, next) {
        free_entry(sessions, entry);
    }
    (void)pthread_mutex_destroy(&sessions->lock);
    free(sessions);
}

static void copy_session(struct session *to, const struct session *from)
{
    *to = (struct session){.expires = from->expires};
    for (size_t i = 0; i < SESSION_PARTS; i++) {
        to->parts[i] = from->parts[i] == NULL ? NULL : x_strdup(from->parts[i]);
    }
}

/* With the lock held. */
static struct entry *find(struct sessions *s, const struct provider_config *provider)
{
    char *identity = provider_identity(provider);
    struct entry *entry;

    HASH_FIND_STR(s->entries, identity, entry);
    free(identity);
    return entry;
}

bool sessions_get(struct sessions *sessions, const struct provider_config *provider, int64_t margin,
                  struct session *out)
{
    (void)pthread_mutex_lock(&sessions->lock);
    struct entry *entry = find(sessions, provider);
    bool good = entry != NULL && (entry->session.expires == 0 ||
                                  entry->session.expires - margin > (int64_t)time(NULL));
    if (good) {
        copy_session(out, &entry->session);
    }
    (void)pthread_mutex_unlock(&sessions->lock);
    return good;
}

void sessions_put(struct sessions *sessions, const struct provider_config *provider,
                  const struct session *session)
{
    (void)pthread_mutex_lock(&sessions->lock);
    struct entry *entry = find(sessions, provider);
    if (entry == NULL) {
        entry = x_zalloc(sizeof *entry);
        entry->identity = provider_identity(provider);
        HASH_ADD_KEYPTR(hh, sessions->entries, entry->identity, strlen(entry->identity), entry);
    }
    session_fini(&entry->session);
    copy_session(&entry->session, session);
    (void)pthread_mutex_unlock(&sessions->lock);
}

void sessions_drop(struct sessions *sessions, const struct provider_config *provider,
                   const struct session *refused)
{
    (void)pthread_mutex_lock(&sessions->lock);
    struct entry *entry = find(sessions, provider);
    if (entry != NULL && strcmp(entry->session.parts[0], refused->parts[0]) == 0) {
        free_entry(sessions, entry);
    }
    (void)pthread_mutex_unlock(&sessions->lock);
}

static const char *text_of(const char *text)
{
    return text == NULL ? "" : text;
}

/* A line break, which no value holds that is worth telling apart, stands between the parts. */
char *provider_identity(const struct provider_config *p)
{
    return x_printf("%s\n%d\n%s\n%s\n%s\n%s\n%s\n%s\n%s\n%s\n%d\n%s", p->name, (int)p->type,
                    text_of(p->directory), text_of(p->region), text_of(p->prefix),
                    text_of(p->endpoint), text_of(p->profile), text_of(p->address),
                    text_of(p->mount), text_of(p->ns), (int)p->login, text_of(p->role));
}
