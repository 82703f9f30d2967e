// SPDX-License-Identifier: MIT
#include "provision/rls_sql.h"

#include <stdlib.h>
#include <string.h>

#include "auth/digest.h"
#include "base/alloc.h"
#include "base/encode.h"
#include "provision/quote.h"

enum { BLOCK = 64 }; /* bytes of a block of SHA-256 */

struct writer {
    rls_emit emit;
    void *data;
    const char *object;
    struct buf sql;
};

/* Hands over what was written. */
static void flush_with(struct writer *w, const char *const *params, int count)
{
    struct rls_statement statement = {.object = w->object, .param_count = count};

    for (int i = 0; i < count; i++) {
        statement.params[i] = params[i];
    }
    buf_append_u8(&w->sql, 0);
    statement.sql = slice_head(buf_slice(&w->sql), buf_size(&w->sql) - 1);
    w->emit(w->data, &statement);
    buf_clear(&w->sql);
}

static void flush(struct writer *w)
{
    flush_with(w, NULL, 0);
}

static void say(struct writer *w, const char *sql)
{
    buf_append(&w->sql, sql, strlen(sql));
    flush(w);
}

/* ---- the schema ---- */

/* Whoever owns the schema could replace what is in it, so it must be ours. */
static const char check_owner[] =
    "DO $$BEGIN\n"
    "  IF EXISTS (SELECT FROM pg_namespace WHERE nspname = 'fahrend'\n"
    "             AND nspowner <> (SELECT oid FROM pg_roles WHERE rolname = current_user)) THEN\n"
    "    RAISE EXCEPTION 'schema fahrend belongs to another role'\n"
    "      USING ERRCODE = '42501', HINT = 'It must belong to servers.*.admin.user.';\n"
    "  END IF;\n"
    "END$$";

/* Default privileges may have granted what nobody asked for. */
static const char revoke_all[] =
    "DO $$DECLARE r record; BEGIN\n"
    "  FOR r IN SELECT DISTINCT a.grantee::regrole AS grantee\n"
    "           FROM pg_class c, aclexplode(c.relacl) a\n"
    "           WHERE c.oid = 'fahrend.seal_key'::regclass AND a.grantee NOT IN (0, c.relowner)\n"
    "  LOOP EXECUTE format('REVOKE ALL ON fahrend.seal_key FROM %s', r.grantee); END LOOP;\n"
    "END$$";

/* The function sees when a process of another role began only with this right. */
static const char check_rights[] =
    "DO $$BEGIN\n"
    "  IF NOT pg_has_role(current_user, 'pg_read_all_stats', 'USAGE') THEN\n"
    "    RAISE EXCEPTION 'role % may not see when other roles'' connections began', current_user\n"
    "      USING ERRCODE = '42501',\n"
    "            HINT = format('GRANT pg_read_all_stats TO %I', current_user);\n"
    "  END IF;\n"
    "END$$";

static void make_schema(struct writer *w)
{
    say(w, "SET LOCAL search_path = pg_catalog, pg_temp");
    say(w, "SET LOCAL lock_timeout = '10s'");
    say(w, "SELECT pg_advisory_xact_lock(hashtext('fahrend'))");
    say(w, check_owner);
    say(w, "CREATE SCHEMA IF NOT EXISTS fahrend");
    say(w, "REVOKE CREATE ON SCHEMA fahrend FROM PUBLIC");
    say(w, "GRANT USAGE ON SCHEMA fahrend TO PUBLIC");
}

/* ---- keys ---- */

static void write_pad(const uint8_t block[BLOCK], uint8_t with, char hex[RLS_PAD_HEX])
{
    uint8_t pad[BLOCK];

    for (size_t i = 0; i < BLOCK; i++) {
        pad[i] = block[i] ^ with;
    }
    memcpy(hex, "\\x", 2);
    hex_encode(slice_of(pad, sizeof pad), hex + 2);
    secure_zero(pad, sizeof pad);
}

/* RFC 2104: the server keeps the key as the two blocks that its hashes begin with. */
static void write_pads(struct slice key, char outer[RLS_PAD_HEX], char inner[RLS_PAD_HEX])
{
    uint8_t block[BLOCK] = {0};

    if (key.n > BLOCK) {
        digest_sha256(key, block);
    } else {
        memcpy(block, key.p, key.n);
    }
    write_pad(block, 0x5c, outer);
    write_pad(block, 0x36, inner);
    secure_zero(block, sizeof block);
}

/* A key given twice is one. */
static int count_keys(const struct rls_options *options)
{
    bool second = options->keys[1].n > 0 && !slice_eq(options->keys[0], options->keys[1]);

    return second ? 2 : 1;
}

static void replace_keys(struct writer *w, const struct rls_options *options)
{
    char pads[RLS_PARAMS][RLS_PAD_HEX];
    const char *params[RLS_PARAMS];
    int count = count_keys(options);

    for (int i = 0; i < count; i++) {
        write_pads(options->keys[i], pads[2 * i], pads[2 * i + 1]);
        params[2 * i] = pads[2 * i];
        params[2 * i + 1] = pads[2 * i + 1];
    }
    say(w, "DELETE FROM fahrend.seal_key");
    buf_printf(&w->sql,
               "INSERT INTO fahrend.seal_key (outer_pad, inner_pad) VALUES "
               "($1::bytea, $2::bytea)%s",
               count == 2 ? ", ($3::bytea, $4::bytea)" : "");
    flush_with(w, params, 2 * count);
    secure_zero(pads, sizeof pads);
}

