# SPDX-License-Identifier: MIT
"""SQL in the names and options of tenants is a name or a value, or it is refused: never SQL."""

import psycopg
import pytest

from proxy import ConsoleError
from tenants import begin, objects_of, server  # noqa: F401 - fixtures
from wirepeer import errors_of, message

CANARY = "CREATE TABLE canary (id int)"
NAMES = [
    'a"b', "a'b", 'a""; DROP SCHEMA public CASCADE; --', "a;b", "a b", "..", ".", "-x", "../x", "a/b", "",
    "é", "\u202e", "a\\b", "a$b", "x" * 64, "defaults", "%s", "{tenant}", "a\nb", "a\tb",
]
VALUES = [
    'x"; ' + CANARY + "; --", "x'; " + CANARY + "; --", "x\\'; " + CANARY + "; --", "$fahrend$; " + CANARY,
    "é\u202e", "x" * 63, "..", "../../etc/passwd", "a b;c", "%s%n", "E'\\x27'",
]


def quoted(text):
    return '"' + text.replace('"', '""') + '"'


def literal(text):
    return "'" + text.replace("'", "''") + "'"


def test_names_that_are_no_tenants_are_refused_before_any_sql(begin, server):
    daemon = begin()
    for name in NAMES:
        for command in ("CREATE TENANT {} WITH (strategy = schema)", "DROP TENANT {} CASCADE",
                        "ALTER TENANT {} SET (pool.size = 3)", "SUSPEND TENANT {}",
                        "CREATE TENANT {} DRY RUN"):
            with pytest.raises(ConsoleError):
                daemon.console(command.format(quoted(name)))
    daemon.assert_alive()
    assert server.run("SELECT count(*) FROM fahrend.tenants", "app") == [(0,)]


def test_a_nul_ends_the_connection_and_runs_nothing(begin, server):
    daemon = begin()
    with daemon.wire() as client:
        client.login(user="admin", database="fahrend", password="admin-secret")
        client.send(message("Q", b"CREATE TENANT nul\0 WITH (strategy = schema)\0"))
        assert errors_of(client.read_all())[0]["C"] == "08P01"
    daemon.assert_alive()
    assert objects_of(server, "nul") == []


@pytest.mark.parametrize("key", ["role", "owner", "schema.name", "dedicated.name",
                                 "dedicated.template", "database", "settings.work_mem",
                                 "schema.search_path", "rls.column", "server", "pool.size",
                                 "login", "schema.template"])
def test_values_of_options_stay_values(begin, server, key):
    daemon = begin()
    values = VALUES[:3] if key.startswith("dedicated") else VALUES  # databases take their time
    for number, value in enumerate(values):
        name = f"inject{number}"
        strategy = "database" if key.startswith("dedicated") else "schema"
        try:
            daemon.console(f"CREATE TENANT {name} WITH (strategy = {strategy}, "
                           f"{quoted(key)} = {literal(value)})")
        except ConsoleError:
            pass
        try:
            daemon.console(f"DROP TENANT {name} CASCADE")
        except ConsoleError:
            pass

    for database in ("app", "postgres"):
        assert server.run("SELECT count(*) FROM pg_class WHERE relname = 'canary'", database) == [(0,)]
    assert server.run("SELECT name FROM fahrend.tenants WHERE name LIKE 'inject%%' AND state NOT IN"
                      " ('creating')", "app") == []
    assert server.run("SELECT count(*) FROM pg_namespace WHERE nspname = 'public'", "app") == [(1,)]
    daemon.assert_alive()


@pytest.mark.parametrize("name", ["pg_catalog", "public", "information_schema", "fahrend", "postgres"])
def test_a_tenant_never_becomes_what_is_there(begin, server, name):
    daemon = begin(tenants={"defaults": {"role": "{tenant}", "schema": {"name": "{tenant}"},
                                         "dedicated": {"name": "{tenant}"}}})
    for strategy in ("schema", "database"):
        try:
            daemon.console(f"CREATE TENANT {name} WITH (strategy = {strategy})")
            daemon.console(f"DROP TENANT {name} CASCADE")
        except ConsoleError:
            pass

    with pytest.raises(ConsoleError):
        daemon.console(f"DROP TENANT {name} CASCADE")
    assert server.run("SELECT count(*) FROM pg_namespace WHERE nspname IN ('pg_catalog', 'public',"
                      " 'information_schema', 'fahrend')", "app") == [(4,)]
    assert server.run("SELECT rolsuper FROM pg_roles WHERE rolname = 'postgres'") == [(True,)]


def test_a_tenants_role_reaches_no_other_tenant(begin, server, tmp_path):
    daemon = begin()
    for name, strategy in (("apart1", "schema"), ("apart2", "schema"), ("apart3", "database")):
        daemon.console(f"CREATE TENANT {name} WITH (strategy = {strategy})")
    password = (tmp_path / "tenant_apart1").read_text().strip()
    with daemon.tenant("apart2") as conn:
        conn.execute("CREATE TABLE words (body text)")

    with server.connect("app", "tenant_apart1", password=password) as conn:
        for sql in ("SELECT * FROM tenant_apart2.words", "CREATE TABLE tenant_apart2.t (id int)",
                    "SET ROLE tenant_apart2", "SELECT * FROM fahrend.tenants",
                    "DROP SCHEMA tenant_apart2 CASCADE", "CREATE ROLE more", "CREATE DATABASE more"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                conn.execute(sql)
    with pytest.raises(psycopg.OperationalError, match="permission denied for database"):
        server.connect("tenant_apart3", "tenant_apart1", password=password)
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        server.connect("app", "tenant_apart1", password="guess")
    for name in ("apart1", "apart2", "apart3"):
        daemon.console(f"DROP TENANT {name} CASCADE")
