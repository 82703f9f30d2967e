// SPDX-License-Identifier: MIT
#include "config/show.h"

#include "config/print.h"
#include "config/schema.h"

struct show {
    config_row_cb on_row;
    void *context;
    struct buf key; /* scratch, reused from row to row */
    struct buf value;
    struct buf fallback;
};

/* One struct of a scope: its entry's name, and what its values are compared with. */
struct shown {
    enum key_scope scope;
    const char *entry;   /* NULL at the top */
    const void *base;    /* the scope's struct */
    const void *compare; /* show only what differs from this one, and it as the default; or NULL */
};

static const char *text_of(struct buf *b)
{
    buf_append_u8(b, 0);
    return (const char *)b->p;
}

static bool is_no_secret(const struct key *key, const void *from)
{
    return key->type == KEY_SECRET && ((const struct secret_ref *)from)->kind == SECRET_NONE;
}

/* A text is shown without the quotes that YAML needs. */
static void print_bare(struct buf *out, const struct key *key, const void *from)
{
    bool text = key->type == KEY_TEXT || key->type == KEY_NAME || key->type == KEY_PATH;
    const char *value = text ? *(const char *const *)from : NULL;

    if (value != NULL) {
        buf_append(out, value, strlen(value));
    } else if (!text && !is_no_secret(key, from)) {
        print_value(out, key, from, PRINT_HIDDEN);
    }
}

/* The table's own text, without quotes around a whole text. */
static void print_fallback(struct buf *out, const struct key *key)
{
    struct slice text = slice_str(key->fallback);

    if (text.n >= 2 && text.p[0] == '"' && text.p[text.n - 1] == '"') {
        text = slice_of(text.p + 1, text.n - 2);
    }
    buf_append_slice(out, text);
}

static void show_key(struct show *s, const struct shown *w, const struct key *key)
{
    const char *prefix = schema_scopes[w->scope].prefix;

    buf_clear(&s->key);
    buf_clear(&s->value);
    buf_clear(&s->fallback);
    buf_printf(&s->key, "%s%s%s%s", prefix, w->entry == NULL ? "" : w->entry,
               w->entry == NULL ? "" : ".", key->path);
    print_bare(&s->value, key, (const char *)w->base + key->offset);
    if (w->compare != NULL) {
        print_bare(&s->fallback, key, (const char *)w->compare + key->offset);
    } else {
        print_fallback(&s->fallback, key);
    }
    struct config_row row = {.key = text_of(&s->key),
                             .value = text_of(&s->value),
                             .fallback = text_of(&s->fallback),
                             .reloadable = schema_effect(key) != EFFECT_RESTART};
    s->on_row(s->context, &row);
}

/* Is it what the compared one says? */
static bool is_same(const struct shown *w, const struct key *key)
{
    return w->compare != NULL && print_same(key, (const char *)w->base + key->offset,
                                            (const char *)w->compare + key->offset);
}

static void show_struct(struct show *s, const struct shown *w)
{
    for (size_t i = 0; i < schema_key_count; i++) {
        const struct key *key = &schema_keys[i];
        if (key->scope != w->scope || key->type == KEY_SECTION || key->type == KEY_NAMED) {
            continue;
        }
        if (!is_same(w, key)) {
            show_key(s, w, key);
        }
    }
}

static void show_entries(struct show *s, enum key_scope scope, const void *entries, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const void *entry = (const char *)entries + i * schema_scopes[scope].size;
        show_struct(s, &(struct shown){
                           .scope = scope, .entry = *(const char *const *)entry, .base = entry});
    }
}

static void show_tenants(struct show *s, const struct config *config)
{
    for (size_t i = 0; i < config->tenant_count; i++) {
        show_struct(s, &(struct shown){.scope = SCOPE_TENANT,
                                       .entry = config->tenants[i].name,
                                       .base = config->tenants[i].config,
                                       .compare = &config->defaults});
    }
}

void config_show(const struct config *config, config_row_cb on_row, void *context)
{
    struct show s = {.on_row = on_row, .context = context};

    show_struct(&s, &(struct shown){.scope = SCOPE_TOP, .base = config});
    show_entries(&s, SCOPE_SERVER, config->servers, config->server_count);
    show_entries(&s, SCOPE_USER, config->users, config->user_count);
    show_entries(&s, SCOPE_PROVIDER, config->secrets.providers, config->secrets.provider_count);
    show_struct(
        &s, &(struct shown){.scope = SCOPE_TENANT, .entry = "defaults", .base = &config->defaults});
    show_tenants(&s, config);
    buf_release(&s.key);
    buf_release(&s.value);
    buf_release(&s.fallback);
}
