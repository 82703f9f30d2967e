# SPDX-License-Identifier: MIT
"""schema.clone: a tenant's schema gets what a model schema has; what it cannot get is refused."""

import os

import psycopg
import pytest

from proxy import ROOT, ConsoleError
from tenants import ask, asking_server, begin, objects_of  # noqa: F401 - fixtures

SERVERS = os.path.join(ROOT, "tests", "isolation", "servers", "node_modules")

MODEL = """
CREATE SCHEMA model;
SET search_path = model;
CREATE TYPE mood AS ENUM ('glad', 'it''s "fine"');
CREATE DOMAIN price AS numeric(10, 2) DEFAULT 1.5 CONSTRAINT positive CHECK (VALUE > 0);
CREATE TYPE pair AS (a int, b text COLLATE "C");
CREATE FUNCTION twice(n int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT 2 * n';
CREATE SEQUENCE tickets INCREMENT BY 5 START WITH 100;
CREATE TABLE people (
    id int GENERATED ALWAYS AS IDENTITY (START WITH 7) PRIMARY KEY,
    "Odd ""name" text COLLATE "C" NOT NULL DEFAULT 'it''s',
    ticket bigint DEFAULT nextval('tickets'),
    feeling mood DEFAULT 'glad',
    double int GENERATED ALWAYS AS (twice(3)) STORED,
    CONSTRAINT short CHECK (length("Odd ""name") < 20)
) WITH (fillfactor = 70);
CREATE TABLE orders (
    id serial PRIMARY KEY,
    person int REFERENCES people ON DELETE CASCADE,
    cost price,
    halves pair,
    days daterange,
    EXCLUDE USING gist (days WITH &&)
);
CREATE UNIQUE INDEX by_feeling ON people (feeling, lower("Odd ""name")) WHERE double > 0;
CREATE UNLOGGED TABLE scratch (at timestamptz DEFAULT now());
CREATE VIEW rich AS SELECT p.id, sum(o.cost) AS total FROM people p JOIN orders o ON o.person = p.id
    GROUP BY p.id;
CREATE TABLE later (n int);
CREATE OR REPLACE VIEW rich AS SELECT p.id, sum(o.cost) AS total FROM people p
    JOIN orders o ON o.person = p.id WHERE NOT EXISTS (SELECT FROM later) GROUP BY p.id;
CREATE MATERIALIZED VIEW counted AS SELECT count(*) AS n FROM people;
CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN NEW.ticket := NEW.ticket + 1; RETURN NEW; END $$;
CREATE PROCEDURE tidy(keep int DEFAULT 3) LANGUAGE plpgsql AS $$
    BEGIN DELETE FROM people WHERE id > keep; END $$;
CREATE TRIGGER noting BEFORE INSERT ON people FOR EACH ROW WHEN (NEW.feeling IS NOT NULL)
    EXECUTE FUNCTION note();
CREATE TRIGGER sleeping BEFORE DELETE ON people FOR EACH ROW EXECUTE FUNCTION note();
ALTER TABLE people DISABLE TRIGGER sleeping;
COMMENT ON TABLE people IS 'who it''s about';
COMMENT ON COLUMN people.feeling IS 'today';
COMMENT ON FUNCTION twice(int) IS 'and once more';
COMMENT ON CONSTRAINT short ON people IS 'so short';
INSERT INTO people ("Odd ""name") VALUES ('of the model');
"""


@pytest.fixture(scope="module", params=["debian", "18"])
def server(request):
    bindir = None
    if request.param != "debian":
        bindir = os.path.join(SERVERS, f"postgres-{request.param}", "native", "bin")
        if not os.path.exists(bindir):
            pytest.skip(f"PostgreSQL {request.param} is not installed: npm ci in isolation/servers")
    with asking_server(bindir) as cluster:
        cluster.run(MODEL, "app")
        yield cluster


@pytest.fixture
def daemon(begin):
    return begin(tenants={"defaults": {"schema": {"clone": "model"}}})


DESCRIBED = {
    "columns": "SELECT table_name, column_name, data_type, udt_name, column_default, is_nullable,"
               " collation_name, is_identity, identity_start, generation_expression, is_updatable"
               " FROM information_schema.columns WHERE table_schema = %s ORDER BY 1, 2",
    "constraints": "SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid)"
                   " FROM pg_constraint WHERE connamespace = %s::regnamespace ORDER BY 1, 2",
    "relations": "SELECT relname, relkind, relpersistence, reloptions, obj_description(oid, 'pg_class')"
                 " FROM pg_class WHERE relnamespace = %s::regnamespace ORDER BY 1",
    "indexes": "SELECT indexrelid::regclass::text, pg_get_indexdef(indexrelid, 0, true) FROM pg_index"
               " JOIN pg_class c ON c.oid = indexrelid WHERE relnamespace = %s::regnamespace"
               " ORDER BY 1",
    "views": "SELECT relname, pg_get_viewdef(oid) FROM pg_class"
             " WHERE relnamespace = %s::regnamespace AND relkind IN ('v', 'm') ORDER BY 1",
    "functions": "SELECT proname, prokind, prosrc, pg_get_function_arguments(oid), provolatile,"
                 " obj_description(oid, 'pg_proc') FROM pg_proc"
                 " WHERE pronamespace = %s::regnamespace ORDER BY 1",
    "triggers": "SELECT tgname, tgenabled, pg_get_triggerdef(t.oid, true) FROM pg_trigger t"
                " JOIN pg_class c ON c.oid = tgrelid WHERE relnamespace = %s::regnamespace"
                " AND NOT tgisinternal ORDER BY 1",
    "types": "SELECT typname, typtype, typdefault, format_type(typbasetype, typtypmod) FROM pg_type"
             " WHERE typnamespace = %s::regnamespace ORDER BY 1",
    "sequences": "SELECT relname, seqstart, seqincrement, seqtypid::regtype, refobjid::regclass::text,"
                 " refobjsubid, deptype FROM pg_sequence JOIN pg_class c ON c.oid = seqrelid"
                 " LEFT JOIN pg_depend d ON d.objid = c.oid AND d.classid = 'pg_class'::regclass"
                 " AND deptype IN ('a', 'i') WHERE relnamespace = %s::regnamespace ORDER BY 1",
}


