// SPDX-License-Identifier: MIT
#include "admin/extended.h"

#include <stdio.h>
#include <stdlib.h>

#include "admin/console.h"
#include "base/alloc.h"
#include "wire/build.h"
#include "wire/error.h"
#include "wire/extended.h"
#include "wire/frame.h"

struct console_statement {
    struct list node;
    char *name;
    struct command command;
};

struct portal {
    struct list node;
    char *name;
    struct command command;
    uint64_t binary;   /* columns asked for in the binary format */
    bool ran;          /* the two below are its answer */
    struct buf result; /* rows not sent yet */
    char tag[32];
};

/* ---- names ---- */

static void free_statement(struct extended *x, struct console_statement *s)
{
    list_remove(&s->node);
    x->statement_count--;
    free(s->name);
    free(s);
}

static void free_portal(struct extended *x, struct portal *p)
{
    list_remove(&p->node);
    x->portal_count--;
    buf_release(&p->result);
    free(p->name);
    free(p);
}

static struct console_statement *find_statement(struct extended *x, struct slice name)
{
    for (struct list *node = x->statements.next; node != &x->statements; node = node->next) {
        struct console_statement *s = container_of(node, struct console_statement, node);
        if (slice_eq_str(name, s->name)) {
            return s;
        }
    }
    return NULL;
}

static struct portal *find_portal(struct extended *x, struct slice name)
{
    for (struct list *node = x->portals.next; node != &x->portals; node = node->next) {
        struct portal *p = container_of(node, struct portal, node);
        if (slice_eq_str(name, p->name)) {
            return p;
        }
    }
    return NULL;
}

void extended_init(struct extended *x)
{
    *x = (struct extended){.skipping = false};
    list_init(&x->statements);
    list_init(&x->portals);
}

void extended_end_portals(struct extended *x)
{
    while (!list_empty(&x->portals)) {
        free_portal(x, container_of(list_head(&x->portals), struct portal, node));
    }
}

void extended_fini(struct extended *x)
{
    extended_end_portals(x);
    while (!list_empty(&x->statements)) {
        free_statement(x, container_of(list_head(&x->statements), struct console_statement, node));
    }
}

/* ---- Parse ---- */

static int malformed(struct err *err, const char *what)
{
    return err_set(err, ERR_PROTOCOL, "invalid %s message", what);
}

static int no_statement(struct slice name, struct err *err)
{
    return err_set(err, ERR_NO_STATEMENT, "prepared statement \"%.*s\" does not exist",
                   (int)slice_head(name, NAME_SIZE).n, (const char *)name.p);
}

static int no_portal(struct slice name, struct err *err)
{
    return err_set(err, ERR_NO_PORTAL, "portal \"%.*s\" does not exist",
                   (int)slice_head(name, NAME_SIZE).n, (const char *)name.p);
}

/* Room for a new one of this name; the unnamed one makes way. */
static int make_way_for_statement(struct extended *x, struct slice name, struct err *err)
{
    struct console_statement *old = find_statement(x, name);

    if (old != NULL && name.n > 0) {
        return err_set(err, ERR_DUPLICATE_STATEMENT, "prepared statement \"%.*s\" already exists",
                       (int)slice_head(name, NAME_SIZE).n, (const char *)name.p);
    }
    if (old != NULL) {
        free_statement(x, old);
    }
    if (x->statement_count == EXTENDED_STATEMENTS_MAX) {
        return err_set(err, ERR_TOO_MANY, "too many prepared statements on the console");
    }
    return 0;
}

static int take_parse(struct console *c, struct slice body, struct err *err)
{
    struct extended *x = &c->extended;
    struct parse_view view;
    struct command command;

    if (extended_parse(body, &view) < 0) {
        return malformed(err, "Parse");
    }
    int rc = make_way_for_statement(x, view.statement, err);
    rc = rc < 0 ? rc : command_parse(view.query, &command, err);
    if (rc < 0) {
        return rc;
    }
    struct console_statement *s = x_zalloc(sizeof *s);
    s->name = x_strndup(view.statement);
    s->command = command;
    list_push_head(&x->statements, &s->node);
    x->statement_count++;
    build_empty(&c->out, WIRE_PARSE_COMPLETE);
    return 0;
}

