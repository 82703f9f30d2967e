// SPDX-License-Identifier: MIT
#include "ctl/import_tenants.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/limits.h"
#include "config/config.h"
#include "ctl/import_value.h"

const struct import_value *import_tenants_global(const struct import_tenants *w, const char *name)
{
    return import_get(w->im->globals, IMPORT_GLOBAL, name);
}

static const char *raw_of(const struct import_entry *entry, const char *name)
{
    const char *raw = import_get(entry, IMPORT_DATABASE, name)->raw;

    return raw != NULL && raw[0] != '\0' ? raw : NULL;
}

/* ---- which lines can be tenants ---- */

static bool is_name(const char *text)
{
    return text == NULL || (strlen(text) <= LIMIT_NAME && strpbrk(text, "{}") == NULL);
}

/* Why it cannot be one; NULL where it can. */
static const char *why_not(const struct import_entry *entry)
{
    const char *host = raw_of(entry, "host");

    if (strcmp(entry->name, "*") != 0 && (!config_valid_tenant_name(slice_str(entry->name)) ||
                                          strcmp(entry->name, "defaults") == 0)) {
        return "no tenant can have this name (letters, digits, _, . and -, and not \"defaults\")";
    }
    if (!is_name(raw_of(entry, "dbname")) || !is_name(raw_of(entry, "user"))) {
        return "a name longer than 63 bytes, or with { or } in it, cannot be written";
    }
    if (host != NULL && host[0] == '@') {
        return "this version has no abstract sockets";
    }
    return NULL;
}

static void add_line(struct import_tenants *w, const struct import_entry *entry)
{
    const char *why = why_not(entry);

    if (why != NULL) {
        import_note(w->im, entry->at, "database %s was left out: %s", entry->name, why);
        return;
    }
    struct import_line *line = &w->lines[w->line_count++];
    *line = (struct import_line){.entry = entry, .fields = {.scope = SCOPE_TENANT}};
    line->any = strcmp(entry->name, "*") == 0;
    line->target = raw_of(entry, "dbname");
    if (line->target == NULL && !line->any) {
        line->target = entry->name;
    }
    if (line->any) {
        w->any = line;
    }
}

static void add_lines(struct import_tenants *w)
{
    w->lines = x_zalloc((HASH_COUNT(w->im->databases) + 1) * sizeof *w->lines);
    for (struct import_entry *e = w->im->databases; e != NULL; e = e->hh.next) {
        add_line(w, e);
    }
    if (w->line_count == 0) {
        import_fault(w->im, (struct import_origin){.file = w->im->files[0], .line = 0},
                     "no line of [databases] can be written: there is nothing to connect to");
    }
}

/* ---- servers ---- */

/* Without a host PgBouncer goes to the socket in its own folder. */
static void fill_host(const struct import_tenants *w, const struct import_line *line,
                      struct import_fields *fields)
{
    const char *folder = import_tenants_global(w, "unix_socket_dir")->raw;

    if (import_fields_get(fields, "host") == NULL) {
        folder = folder == NULL ? "/tmp" : folder;
        import_fields_set(fields, "host", import_quoted(folder));
        import_note(w->im, line->entry->at,
                    "database %s has no host: the socket in %s is used, as by PgBouncer; another "
                    "folder may be meant: set servers.NAME.host",
                    line->entry->name, folder);
    }
}

static bool same_field(const struct import_fields *a, const struct import_fields *b,
                       const char *path)
{
    return strcmp(import_fields_effective(a, path), import_fields_effective(b, path)) == 0;
}

static bool name_is_free(const struct import_tenants *w, const char *name)
{
    for (size_t i = 0; i < w->server_count; i++) {
        if (strcmp(w->servers[i].name, name) == 0) {
            return false;
        }
    }
    return true;
}