def described(server, schema):
    """All that is in a schema, as it is seen from inside."""
    with server.connect("app") as conn:
        conn.execute(f'SET search_path = "{schema}"')
        return {what: conn.execute(sql, [schema]).fetchall() for what, sql in DESCRIBED.items()}


def test_the_tenants_schema_is_as_the_model(daemon, server):
    daemon.console("CREATE TENANT twin WITH (strategy = schema)")

    assert described(server, "tenant_twin") == described(server, "model")
    assert {row[0] for row in server.run(
        "SELECT DISTINCT relowner::regrole::text FROM pg_class WHERE relnamespace ="
        " 'tenant_twin'::regnamespace", "app")} == {"tenant_twin"}
    daemon.console("DROP TENANT twin CASCADE")


def test_the_clone_works_by_itself(daemon, server):
    daemon.console("CREATE TENANT alone WITH (strategy = schema)")
    server.run("ALTER SCHEMA model RENAME TO away", "app")
    try:
        ask(daemon, "alone", """INSERT INTO people ("Odd ""name") VALUES ('first')""")
        assert ask(daemon, "alone", "SELECT id, ticket, feeling, double FROM people") == [
            (7, 101, "glad", 6)]
        ask(daemon, "alone", "INSERT INTO orders (person, cost) VALUES (7, 3)")
        assert ask(daemon, "alone", "SELECT id, total FROM rich") == [(7, 3)]
        with pytest.raises(psycopg.errors.CheckViolation):
            ask(daemon, "alone", "INSERT INTO orders (cost) VALUES (-1)")
        ask(daemon, "alone", "REFRESH MATERIALIZED VIEW counted")
        assert ask(daemon, "alone", "SELECT n FROM counted") == [(1,)]
        ask(daemon, "alone", "CALL tidy()")
        assert ask(daemon, "alone", "SELECT count(*) FROM orders") == [(0,)]
    finally:
        server.run("ALTER SCHEMA away RENAME TO model", "app")
    daemon.console("DROP TENANT alone CASCADE")
    assert objects_of(server, "alone") == []


def test_a_dry_run_shows_the_statements(daemon, server):
    rows = daemon.console("CREATE TENANT dry WITH (strategy = schema) DRY RUN")

    said = [row["text"] for row in rows if row["kind"] == "sql"]
    assert any(text.startswith("CREATE TABLE people (") for text in said)
    assert objects_of(server, "dry") == []


@pytest.mark.parametrize("ddl, undo, told", [
    ("CREATE TABLE parted (n int) PARTITION BY LIST (n)", "DROP TABLE parted",
     "table .*parted .*it is partitioned"),
    ("ALTER TABLE later ENABLE ROW LEVEL SECURITY", "ALTER TABLE later DISABLE ROW LEVEL SECURITY",
     "table .*later .*it has row security"),
    ("CREATE FUNCTION bound() RETURNS int LANGUAGE sql AS 'SELECT count(*)::int FROM model.people'",
     "DROP FUNCTION bound", r"function .*bound\(\) .*names the schema"),
    ("CREATE FUNCTION fixed() RETURNS int LANGUAGE sql SET search_path = model AS 'SELECT 1'",
     "DROP FUNCTION fixed", r"function .*fixed\(\) .*search_path names"),
    ("CREATE AGGREGATE most(int) (sfunc = int4larger, stype = int)", "DROP AGGREGATE most(int)",
     "it is an aggregate"),
    ("CREATE TABLE pg_class (n int); CREATE VIEW hidden AS SELECT n FROM model.pg_class;"
     " GRANT USAGE ON SCHEMA model TO PUBLIC",
     "DROP VIEW hidden; DROP TABLE model.pg_class; REVOKE USAGE ON SCHEMA model FROM PUBLIC",
     r"view .*hidden would depend on .*table model.pg_class"),
    ("CREATE RULE quiet AS ON DELETE TO later DO INSTEAD NOTHING", "DROP RULE quiet ON later",
     "rule quiet .*it is a rule"),
], ids=["partitioned", "policies", "body", "path", "aggregate", "shadow", "rule"])
def test_what_cannot_be_cloned_is_refused_by_name(daemon, server, ddl, undo, told):
    server.run(f"SET search_path = model; {ddl}", "app")
    try:
        with pytest.raises(ConsoleError, match=told):
            daemon.console("CREATE TENANT refused WITH (strategy = schema)")
        assert objects_of(server, "refused") == []
    finally:
        server.run(f"SET search_path = model; {undo}", "app")


def test_a_model_that_is_not_there_is_named(begin, server):
    daemon = begin()
    with pytest.raises(ConsoleError, match='there is no schema "nowhere"'):
        daemon.console("CREATE TENANT lost WITH (strategy = schema, schema.clone = nowhere)")
    assert objects_of(server, "lost") == []
