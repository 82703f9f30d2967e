# SPDX-License-Identifier: MIT
"""SETUP RLS: tables of every kind are protected, what is still open is told, all of it at once."""

import json
import re

import psycopg
import pytest

from deadline import wait_until
from proxy import ConsoleError, Proxy, base_config

KEY = "a key of the tests, 32 bytes or more"
SPARE = "another key of the tests, also 32 bytes or more"
UUIDS = ("00000000-0000-4000-8000-00000000000a", "00000000-0000-4000-8000-00000000000b")

SCHEMA = """
CREATE TABLE words (id bigint GENERATED ALWAYS AS IDENTITY, tenant_id text NOT NULL, body text,
                    PRIMARY KEY (tenant_id, id));
CREATE TABLE "odd "" name" (tenant_id varchar(63) NOT NULL, body text);
CREATE TABLE parts (tenant_id text NOT NULL, day int NOT NULL, body text) PARTITION BY RANGE (day);
CREATE TABLE parts_1 PARTITION OF parts FOR VALUES FROM (0) TO (10);
CREATE TABLE parts_2 PARTITION OF parts FOR VALUES FROM (10) TO (20);
CREATE TABLE common (code text PRIMARY KEY);
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO app;
"""
OTHER_TYPES = """
CREATE TABLE things (tenant_id {type} NOT NULL, body text);
GRANT SELECT, INSERT, UPDATE, DELETE ON things TO app;
"""


