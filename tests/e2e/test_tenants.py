# SPDX-License-Identifier: MIT
"""CREATE TENANT: made on a real server, used through the proxy, with a password of its own."""

import os
import stat

import psycopg
import pytest

from cluster import Cluster
from proxy import ConsoleError, Proxy, base_config, merge

HBA = """\
local all all trust
host all postgres,app 127.0.0.1/32 trust
host all all 127.0.0.1/32 scram-sha-256
"""


@pytest.fixture(scope="module")
def server():
    """A PostgreSQL that asks every tenant's role for its password."""
    with Cluster() as cluster:
        with open(os.path.join(cluster.directory, "data", "pg_hba.conf"), "w",
                  encoding="ascii") as file:
            file.write(HBA)
        cluster.run("SELECT pg_reload_conf()")
        cluster.run("CREATE ROLE app LOGIN")
        cluster.run("CREATE DATABASE app OWNER app")
        yield cluster


@pytest.fixture
def begin(server, tmp_path):
    """begin(**changes): a proxy with a registry and a store for passwords."""
    proxies = []

    def start(**changes):
        config = base_config(server.port, tenancy={"registry": {"server": "main", "database": "app"}})
        config["servers"]["main"]["admin"] = {"user": "postgres"}
        config["secrets"] = {"store": "kept", "providers": {
            "kept": {"type": "files", "directory": str(tmp_path)}}}
        config["tenants"]["defaults"]["login"] = "tenant"
        daemon = Proxy(merge(config, changes))
        daemon.start()
        proxies.append(daemon)
        return daemon
    yield start
    for daemon in proxies:
        daemon.stop()


def ask(daemon, tenant, sql):
    with daemon.tenant(tenant) as conn:
        cursor = conn.execute(sql)
        return cursor.fetchall() if cursor.description else None


@pytest.mark.parametrize("strategy", ["schema", "database"])
def test_a_tenant_is_made_and_used(begin, server, tmp_path, strategy):
    daemon = begin()
    name = f"made_{strategy}"

    daemon.console(f"CREATE TENANT {name} WITH (strategy = {strategy})")
    ask(daemon, name, "CREATE TABLE words (body text)")
    ask(daemon, name, "INSERT INTO words VALUES ('mine')")

    assert ask(daemon, name, "SELECT body, current_user FROM words") == [("mine", f"tenant_{name}")]
    kept = tmp_path / f"tenant_{name}"
    assert stat.S_IMODE(os.stat(kept).st_mode) == 0o600
    verifier = server.run("SELECT rolpassword FROM pg_authid WHERE rolname = %s",
                          params=[f"tenant_{name}"])[0][0]
    assert verifier.startswith("SCRAM-SHA-256$")
    assert kept.read_text().strip() not in server.log + daemon.log


def objects_of(server, name):
    """What a server has of a tenant: roles, databases, schemas, rows of the registry."""
    pattern = f"%{name}%"
    return [row[0] for sql, dbname in (
        ("SELECT rolname FROM pg_roles WHERE rolname LIKE %s", "postgres"),
        ("SELECT datname FROM pg_database WHERE datname LIKE %s", "postgres"),
        ("SELECT nspname FROM pg_namespace WHERE nspname LIKE %s", "app"),
        ("SELECT name FROM fahrend.tenants WHERE name LIKE %s", "app"),
    ) for row in server.run(sql, dbname, [pattern])]


@pytest.mark.parametrize("strategy", ["schema", "database"])
def test_a_tenant_with_data_goes_only_by_cascade(begin, server, tmp_path, strategy):
    daemon = begin()
    name = f"gone_{strategy}"
    daemon.console(f"CREATE TENANT {name} WITH (strategy = {strategy})")
    ask(daemon, name, "CREATE TABLE words (body text)")
    ask(daemon, name, "INSERT INTO words VALUES ('mine')")

    with daemon.tenant(name) as idle:
        with pytest.raises(ConsoleError, match=r"has data: table \w+\.words is not empty"):
            daemon.console(f"DROP TENANT {name}")
        assert idle.execute("SELECT body FROM words").fetchall() == [("mine",)]
        daemon.console(f"DROP TENANT {name} CASCADE")
        with pytest.raises(psycopg.OperationalError, match="is being removed|does not exist"):
            idle.execute("SELECT 1")

    assert objects_of(server, name) == []
    assert not (tmp_path / f"tenant_{name}").exists()
    with pytest.raises(psycopg.OperationalError, match="does not exist"):
        daemon.tenant(name)
    daemon.console(f"CREATE TENANT {name} WITH (strategy = {strategy})")
    ask(daemon, name, "CREATE TABLE words (body text)")
    daemon.console(f"DROP TENANT {name}")
    assert objects_of(server, name) == []