/* Row security keeps out even members of pg_read_all_data; the owner, whose rights the function
 * has, is not subject to it. */
static void make_key_table(struct writer *w, const struct rls_options *options)
{
    w->object = "fahrend.seal_key";
    say(w, "CREATE TABLE IF NOT EXISTS fahrend.seal_key "
           "(outer_pad bytea PRIMARY KEY, inner_pad bytea NOT NULL)");
    say(w, "ALTER TABLE fahrend.seal_key ENABLE ROW LEVEL SECURITY");
    say(w, "REVOKE ALL ON fahrend.seal_key FROM PUBLIC");
    say(w, revoke_all);
    replace_keys(w, options);
}

/* ---- functions ---- */

/* It is called immutable because within one process it is: so it is asked once, when the plan of
 * the function below is made, and not at every call. The value is no secret (the proxy asks for
 * it where the catalogs' own function was revoked); the keys, which are, must never be folded into
 * a plan like this: debug_print_plan would show them. */
static const char backend_start[] =
    "CREATE OR REPLACE FUNCTION fahrend.backend_start() RETURNS bigint\n"
    "LANGUAGE sql IMMUTABLE SECURITY DEFINER PARALLEL RESTRICTED\n"
    "SET search_path = pg_catalog, pg_temp AS $$\n"
    "SELECT (extract(epoch FROM backend_start) * 1000000)::bigint\n"
    "FROM pg_stat_get_activity(pg_backend_pid())$$";

/* What is the same in all seals of this process, folded in the same way; to build it anew would
 * cost every query more than the second hash of HMAC does. */
static const char seal_prefix[] =
    "CREATE OR REPLACE FUNCTION fahrend.seal_prefix() RETURNS text\n"
    "LANGUAGE sql IMMUTABLE PARALLEL RESTRICTED\n"
    "SET search_path = pg_catalog, pg_temp AS $$\n"
    "SELECT concat('fahrend/1/', pg_backend_pid(), '/', fahrend.backend_start(), '/')$$";

/* Tells the proxy, which counts it, and the server's log that a seal does not hold. The client may
 * have asked for no warnings: that does not hide it. Called by the function below only. */
static const char unsealed[] =
    "CREATE OR REPLACE FUNCTION fahrend.unsealed() RETURNS void\n"
    "LANGUAGE plpgsql STABLE PARALLEL RESTRICTED\n"
    "SET search_path = pg_catalog, pg_temp SET client_min_messages = warning AS $$\n"
    "BEGIN\n"
    "  RAISE WARNING 'no tenant: the seal does not hold' USING ERRCODE = '01F5E';\n"
    "END$$";

/* One SELECT, and no variable in it: its plan is made once in a session. */
static void write_sealed_body(struct buf *body, const char *setting, const char *seal)
{
    buf_printf(
        body,
        "\nDECLARE\n"
        "  tenant text;\n"
        "BEGIN\n"
        "  SELECT current_setting(%s, true) INTO tenant FROM fahrend.seal_key\n"
        "  WHERE current_setting(%s, true) = encode(sha256(outer_pad || sha256(inner_pad ||\n"
        "    convert_to(fahrend.seal_prefix() || current_setting(%s, true), 'UTF8'))), 'hex');\n"
        "  IF tenant IS NULL THEN\n"
        "    PERFORM fahrend.unsealed();\n"
        "  END IF;\n"
        "  RETURN tenant;\n"
        "END",
        setting, seal, setting);
}

/* A text as a literal, with its terminator, in *out. */
static const char *literal(struct buf *out, const char *text)
{
    quote_literal(out, text);
    buf_append_u8(out, 0);
    return (const char *)buf_slice(out).p;
}

static void make_sealed_function(struct writer *w, const char *setting)
{
    struct buf quoted = {0};
    struct buf quoted_seal = {0};
    struct buf body = {0};
    char *seal = x_printf("%s_seal", setting);

    write_sealed_body(&body, literal(&quoted, setting), literal(&quoted_seal, seal));
    buf_printf(&w->sql, "CREATE OR REPLACE FUNCTION fahrend.current_tenant() RETURNS text\n"
                        "LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL RESTRICTED\n"
                        "SET search_path = pg_catalog, pg_temp AS ");
    quote_body(&w->sql, buf_slice(&body));
    flush(w);
    free(seal);
    buf_release(&body);
    buf_release(&quoted);
    buf_release(&quoted_seal);
}

/* Without a seal it is only a short name for the setting, and is inlined as such. A setting that
 * was reset is '' and not NULL. */