@pytest.fixture
def database(cluster, request):
    """An empty database of the test's own; its name."""
    name = f"setup_{abs(hash(request.node.nodeid)) % 10**8}"
    cluster.run(f"CREATE DATABASE {name}")
    yield name
    cluster.run(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def start_for(cluster, database):
    """start_for(**rls): a proxy whose tenants live in the test's database."""
    proxies = []

    def start(**rls):
        config = base_config(cluster.port, tenancy={"unknown": "template"})
        config["servers"]["main"]["admin"] = {"user": "postgres"}
        config["tenants"]["defaults"] = {
            "database": database, "login": {"user": "app"}, "pool": {"size": 1},
            "rls": {"seal": True, "key": KEY, **rls}}
        proxy = Proxy(config)
        proxy.start()
        proxies.append(proxy)
        return proxy
    yield start
    for proxy in proxies:
        proxy.stop()


def set_up(daemon, more=""):
    return daemon.console(f"SETUP RLS {more}")


def warnings(rows):
    return {(row["object"], row["text"]) for row in rows if row["kind"] == "warning"}


def bodies(daemon, tenant, table):
    with daemon.tenant(tenant) as conn:
        return sorted(row[0] for row in conn.execute(f"SELECT body FROM {table}"))


def write(daemon, tenant, table, columns="body", values=None):
    with daemon.tenant(tenant) as conn:
        conn.execute(f"INSERT INTO {table} ({columns}) VALUES ({values or repr('of ' + tenant)})")


@pytest.mark.parametrize("seal", [True, False])
def test_each_tenant_has_its_own_rows_in_every_table(cluster, start_for, database, seal):
    cluster.run(SCHEMA, database)
    daemon = start_for(seal=seal)
    set_up(daemon)

    for tenant in ("acme", "bravo"):
        write(daemon, tenant, "words")
        write(daemon, tenant, '"odd "" name"')
        write(daemon, tenant, "parts", "day, body", f"3, 'of {tenant}'")
        write(daemon, tenant, "parts", "day, body", f"13, 'of {tenant}'")

    for tenant in ("acme", "bravo"):
        assert bodies(daemon, tenant, "words") == [f"of {tenant}"]
        assert bodies(daemon, tenant, '"odd "" name"') == [f"of {tenant}"]
        assert bodies(daemon, tenant, "parts") == [f"of {tenant}"] * 2
        assert bodies(daemon, tenant, "parts_2") == [f"of {tenant}"], "a partition asked directly"


@pytest.mark.parametrize("kind, tenants", [("uuid", UUIDS), ("smallint", ("1", "2")),
                                           ("integer", ("1", "2")), ("bigint", ("1", "2"))])
def test_the_column_may_be_a_uuid_or_a_number(cluster, start_for, database, kind, tenants):
    cluster.run(OTHER_TYPES.format(type=kind), database)
    daemon = start_for()
    set_up(daemon)

    for tenant in tenants:
        write(daemon, tenant, "things")

    for tenant in tenants:
        assert bodies(daemon, tenant, "things") == [f"of {tenant}"]


def test_a_row_in_another_tenants_name_is_refused(cluster, start_for, database):
    cluster.run(SCHEMA, database)
    daemon = start_for()
    set_up(daemon)

    with daemon.tenant("acme") as conn, pytest.raises(psycopg.errors.InsufficientPrivilege):
        conn.execute("INSERT INTO words (tenant_id, body) VALUES ('bravo', 'forged')")


def test_without_the_proxy_there_are_no_rows(cluster, start_for, database):
    cluster.run(SCHEMA, database)
    daemon = start_for()
    set_up(daemon)
    write(daemon, "acme", "words")

    with cluster.connect(database, "app") as conn:
        conn.execute("SET app.tenant = 'acme'")
        assert conn.execute("SELECT * FROM words").fetchall() == []


def test_the_tenant_is_found_once_for_a_query_and_not_for_each_row(cluster, start_for, database):
    cluster.run(SCHEMA, database)
    daemon = start_for()
    set_up(daemon)

    with daemon.tenant("acme") as conn:
        plan = "\n".join(row[0] for row in conn.execute("EXPLAIN SELECT * FROM words"))

    assert "InitPlan" in plan
    assert "(tenant_id = $0)" in plan or "(InitPlan 1)" in plan


def test_it_may_be_repeated_and_changes_nothing_then(cluster, start_for, database):
    cluster.run(SCHEMA, database)
    daemon = start_for()
    first = set_up(daemon)
    catalogs = ("SELECT polname, polrelid::regclass::text, pg_get_expr(polqual, polrelid)"
                " FROM pg_policy ORDER BY 2, 1")
    before = cluster.run(catalogs, database)

    second = set_up(daemon)

    assert second == first
    assert cluster.run(catalogs, database) == before


def test_a_dry_run_says_all_and_changes_nothing(cluster, start_for, database):
    cluster.run(SCHEMA, database)
    daemon = start_for()

    rows = set_up(daemon, "DRY RUN")

    assert rows == set_up(daemon), "the real run does what the dry one said"
    texts = " ".join(row["text"] for row in rows)
    assert KEY not in texts and KEY.encode().hex() not in texts


def test_a_dry_run_leaves_no_schema(cluster, start_for, database):
    daemon = start_for()

    set_up(daemon, "DRY RUN")

    assert cluster.run("SELECT count(*) FROM pg_namespace WHERE nspname = 'fahrend'",
                       database) == [(0,)]


def test_only_the_named_tables_are_touched(cluster, start_for, database):
    cluster.run(SCHEMA, database)
    daemon = start_for()

    set_up(daemon, 'ON parts, public."odd "" name"')

    protected = cluster.run("SELECT relname FROM pg_class WHERE relforcerowsecurity ORDER BY 1",
                            database)
    assert protected == [('odd " name',), ("parts",), ("parts_1",), ("parts_2",)]


def test_a_table_that_is_not_there_ends_it_before_anything_is_changed(cluster, start_for, database):
    cluster.run(SCHEMA, database)
    daemon = start_for()

    with pytest.raises(ConsoleError, match='table "wrods" does not exist'):
        set_up(daemon, "ON words, wrods")

    assert cluster.run("SELECT count(*) FROM pg_class WHERE relrowsecurity",
                       database) == [(0,)]


def test_a_schema_of_somebody_else_is_not_trusted(cluster, start_for, database):
    cluster.run("CREATE SCHEMA fahrend AUTHORIZATION app", database)
    daemon = start_for()

    with pytest.raises(ConsoleError, match="belongs to another role") as refusal:
        set_up(daemon)
    assert refusal.value.fields["C"] == "42501"


def test_nobody_reads_the_keys(cluster, start_for, database):
    cluster.run("ALTER DEFAULT PRIVILEGES GRANT ALL ON TABLES TO app;"
                "CREATE ROLE reads_all LOGIN IN ROLE pg_read_all_data", database)
    try:
        daemon = start_for()
        set_up(daemon)

        with cluster.connect(database, "app") as conn:
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                conn.execute("SELECT * FROM fahrend.seal_key")
        with cluster.connect(database, "reads_all") as conn:
            assert conn.execute("SELECT * FROM fahrend.seal_key").fetchall() == []
    finally:
        cluster.run("DROP ROLE reads_all")


def test_keys_are_not_shown_by_debug_print_plan(cluster, start_for, database):
    """Any role may have plans printed to it: so the keys must not be constants of one."""
    cluster.run(SCHEMA, database)
    daemon = start_for()
    set_up(daemon)
    ((outer,),) = cluster.run("SELECT encode(outer_pad, 'hex') FROM fahrend.seal_key", database)
    notices = []

    with daemon.tenant("acme") as conn:
        conn.add_notice_handler(lambda note: notices.append(note.message_detail or ""))
        conn.execute("BEGIN")
        conn.execute("SET debug_print_plan = on; SET debug_print_rewritten = on;"
                     " SET debug_print_parse = on; SET client_min_messages = 'debug5';"
                     " DISCARD PLANS")
        conn.execute("SELECT * FROM words")
        conn.execute("ROLLBACK")

    shown = "".join(notices)
    assert "PLANNEDSTMT" in shown, "the test saw plans"
    head = [int(outer[i:i + 2], 16) for i in range(0, 16, 2)]
    assert " ".join(str(b if b < 128 else b - 256) for b in head) not in shown


TRAPS = {
    "unique key": ("CREATE TABLE t (tenant_id text, email text UNIQUE)",
                   ("public.t_email_key", "does not begin with tenant_id: an insert tells whether another"
                    " tenant has the same key")),
    "view": ("CREATE TABLE t (tenant_id text); CREATE VIEW v AS SELECT * FROM t",
             ("public.v", "reads with the rights of its owner: ALTER VIEW public.v SET (security_invoker)")),
    "materialized view": ("CREATE TABLE t (tenant_id text);"
                          " CREATE MATERIALIZED VIEW v AS SELECT * FROM t",
                          ("public.v", "is a materialized view: it has the rows of all tenants")),
    "truncate": ("CREATE TABLE t (tenant_id text); GRANT ALL ON t TO app",
                 ("public.t", "TRUNCATE is not subject to row security:"
                  " REVOKE TRUNCATE ON public.t FROM app")),
    "owner": ("CREATE TABLE t (tenant_id text); ALTER TABLE t OWNER TO app",
              ("public.t", "may be altered by role app, which has the rights of its owner app")),
    "default": ("CREATE TABLE t (tenant_id text DEFAULT 'acme')",
                ("public.t", "the default of the tenant column is kept: 'acme'::text")),
    "type": ("CREATE TABLE t (tenant_id date)",
             ("public.t", "its tenant column is neither text, uuid nor an integer: every tenant"
              " sees all of it")),
    "other policy": ("CREATE TABLE t (tenant_id text); CREATE POLICY all_of_it ON t USING (true)",
                     ("public.t", "has the permissive policy all_of_it too: fahrend_guard keeps it within"
                      " the tenant")),
    "definer function": ("CREATE TABLE t (tenant_id text); CREATE FUNCTION f() RETURNS int"
                         " LANGUAGE sql SECURITY DEFINER AS 'SELECT 1'",
                         ("public.f()", "runs with the rights of a role that no policy holds for")),
    "immutable function": ("CREATE TABLE t (tenant_id text); CREATE FUNCTION whose() RETURNS text"
                           " IMMUTABLE RETURN current_setting('app.tenant', true)",
                           ("public.whose()", "is declared IMMUTABLE, but reads a setting: what it"
                            " tells may be the last tenant's: ALTER FUNCTION public.whose()"
                            " STABLE")),
    "temp": ("SELECT", ("database {}", "TEMPORARY is granted to PUBLIC:"
                        " REVOKE TEMPORARY ON DATABASE {} FROM PUBLIC")),
    "connect": ("SELECT", ("database {}", "CONNECT is granted to PUBLIC, every role may log in:"
                           " GRANT it to those that should, then REVOKE CONNECT ON DATABASE {} FROM"
                           " PUBLIC")),
    "create": ("GRANT CREATE ON SCHEMA public TO PUBLIC",
               ("schema public", "CREATE is granted to PUBLIC:"
                " REVOKE CREATE ON SCHEMA public FROM PUBLIC")),
    "terminate": ("SELECT", ("role app", "is shared: a tenant may call pg_terminate_backend on"
                             " another's connection: REVOKE EXECUTE ON FUNCTION pg_catalog."
                             "pg_terminate_backend(integer,bigint) FROM PUBLIC")),
}


@pytest.mark.parametrize("trap", TRAPS)
def test_each_trap_is_told(cluster, start_for, database, trap):
    sql, (name, text) = TRAPS[trap]
    cluster.run(sql, database)
    daemon = start_for()

    assert (name.format(database), text.format(database, database)) in warnings(set_up(daemon))


def test_a_role_that_bypasses_row_security_is_told(cluster, start_for, database):
    daemon = start_for()
    cluster.run("ALTER ROLE app BYPASSRLS")
    try:
        assert ("role app", "bypasses row security: ALTER ROLE app NOBYPASSRLS") in warnings(
            set_up(daemon))
    finally:
        cluster.run("ALTER ROLE app NOBYPASSRLS")


def test_another_permissive_policy_lets_nothing_more_through(cluster, start_for, database):
    cluster.run(SCHEMA + "CREATE POLICY all_of_it ON words USING (true)", database)
    daemon = start_for()
    set_up(daemon)
    write(daemon, "acme", "words")

    assert bodies(daemon, "bravo", "words") == []


def test_what_tenants_see_of_each_other_may_be_revoked(cluster, start_for, database):
    """All that the warnings about a shared role advise: sealed tenants still get in."""
    cluster.run(SCHEMA, database)
    daemon = start_for()
    advice = [text[text.index("REVOKE"):] for name, text in warnings(set_up(daemon))
              if name == "role app" and "is shared" in text]
    cluster.run("; ".join(advice), database)
    daemon.console("RECONNECT")

    assert len(advice) >= 3
    write(daemon, "acme", "words")
    assert bodies(daemon, "acme", "words") == ["of acme"]
    with daemon.tenant("bravo") as conn:
        for sql in ("SELECT query FROM pg_stat_activity", "SELECT pg_terminate_backend(1)"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                conn.execute(sql)


def test_keys_are_changed_without_a_moment_without_rows(cluster, start_for, database):
    """By three reloads: the next key is a spare one, then it signs, then the last one is dropped."""
    cluster.run(SCHEMA, database)
    daemon = start_for()
    set_up(daemon)
    write(daemon, "acme", "words")
    with open(daemon.file, encoding="utf-8") as file:
        config = json.load(file)
    steps = [{"key": KEY, "spare_key": SPARE}, {"key": SPARE, "spare_key": KEY}, {"key": SPARE}]

    with daemon.tenant("acme") as conn:
        for keys in steps:
            config["tenants"]["defaults"]["rls"] = {"seal": True, **keys}
            daemon.write(config)
            daemon.console("RELOAD")
            assert conn.execute("SELECT body FROM words").fetchall() == [("of acme",)]
            set_up(daemon)
            assert conn.execute("SELECT body FROM words").fetchall() == [("of acme",)]


@pytest.mark.parametrize("sql", ["SET app.tenant = 'bravo'; SELECT * FROM words",
                                 "SET app.tenant_seal = ''; SELECT * FROM words",
                                 "SET app.tenant_seal = 'forged'; SELECT * FROM words",
                                 "RESET app.tenant_seal; SELECT * FROM words"])
def test_a_seal_that_does_not_hold_is_counted_and_logged(cluster, start_for, database, sql):
    cluster.run(SCHEMA, database)
    daemon = start_for()
    set_up(daemon)
    write(daemon, "acme", "words")

    with daemon.tenant("acme") as conn:
        conn.execute(sql)

    counts = {row["name"]: row["tampers"] for row in daemon.console("SHOW TENANTS")}
    assert counts["acme"] == "1"
    wait_until(lambda: re.search("tampers with its session id=[0-9]+ tenant=acme", daemon.log), "the log tells")


def test_an_honest_tenant_is_not_suspected(cluster, start_for, database):
    cluster.run(SCHEMA, database)
    daemon = start_for()
    set_up(daemon)
    write(daemon, "acme", "words")

    with daemon.tenant("acme") as conn:
        conn.execute("DO $$ BEGIN RAISE WARNING 'of its own'; END $$; SET TimeZone = 'UTC'")
        conn.execute("SELECT * FROM words")

    (row,) = [row for row in daemon.console("SHOW TENANTS") if row["name"] == "acme"]
    assert row["tampers"] == "0"


def test_a_key_that_was_dropped_opens_nothing(cluster, start_for, database):
    cluster.run(SCHEMA, database)
    daemon = start_for()
    set_up(daemon)
    write(daemon, "acme", "words")
    cluster.run("DELETE FROM fahrend.seal_key", database)

    assert bodies(daemon, "acme", "words") == []


def test_a_short_key_is_refused(start_for):
    with pytest.raises(AssertionError, match="rls.key: has 5 bytes"):
        start_for(key="short")


def test_a_sealed_tenant_without_setup_gets_an_error_and_no_rows(cluster, start_for, database):
    cluster.run(SCHEMA, database)
    daemon = start_for()
    set_up(daemon)
    cluster.run("DROP FUNCTION fahrend.current_tenant CASCADE", database)

    assert bodies(daemon, "acme", "words") == []
