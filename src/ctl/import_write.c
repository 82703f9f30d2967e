// SPDX-License-Identifier: MIT
#include "ctl/import_write.h"

#include <string.h>
#include <strings.h>

#include "base/alloc.h"
#include "base/limits.h"
#include "ctl/import_tenants.h"
#include "ctl/import_value.h"

/* ---- users ---- */

static bool is_auth(const struct import_tenants *w, const char *type)
{
    const char *raw = import_tenants_global(w, "auth_type")->raw;

    return raw != NULL && strcmp(raw, type) == 0;
}

/* May this user be written? Without a password only where none is asked for. */
static bool is_user(const struct import_tenants *w, const struct import_entry *user)
{
    if (is_auth(w, "any") || user->name[0] == '\0' || strlen(user->name) > LIMIT_NAME) {
        return false;
    }
    return is_auth(w, "trust") || (user->password != NULL && user->password[0] != '\0');
}

static size_t count_users(const struct import_tenants *w)
{
    size_t count = 0;

    for (struct import_entry *e = w->im->users; e != NULL; e = e->hh.next) {
        count += is_user(w, e) ? 1 : 0;
    }
    return count;
}

static void note_user(struct import_tenants *w, const struct import_entry *user)
{
    if (is_auth(w, "any")) {
        return; /* nobody is asked who he is */
    }
    import_note(w->im, user->at, "user %s was left out: %s", user->name,
                strlen(user->name) > LIMIT_NAME ? "its name is longer than 63 bytes"
                : user->name[0] == '\0'         ? "it has no name"
                                                : "it has no password, so it cannot log in");
}

/* ---- the file ---- */

static void write_entry(const char *name, const struct import_fields *fields,
                        const struct import_fields *base, struct buf *out)
{
    struct buf lines = {0};

    buf_append(out, "  ", 2);
    (void)import_quote(out, name);
    if (import_fields_write(fields, base, 4, &lines, NULL, NULL)) {
        buf_append(out, ":\n", 2);
        buf_append_slice(out, buf_slice(&lines));
    } else {
        buf_append(out, ": {}\n", 5);
    }
    buf_release_secret(&lines);
}

static void write_servers(struct import_tenants *w, struct buf *out)
{
    buf_printf(out, "servers:\n");
    for (size_t i = 0; i < w->server_count; i++) {
        write_entry(w->servers[i].name, &w->servers[i].fields, NULL, out);
    }
}

static void write_user(struct import_tenants *w, const struct import_entry *user, struct buf *out)
{
    struct import_fields fields = {.scope = SCOPE_USER};

    import_fields_fill(&fields, w->im, user);
    if (user->password != NULL && user->password[0] != '\0') {
        import_fields_set(&fields, "password", import_quoted(user->password));
    }
    write_entry(user->name, &fields, NULL, out);
    import_fields_fini(&fields);
}

static void write_users(struct import_tenants *w, struct buf *out)
{
    buf_printf(out, "users:%s\n", count_users(w) == 0 ? " {}" : "");
    for (struct import_entry *e = w->im->users; e != NULL; e = e->hh.next) {
        if (is_user(w, e)) {
            write_user(w, e, out);
        } else {
            note_user(w, e);
        }
    }
}

static void write_tenants(struct import_tenants *w, struct buf *out)
{
    buf_printf(out, "tenants:\n");
    write_entry("defaults", &w->defaults, NULL, out);
    for (size_t i = 0; i < w->line_count; i++) {
        if (!w->lines[i].any) {
            write_entry(w->lines[i].entry->name, &w->lines[i].fields, &w->defaults, out);
        }
    }
}

static void write_named(void *context, const char *path, struct buf *out)
{
    struct import_tenants *w = context;

    if (strcmp(path, "servers") == 0) {
        write_servers(w, out);
    } else if (strcmp(path, "users") == 0) {
        write_users(w, out);
    } else if (strcmp(path, "tenants") == 0) {
        write_tenants(w, out);
    }
}

/* Without users `trust` would let in everybody, where PgBouncer lets in nobody. */
static void fill_method(struct import_tenants *w, struct import_fields *top)
{
    if (is_auth(w, "trust") && count_users(w) == 0) {
        import_fields_set(top, "auth.method", x_strdup("scram-sha-256"));
        import_note(w->im, import_tenants_global(w, "auth_type")->at,
                    "auth_type = trust: lets in the users of auth_file, and there is none: "
                    "list them under users and set auth.method to trust");
    }
}

static void fill_top(struct import_tenants *w, struct import_fields *top)
{
    import_fields_fill(top, w->im, NULL);
    import_fields_set(top, "tenancy.resolve", x_strdup("[{database: \"{tenant}\"}]"));
    import_fields_set(top, "tenancy.unknown", x_strdup(w->any == NULL ? "reject" : "template"));
    import_fields_set(top, "http.port", x_strdup("0"));
    if (import_entry_find(w->im->databases, "fahrend") != NULL) {
        import_fields_set(top, "admin.database", x_strdup("pgbouncer"));
    }
    fill_method(w, top);
}

static void note_check_query(struct import_tenants *w)
{
    const struct import_value *query = import_tenants_global(w, "server_check_query");

    if (query->raw != NULL && query->raw[0] != '\0' && strcasecmp(query->raw, "select 1") != 0 &&
        strcmp(query->raw, "<empty>") != 0) {
        import_note(
            w->im, query->at,
            "server_check_query: no counterpart: a connection is tried with an empty query");
    }
}

void import_write(struct import *im, struct buf *yaml)
{
    struct import_tenants w;
    struct import_fields top = {.scope = SCOPE_TOP};

    import_tenants_init(&w, im);
    if (im->faults == 0) {
        fill_top(&w, &top);
        note_check_query(&w);
        buf_printf(yaml, "# Made from a pgbouncer.ini. Holds passwords: let nobody else read it.\n"
                         "# A client's database names its tenant.\n");
        (void)import_fields_write(&top, NULL, 0, yaml, write_named, &w);
    }
    import_fields_fini(&top);
    import_tenants_fini(&w);
}