/* HOST or HOST-PORT where that can be a name, else serverN. */
static char *name_server(const struct import_tenants *w, const struct import_line *line,
                         const struct import_fields *fields)
{
    const char *host = raw_of(line->entry, "host");
    const char *port = import_fields_effective(fields, "port");
    bool usual = strcmp(port, "5432") == 0;
    char *name =
        x_printf("%s%s%s", host == NULL ? "local" : host, usual ? "" : "-", usual ? "" : port);

    for (size_t n = w->server_count + 1;
         !config_valid_tenant_name(slice_str(name)) || !name_is_free(w, name); n++) {
        free(name);
        name = x_printf("server%zu", n);
    }
    return name;
}

static size_t find_or_add_server(struct import_tenants *w, const struct import_line *line)
{
    struct import_fields fields = {.scope = SCOPE_SERVER};

    import_fields_fill(&fields, w->im, line->entry);
    fill_host(w, line, &fields);
    import_fields_set(&fields, "max_connections", x_strdup("0"));
    for (size_t i = 0; i < w->server_count; i++) {
        if (same_field(&fields, &w->servers[i].fields, "host") &&
            same_field(&fields, &w->servers[i].fields, "port")) {
            import_fields_fini(&fields);
            return i;
        }
    }
    w->servers = x_realloc(w->servers, (w->server_count + 1) * sizeof *w->servers);
    w->servers[w->server_count] =
        (struct import_server){.name = name_server(w, line, &fields), .fields = fields};
    return w->server_count++;
}

/* ---- tenants ---- */

/* Would a pool of ours serve both lines? */
static bool share(const struct import_line *a, const struct import_line *b)
{
    if (a == b || a->server != b->server || b->dedicated) {
        return false;
    }
    if (b->any) {
        return strcmp(a->target, a->entry->name) != 0;
    }
    return strcmp(a->target, b->target) == 0;
}

static bool must_be_dedicated(const struct import_tenants *w, const struct import_line *line)
{
    if (line->any) {
        return line->target != NULL; /* all names lead to one database */
    }
    for (size_t i = 0; i < w->line_count; i++) {
        if (share(line, &w->lines[i])) {
            return true;
        }
    }
    return false;
}

/* The forced user with its password, else the auth_file's for it. */
static char *make_login(const struct import_tenants *w, const struct import_entry *entry)
{
    const char *user = raw_of(entry, "user");
    const char *password = raw_of(entry, "password");
    struct buf out = {0};

    if (user == NULL) {
        return x_strdup("client");
    }
    const struct import_entry *known = import_entry_find(w->im->users, user);
    if (password == NULL && known != NULL) {
        password = known->password;
    }
    buf_append(&out, "{user: ", 7);
    (void)import_quote(&out, user);
    if (password != NULL && password[0] != '\0') {
        buf_append(&out, ", password: ", 12);
        (void)import_quote(&out, password);
    }
    buf_append_u8(&out, '}');
    char *login = x_strndup(buf_slice(&out));
    buf_release_secret(&out);
    return login;
}

/* An empty query for one that never comes; PgBouncer's own words for its empty query are ours. */
static void fill_check(struct import_tenants *w, struct import_fields *fields)
{
    const struct import_value *query = import_tenants_global(w, "server_check_query");

    if (query->raw != NULL && query->raw[0] == '\0') {
        import_fields_set(fields, "pool.check_delay", x_strdup("24d"));
    }
}

static void fill_sizes(struct import_tenants *w, const struct import_entry *entry,
                       struct import_fields *fields)
{
    const char *size = import_fields_effective(fields, "pool.size");
    const char *least = import_fields_effective(fields, "pool.min_size");

    if (atoi(size) != 0 && atoi(least) > atoi(size)) {
        struct import_origin at =
            entry != NULL ? entry->at : import_tenants_global(w, "min_pool_size")->at;
        if (at.file != NULL) {
            import_note(w->im, at, "min_pool_size %s is more than the pool's size: %s was written",
                        least, size);
        }
        import_fields_set(fields, "pool.min_size", x_strdup(size));
    }
}

static void fill_common(struct import_tenants *w, const struct import_entry *entry,
                        struct import_fields *fields)
{
    import_fields_fill(fields, w->im, entry);
    fill_check(w, fields);
    fill_sizes(w, entry, fields);
}