def test_rows_of_a_tenant_among_others_go_by_cascade(begin, server):
    server.run("CREATE TABLE parents (tenant_id text, id int, PRIMARY KEY (tenant_id, id));"
               "CREATE TABLE children (tenant_id text, id int,"
               " FOREIGN KEY (tenant_id, id) REFERENCES parents);"
               "INSERT INTO parents VALUES ('rowy', 1), ('other', 1);"
               "INSERT INTO children VALUES ('rowy', 1), ('other', 1);"
               "GRANT ALL ON parents, children TO app", "app")
    daemon = begin(tenants={"defaults": {"login": "client"}})
    daemon.console("CREATE TENANT rowy WITH (strategy = rls)")

    with pytest.raises(ConsoleError, match="has data: table public.children is not empty"):
        daemon.console("DROP TENANT rowy")
    daemon.console("DROP TENANT rowy CASCADE")

    assert server.run("SELECT tenant_id FROM parents", "app") == [("other",)]
    assert server.run("SELECT tenant_id FROM children", "app") == [("other",)]
    server.run("DROP TABLE children, parents", "app")


def test_a_schema_with_more_tables_than_locks_is_dropped(begin, server):
    daemon = begin()
    daemon.console("CREATE TENANT many WITH (strategy = schema)")
    server.run("DO $$ BEGIN FOR i IN 1..220 LOOP"
               " EXECUTE format('CREATE TABLE tenant_many.t%s (id int PRIMARY KEY)', i);"
               " END LOOP; END $$", "app")

    rows = daemon.console("DROP TENANT many CASCADE")

    assert {"kind": "note", "object": "tenant_many",
            "text": "its tables were dropped in parts"} in rows
    assert objects_of(server, "many") == []


def test_a_dry_run_tells_and_changes_nothing(begin, server):
    daemon = begin()
    made = daemon.console("CREATE TENANT dry WITH (strategy = database) DRY RUN")
    assert [row["text"].split(" ")[:2] for row in made if row["kind"] == "sql"][:3] == [
        ["CREATE", "ROLE"], ["COMMENT", "ON"], ["CREATE", "DATABASE"]]
    assert objects_of(server, "dry") == []

    daemon.console("CREATE TENANT dry WITH (strategy = schema)")
    before = objects_of(server, "dry")
    dropped = daemon.console("DROP TENANT dry DRY RUN")

    assert 'DROP SCHEMA "tenant_dry" CASCADE' in [row["text"] for row in dropped]
    assert objects_of(server, "dry") == before
    daemon.console("DROP TENANT dry")


def test_a_template_is_run_in_the_new_schema(begin, server, tmp_path):
    template = tmp_path / "schema.sql"
    template.write_text("CREATE TABLE words (body text); CREATE TABLE more (id int);\n")
    daemon = begin(tenants={"defaults": {"schema": {"template": str(template)},
                                         "owner": "owner_{tenant}"}})

    daemon.console("CREATE TENANT templated WITH (strategy = schema)")
    ask(daemon, "templated", "INSERT INTO words VALUES ('mine')")

    assert server.run("SELECT tablename, tableowner FROM pg_tables WHERE schemaname ="
                      " 'tenant_templated' ORDER BY 1", "app") == [
        ("more", "owner_templated"), ("words", "owner_templated")]
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        ask(daemon, "templated", "CREATE TABLE others (id int)")
    daemon.console("DROP TENANT templated CASCADE")
    assert objects_of(server, "templated") == []


def test_a_template_that_fails_leaves_nothing(begin, server, tmp_path):
    template = tmp_path / "schema.sql"
    template.write_text("CREATE TABLE words (body text); SELECT nonsense;\n")
    daemon = begin(tenants={"defaults": {"schema": {"template": str(template)}}})

    with pytest.raises(ConsoleError, match="nonsense"):
        daemon.console("CREATE TENANT broken WITH (strategy = schema)")

    assert objects_of(server, "broken") == []
    template.write_text("CREATE TABLE words (body text);\n")
    daemon.console("CREATE TENANT broken WITH (strategy = schema)")
    assert ask(daemon, "broken", "SELECT count(*) FROM words") == [(0,)]
    daemon.console("DROP TENANT broken")


def test_what_is_there_and_not_the_tenants_is_not_touched(begin, server):
    server.run('CREATE SCHEMA tenant_foreign; CREATE TABLE tenant_foreign.t (id int)', "app")
    daemon = begin()

    with pytest.raises(ConsoleError, match='"tenant_foreign" is there and was not made for'):
        daemon.console("CREATE TENANT foreign WITH (strategy = schema)")
    with pytest.raises(ConsoleError, match="does not exist"):
        daemon.console("DROP TENANT foreign CASCADE")

    assert objects_of(server, "foreign") == ["tenant_foreign"]
    server.run("DROP SCHEMA tenant_foreign CASCADE", "app")