static void make_plain_function(struct writer *w, const char *setting)
{
    struct buf body = {0};

    buf_printf(&body, "SELECT NULLIF(current_setting(");
    quote_literal(&body, setting);
    buf_printf(&body, ", true), '')");
    buf_printf(&w->sql, "CREATE OR REPLACE FUNCTION fahrend.current_tenant() RETURNS text\n"
                        "LANGUAGE sql STABLE PARALLEL SAFE AS ");
    quote_body(&w->sql, buf_slice(&body));
    flush(w);
    buf_release(&body);
}

void rls_sql_install(const struct rls_options *options, rls_emit emit, void *data)
{
    struct writer w = {.emit = emit, .data = data, .object = "schema fahrend"};

    make_schema(&w);
    if (options->sealed) {
        say(&w, check_rights);
        make_key_table(&w, options);
        w.object = "fahrend.backend_start()";
        say(&w, backend_start);
        say(&w, "GRANT EXECUTE ON FUNCTION fahrend.backend_start() TO PUBLIC");
        w.object = "fahrend.seal_prefix()";
        say(&w, seal_prefix);
        say(&w, "REVOKE EXECUTE ON FUNCTION fahrend.seal_prefix() FROM PUBLIC");
        w.object = "fahrend.unsealed()";
        say(&w, unsealed);
        say(&w, "REVOKE EXECUTE ON FUNCTION fahrend.unsealed() FROM PUBLIC");
        w.object = "fahrend.current_tenant()";
        make_sealed_function(&w, options->setting);
    } else {
        w.object = "fahrend.current_tenant()";
        make_plain_function(&w, options->setting);
    }
    say(&w, "GRANT EXECUTE ON FUNCTION fahrend.current_tenant() TO PUBLIC");
    buf_release(&w.sql);
}

/* ---- tables ---- */

const char *rls_cast(const char *type)
{
    static const char *const casts[][2] = {
        {"text", "text"},     {"varchar", "text"}, {"uuid", "uuid"},
        {"int2", "smallint"}, {"int4", "integer"}, {"int8", "bigint"},
    };

    for (size_t i = 0; i < sizeof casts / sizeof casts[0]; i++) {
        if (strcmp(casts[i][0], type) == 0) {
            return casts[i][1];
        }
    }
    return NULL;
}

struct protection {
    struct writer w;
    const struct rls_options *options;
    const struct rls_table *table;
    char *name; /* schema.table in quotes; owned */
};

static char *quoted_name(const struct rls_table *table)
{
    struct buf name = {0};

    quote_ident(&name, table->schema);
    buf_append_u8(&name, '.');
    quote_ident(&name, table->name);
    char *text = x_strndup(buf_slice(&name));
    buf_release(&name);
    return text;
}

static const char *cast_suffix(const struct protection *p)
{
    return strcmp(p->table->cast, "text") == 0 ? "" : "::";
}

/* column = (SELECT fahrend.current_tenant()::type): the cast within, so that the whole is evaluated
 * once for a query. */
static void write_condition(struct protection *p)
{
    const char *suffix = cast_suffix(p);

    quote_ident(&p->w.sql, p->options->column);
    buf_printf(&p->w.sql, " = (SELECT fahrend.current_tenant()%s%s)", suffix,
               suffix[0] == '\0' ? "" : p->table->cast);
}

static void make_policy(struct protection *p, const char *name, const char *kind)
{
    struct buf *sql = &p->w.sql;

    buf_printf(sql, "DROP POLICY IF EXISTS %s ON %s", name, p->name);
    flush(&p->w);
    if (kind == NULL) {
        return;
    }
    buf_printf(sql, "CREATE POLICY %s ON %s AS %s FOR ALL TO PUBLIC\n  USING (", name, p->name,
               kind);
    write_condition(p);
    buf_printf(sql, ")\n  WITH CHECK (");
    write_condition(p);
    buf_printf(sql, ")");
    flush(&p->w);
}

static void set_default(struct protection *p)
{
    const char *suffix = cast_suffix(p);

    buf_printf(&p->w.sql, "ALTER TABLE %s ALTER COLUMN ", p->name);
    quote_ident(&p->w.sql, p->options->column);
    buf_printf(&p->w.sql, " SET DEFAULT fahrend.current_tenant()%s%s", suffix,
               suffix[0] == '\0' ? "" : p->table->cast);
    flush(&p->w);
}

/* Permissive policies are joined by OR: where others stand beside ours, a restrictive one keeps
 * them from letting anything more through. */
void rls_sql_protect(const struct rls_options *options, const struct rls_table *table,
                     rls_emit emit, void *data)
{
    struct protection p = {.w = {.emit = emit, .data = data}, .options = options, .table = table};
    char *object = x_printf("%s.%s", table->schema, table->name);

    p.w.object = object;
    p.name = quoted_name(table);
    buf_printf(&p.w.sql, "ALTER TABLE %s ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY",
               p.name);
    flush(&p.w);
    make_policy(&p, "fahrend_tenant", "PERMISSIVE");
    make_policy(&p, "fahrend_guard", table->has_other_rules ? "RESTRICTIVE" : NULL);
    if (table->sets_default) {
        set_default(&p);
    }
    free(p.name);
    buf_release(&p.w.sql);
    free(object);
}