/* Of the two keys that hold the database's name the one that is not in force stays as it is in the
 * defaults: so it is not written. */
static void fill_database(const struct import_tenants *w, struct import_line *line)
{
    const char *template = "\"{tenant}\"";
    bool named = line->any ? line->target != NULL : strcmp(line->target, line->entry->name) != 0;
    const char *used = line->dedicated ? "dedicated.name" : "database";
    const char *unused = line->dedicated ? "database" : "dedicated.name";
    const char *other = line->any ? NULL : import_fields_get(&w->defaults, unused);

    import_fields_set(&line->fields, "strategy", x_strdup(line->dedicated ? "database" : "none"));
    import_fields_set(&line->fields, used,
                      named ? import_quoted(line->target) : x_strdup(template));
    if (other != NULL) {
        import_fields_set(&line->fields, unused, x_strdup(other));
    }
}

static void note_login(struct import_tenants *w, const struct import_entry *entry)
{
    const char *type = import_tenants_global(w, "auth_type")->raw;

    if (raw_of(entry, "user") != NULL) {
        return;
    }
    if (raw_of(entry, "password") != NULL) {
        import_note(w->im, entry->at, "database %s: password without user is not used",
                    entry->name);
    }
    if (type != NULL && strcmp(type, "any") == 0) {
        import_note(w->im, entry->at,
                    "database %s: auth_type = any needs a user here, without one PgBouncer refuses "
                    "clients; with this file they log in to the server as who they say they are",
                    entry->name);
    }
}

static void fill_tenant(struct import_tenants *w, struct import_line *line)
{
    fill_common(w, line->entry, &line->fields);
    fill_database(w, line);
    import_fields_set(&line->fields, "server", import_quoted(w->servers[line->server].name));
    import_fields_set(&line->fields, "login", make_login(w, line->entry));
    note_login(w, line->entry);
}

static void copy_fields(const struct import_fields *from, struct import_fields *to)
{
    for (size_t i = 0; i < from->count; i++) {
        import_fields_set(to, from->items[i].path, x_strdup(from->items[i].value));
    }
}

/* What holds for any name where there is a line *, else what [pgbouncer] says. */
static void fill_defaults(struct import_tenants *w)
{
    w->defaults = (struct import_fields){.scope = SCOPE_TENANT};
    if (w->any != NULL) {
        fill_tenant(w, w->any);
        copy_fields(&w->any->fields, &w->defaults);
        return;
    }
    fill_common(w, NULL, &w->defaults);
    import_fields_set(&w->defaults, "server", import_quoted(w->servers[0].name));
    import_fields_set(&w->defaults, "database", x_strdup("\"{tenant}\""));
    import_fields_set(&w->defaults, "strategy", x_strdup("none"));
}

static void fill_tenants(struct import_tenants *w)
{
    for (size_t i = 0; i < w->line_count; i++) {
        w->lines[i].server = find_or_add_server(w, &w->lines[i]);
    }
    if (w->any != NULL) {
        w->any->dedicated = must_be_dedicated(w, w->any);
    }
    fill_defaults(w);
    for (size_t i = w->line_count; i-- > 0;) {
        struct import_line *line = &w->lines[i];
        if (!line->any) {
            line->dedicated = must_be_dedicated(w, line);
        }
    }
    for (size_t i = 0; i < w->line_count; i++) {
        if (!w->lines[i].any) {
            fill_tenant(w, &w->lines[i]);
        }
    }
}

/* ---- all of them ---- */

void import_tenants_init(struct import_tenants *w, struct import *im)
{
    *w = (struct import_tenants){.im = im};
    add_lines(w);
    if (im->faults == 0) {
        fill_tenants(w);
    }
}

void import_tenants_fini(struct import_tenants *w)
{
    for (size_t i = 0; i < w->line_count; i++) {
        import_fields_fini(&w->lines[i].fields);
    }
    for (size_t i = 0; i < w->server_count; i++) {
        import_fields_fini(&w->servers[i].fields);
        free(w->servers[i].name);
    }
    import_fields_fini(&w->defaults);
    free(w->lines);
    free(w->servers);
}