/* ---- Bind ---- */

/* The formats of the results: none is text for all, one is for all, else one for each. */
static int read_formats(struct cursor *c, uint32_t columns, uint64_t *binary, struct err *err)
{
    uint32_t count = cursor_be16(c);

    *binary = 0;
    if (!c->bad && count > 1 && count != columns) {
        return err_set(err, ERR_PROTOCOL,
                       "bind message has %u result formats but query has %u "
                       "columns",
                       count, columns);
    }
    for (uint32_t i = 0; i < count && !c->bad; i++) {
        uint16_t format = cursor_be16(c);
        if (format > 1) {
            return err_set(err, ERR_INVALID_VALUE, "unsupported format code: %u", format);
        }
        if (format == 1) {
            *binary |= count == 1 ? UINT64_MAX : UINT64_C(1) << i;
        }
    }
    return c->bad || c->left.n > 0 ? malformed(err, "Bind") : 0;
}

static int read_bind(const struct bind_view *view, const struct command *command, uint64_t *binary,
                     struct err *err)
{
    struct cursor c = cursor_of(view->rest);
    uint32_t parameter_formats = cursor_be16(&c);

    (void)cursor_bytes(&c, 2 * (size_t)parameter_formats);
    uint32_t parameters = cursor_be16(&c);
    if (!c.bad && parameters > 0) {
        return err_set(err, ERR_PROTOCOL,
                       "bind message supplies %u parameters, but a console command takes none",
                       parameters);
    }
    return read_formats(&c, command_columns(command).count, binary, err);
}

static int make_way_for_portal(struct extended *x, struct slice name, struct err *err)
{
    struct portal *old = find_portal(x, name);

    if (old != NULL && name.n > 0) {
        return err_set(err, ERR_DUPLICATE_STATEMENT, "portal \"%.*s\" already exists",
                       (int)slice_head(name, NAME_SIZE).n, (const char *)name.p);
    }
    if (old != NULL) {
        free_portal(x, old);
    }
    if (x->portal_count == EXTENDED_PORTALS_MAX) {
        return err_set(err, ERR_TOO_MANY, "too many portals on the console");
    }
    return 0;
}

static int take_bind(struct console *c, struct slice body, struct err *err)
{
    struct extended *x = &c->extended;
    struct bind_view view;
    uint64_t binary = 0;

    if (extended_bind(body, &view) < 0) {
        return malformed(err, "Bind");
    }
    const struct console_statement *s = find_statement(x, view.statement);
    if (s == NULL) {
        return no_statement(view.statement, err);
    }
    int rc = read_bind(&view, &s->command, &binary, err);
    rc = rc < 0 ? rc : make_way_for_portal(x, view.portal, err);
    if (rc < 0) {
        return rc;
    }
    struct portal *p = x_zalloc(sizeof *p);
    p->name = x_strndup(view.portal);
    p->command = s->command;
    p->binary = binary;
    list_push_head(&x->portals, &p->node);
    x->portal_count++;
    build_empty(&c->out, WIRE_BIND_COMPLETE);
    return 0;
}

/* ---- Describe, Close ---- */

static void describe(struct console *c, const struct command *command, uint64_t binary)
{
    struct columns columns = command_columns(command);

    if (columns.count == 0) {
        build_empty(&c->out, WIRE_NO_DATA);
    } else {
        rows_describe(&c->out, columns, binary);
    }
}

static int describe_statement(struct console *c, struct slice name, struct err *err)
{
    const struct console_statement *s = find_statement(&c->extended, name);

    if (s == NULL) {
        return no_statement(name, err);
    }
    size_t start = build_begin(&c->out, WIRE_PARAMETER_DESCRIPTION);
    buf_append_be16(&c->out, 0);
    build_end(&c->out, start);
    describe(c, &s->command, 0);
    return 0;
}

static int describe_portal(struct console *c, struct slice name, struct err *err)
{
    const struct portal *p = find_portal(&c->extended, name);

    if (p == NULL) {
        return no_portal(name, err);
    }
    describe(c, &p->command, p->binary);
    return 0;
}

