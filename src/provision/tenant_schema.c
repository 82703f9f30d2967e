// SPDX-License-Identifier: MIT
#include "provision/tenant_objects.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "provision/grants.h"
#include "provision/quote.h"
#include "provision/schema_clone.h"

enum { TEMPLATE_MAX = 16 << 20 }; /* bytes of an SQL file */

/* ---- the template ---- */

/* The path with the tenant's name in it; to be freed. */
static char *template_path(const struct tenant_spec *spec)
{
    static const char place[] = "{tenant}";
    const char *rest = spec->config->schema.template;
    struct buf path = {0};

    for (const char *at; (at = strstr(rest, place)) != NULL; rest = at + strlen(place)) {
        buf_append(&path, rest, (size_t)(at - rest));
        buf_append(&path, spec->tenant, strlen(spec->tenant));
    }
    buf_append(&path, rest, strlen(rest));
    char *text = x_strndup(buf_slice(&path));
    buf_release(&path);
    return text;
}

static int read_all(int fd, struct buf *out)
{
    ssize_t n;

    do {
        uint8_t *room = buf_reserve(out, 65536);
        n = read(fd, room, 65536);
        buf_commit(out, n > 0 ? (size_t)n : 0);
    } while ((n > 0 && buf_size(out) <= TEMPLATE_MAX) || (n < 0 && errno == EINTR));
    return n < 0 ? -errno : 0;
}

static int read_template(const char *path, struct buf *out, struct err *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    int rc = fd < 0 ? -errno : read_all(fd, out);

    if (fd >= 0) {
        (void)close(fd); /* nothing was written */
    }
    if (rc < 0) {
        return err_set(err, ERR_CONFIG, "schema.template: %s: %s", path, strerror(-rc));
    }
    if (buf_size(out) > TEMPLATE_MAX || memchr(buf_slice(out).p, 0, buf_size(out)) != NULL) {
        return err_set(err, ERR_CONFIG, "schema.template: %s: is no SQL file of at most 16 MiB",
                       path);
    }
    return 0;
}

static void set_place(struct script *s, const struct tenant_spec *spec)
{
    struct buf sql = {0};

    buf_printf(&sql, "SET LOCAL search_path = ");
    quote_ident(&sql, spec->schema);
    script_run(s, &sql);
    buf_printf(&sql, "SET LOCAL ROLE ");
    quote_ident(&sql, spec->owner);
    script_run(s, &sql);
}

/* As the owner, so that everything it makes is the owner's, and in the schema. */
static void run_template(struct script *s, const struct tenant_spec *spec)
{
    char *path = template_path(spec);
    struct buf text = {0};

    if (!script_failed(s) && read_template(path, &text, &s->report->err) == 0) {
        set_place(s, spec);
        s->object = path;
        if (!s->dry) {
            script_run_file(s, buf_slice(&text));
            script_do(s, "RESET ROLE");
            script_do(s, "SET LOCAL search_path = pg_catalog");
        }
        report_add(s->report, REPORT_NOTE, path, "is run in the schema");
        s->object = spec->schema;
    }
    buf_release(&text);
    free(path);
}

/* ---- the schema ---- */

static void create_schema(struct script *s, const struct tenant_spec *spec)
{
    struct buf sql = {0};

    buf_printf(&sql, "CREATE SCHEMA ");
    quote_ident(&sql, spec->schema);
    buf_printf(&sql, " AUTHORIZATION ");
    quote_ident(&sql, spec->owner);
    script_run(s, &sql);
    tenant_object_comment(s, OBJECT_SCHEMA, spec->schema, spec, false);
    grants_write(s, spec, spec->schema);
    if (spec->config->schema.clone != NULL) {
        schema_clone(s, spec);
    }
    if (spec->config->schema.template != NULL) {
        run_template(s, spec);
    }
}

void tenant_schema_make(struct script *s, const struct tenant_spec *spec)
{
    s->object = spec->schema;
    switch (tenant_object_mark(s, OBJECT_SCHEMA, spec->schema, spec, NULL)) {
    case MARK_ABSENT:
        create_schema(s, spec);
        return;
    case MARK_OURS:
        return;
    case MARK_FOREIGN:
        tenant_object_refuse(s, OBJECT_SCHEMA, spec->schema, spec);
        return;
    }
}