static int take_describe(struct console *c, struct slice body, struct err *err)
{
    struct target_view view;

    if (extended_target(body, &view) < 0) {
        return malformed(err, "Describe");
    }
    return view.kind == 'S' ? describe_statement(c, view.name, err)
                            : describe_portal(c, view.name, err);
}

/* It is no error to close what there is not. */
static int take_close(struct console *c, struct slice body, struct err *err)
{
    struct extended *x = &c->extended;
    struct target_view view;

    if (extended_target(body, &view) < 0) {
        return malformed(err, "Close");
    }
    struct console_statement *s = view.kind == 'S' ? find_statement(x, view.name) : NULL;
    struct portal *p = view.kind == 'P' ? find_portal(x, view.name) : NULL;
    if (s != NULL) {
        free_statement(x, s);
    }
    if (p != NULL) {
        free_portal(x, p);
    }
    build_empty(&c->out, WIRE_CLOSE_COMPLETE);
    return 0;
}

/* ---- Execute ---- */

/* Sends as many rows as were asked for, and how it stands then. */
static void deliver(struct console *c, struct portal *p, uint32_t limit)
{
    uint32_t sent = 0;
    struct frame frame;

    while ((limit == 0 || sent < limit) && frame_peek(buf_slice(&p->result), &frame) == FRAME_OK) {
        buf_append_slice(&c->out, slice_head(buf_slice(&p->result), frame.size));
        buf_consume(&p->result, frame.size);
        sent++;
    }
    if (buf_size(&p->result) > 0) {
        build_empty(&c->out, WIRE_PORTAL_SUSPENDED);
    } else {
        build_command_complete(&c->out, p->tag);
    }
}

static int take_execute(struct console *c, struct slice body, struct err *err)
{
    struct cursor cursor = cursor_of(body);
    struct slice name = cursor_cstr(&cursor);
    uint32_t limit = cursor_be32(&cursor);

    if (cursor.bad || cursor.left.n > 0) {
        return malformed(err, "Execute");
    }
    struct portal *p = find_portal(&c->extended, name);
    if (p == NULL) {
        return no_portal(name, err);
    }
    limit = limit > INT32_MAX ? 0 : limit;
    if (p->ran) {
        deliver(c, p, limit);
        return 0;
    }
    c->extended.running = p;
    c->extended.limit = limit;
    console_run(c, &p->command, TASK_EXECUTE, p->binary);
    return 0;
}

void extended_done(struct console *c, const char *tag)
{
    struct portal *p = c->extended.running;

    c->extended.running = NULL;
    p->ran = true;
    p->result = c->result;
    c->result = (struct buf){0};
    (void)snprintf(p->tag, sizeof p->tag, "%s", tag);
    deliver(c, p, c->extended.limit);
}

/* ---- messages ---- */

bool extended_handles(uint8_t type)
{
    switch (type) {
    case WIRE_PARSE:
    case WIRE_BIND:
    case WIRE_DESCRIBE:
    case WIRE_EXECUTE:
    case WIRE_CLOSE:
    case WIRE_SYNC:
    case WIRE_FLUSH:
        return true;
    default:
        return false;
    }
}

static void take_sync(struct console *c)
{
    c->extended.skipping = false;
    extended_end_portals(&c->extended);
    build_ready(&c->out, 'I');
}

static int take_request(struct console *c, uint8_t type, struct slice body, struct err *err)
{
    switch (type) {
    case WIRE_PARSE:
        return take_parse(c, body, err);
    case WIRE_BIND:
        return take_bind(c, body, err);
    case WIRE_DESCRIBE:
        return take_describe(c, body, err);
    case WIRE_EXECUTE:
        return take_execute(c, body, err);
    case WIRE_CLOSE:
        return take_close(c, body, err);
    default:
        return 0; /* Flush: what is answered is sent at the end of the turn anyway */
    }
}

void extended_message(struct console *c, uint8_t type, struct slice body)
{
    struct err err = {0};

    if (type == WIRE_SYNC) {
        take_sync(c);
        return;
    }
    if (!c->extended.skipping && take_request(c, type, body, &err) < 0) {
        error_build(&c->out, WIRE_ERROR, "ERROR", &err);
        c->extended.skipping = true;
    }
}
