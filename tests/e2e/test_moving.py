# SPDX-License-Identifier: MIT
"""A tenant moves to another server while its clients work: they see a pause, and no error."""

import os
import subprocess
import threading

import psycopg
import pytest

from deadline import wait_until
from proxy import ConsoleError
from tenants import ask, asking_server, begin, server  # noqa: F401 - fixtures
from wirepeer import query, rows_of

CLIENTS = 12


@pytest.fixture(scope="module")
def other():
    with asking_server() as cluster:
        cluster.run("ALTER SYSTEM SET timezone = 'Asia/Tokyo'")
        cluster.run("SELECT pg_reload_conf()")
        yield cluster


def two_servers(other, workers):
    return {"workers": workers,
            "servers": {"second": {"host": "127.0.0.1", "port": other.port,
                                   "admin": {"user": "postgres"}}}}


def copy(source, target, name, strategy):
    """Roles with their verifiers and comments, then what the tenant has."""
    def dump(program, *options):
        return subprocess.run([os.path.join(source.bindir, program), "-h", source.host, "-p",
                               str(source.port), "-U", "postgres", *options],
                              capture_output=True, check=True, text=True).stdout

    def load(sql, dbname):
        subprocess.run([os.path.join(target.bindir, "psql"), "-q", "-h", target.host, "-p",
                        str(target.port), "-U", "postgres", "-d", dbname], input=sql, check=True,
                       text=True, capture_output=True)
    roles = dump("pg_dumpall", "--roles-only")
    load("".join(line + "\n" for line in roles.splitlines() if f"tenant_{name}" in line), "postgres")
    if strategy == "database":
        load(dump("pg_dump", "--create", f"tenant_{name}"), "postgres")
    else:
        load(dump("pg_dump", "-n", f"tenant_{name}", "app"), "app")


class Worker(threading.Thread):
    """A client that writes rows one by one, half of them in transactions of two statements."""

    def __init__(self, daemon, name, number):
        super().__init__(daemon=True)
        prepares = 0 if number % 2 else None
        self.conn = daemon.tenant(name, prepare_threshold=prepares, application_name=f"n{number}")
        self.number = number
        self.done = 0
        self.ports = []
        self.error = None
        self.over = threading.Event()

    def run(self):
        try:
            while not self.over.is_set():
                with self.conn.transaction():
                    self.conn.execute("INSERT INTO work VALUES (%s, %s)", [self.number, self.done])
                    port = self.conn.execute("SELECT inet_server_port()").fetchone()[0]
                self.done += 1
                if not self.ports or self.ports[-1] != port:
                    self.ports.append(port)
        except psycopg.Error as error:
            self.error = error

    def end(self):
        self.over.set()
        self.join(30)
        self.conn.close()


def move(daemon, source, target, name, strategy, to):
    daemon.console(f"PAUSE TENANT {name}")
    copy(source, target, name, strategy)
    daemon.console(f"ALTER TENANT {name} SET (server = {to})")
    daemon.console(f"RESUME TENANT {name}")


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("strategy", ["schema", "database"])
def test_clients_at_work_follow_to_the_other_server(begin, server, other, strategy, workers):
    daemon = begin(**two_servers(other, workers))
    name = f"mover_{strategy}_{workers}"
    daemon.console(f"CREATE TENANT {name} WITH (strategy = {strategy}, pool.size = 4)")
    ask(daemon, name, "CREATE TABLE work (client int, number int, PRIMARY KEY (client, number))")
    clients = [Worker(daemon, name, number) for number in range(CLIENTS)]
    idle = daemon.tenant(name)
    shown = idle.execute("SHOW timezone").fetchone()

    for client in clients:
        client.start()
    wait_until(lambda: all(c.done > 3 for c in clients), "everybody works")
    move(daemon, server, other, name, strategy, "second")
    before = [c.done for c in clients]
    wait_until(lambda: all(c.error or c.done > n + 3 for c, n in zip(clients, before)), "all go on")
    for client in clients:
        client.end()

    assert [c.error for c in clients] == [None] * CLIENTS
    assert all(c.ports == [server.port, other.port] for c in clients)
    assert ask(daemon, name, "SELECT client, count(*)::int FROM work GROUP BY 1 ORDER BY 1") == [
        (c.number, c.done) for c in clients]
    assert idle.execute("SELECT inet_server_port()").fetchone()[0] == other.port
    assert idle.execute("SHOW timezone").fetchone() == shown == ("UTC",)
    idle.close()
    daemon.console(f"DROP TENANT {name} CASCADE")
    dbname = f"tenant_{name}" if strategy == "database" else "app"
    schema = "public" if strategy == "database" else f"tenant_{name}"
    assert server.run(f"SELECT count(*) > 0 FROM {schema}.work", dbname) == [(True,)]


def test_a_tenant_moves_away_from_a_server_that_is_gone(begin, other):
    """Those that wait are asked for at the new place only, those that log in as well."""
    with asking_server() as lost:
        daemon = begin(servers={
            "lost": {"host": "127.0.0.1", "port": lost.port, "admin": {"user": "postgres"}},
            **two_servers(other, 2)["servers"]}, workers=2)
        daemon.console("CREATE TENANT fled WITH (strategy = schema, server = lost)")
        ask(daemon, "fled", "CREATE TABLE notes AS SELECT 'kept' AS body")
        clients = [daemon.wire_tenant("fled") for _ in range(6)]
        daemon.console("PAUSE TENANT fled")
        copy(lost, other, "fled", "schema")
        for client in clients:
            client.send(query("SELECT body FROM notes"))
        wait_until(lambda: [r for r in daemon.console("SHOW TENANTS")
                            if r["name"] == "fled"][0]["waiting"] == "6", "they wait")

    daemon.console("ALTER TENANT fled SET (server = second)")
    daemon.console("RESUME TENANT fled")

    assert [rows_of(client.read_until()) for client in clients] == [[["kept"]]] * 6
    for client in clients:
        client.close()
    daemon.console("DROP TENANT fled CASCADE")


# ---- from pool to pool, and worker to worker ----

DATABASES = ["north", "south", "east", "west", "centre", "edge"]


@pytest.fixture(scope="module")
def places(server):
    for name in DATABASES:
        server.run(f"CREATE DATABASE {name} OWNER app")


def set_tenant(daemon, name, options):
    daemon.console(f"ALTER TENANT {name} SET ({options})")


def test_what_a_client_has_goes_with_it_from_worker_to_worker(begin, places):
    daemon = begin(workers=2, tenants={"defaults": {"login": "client", "strategy": "rls"}})
    daemon.console("CREATE TENANT nomad")
    conn = daemon.tenant("nomad", prepare_threshold=0)
    conn.execute("SET TimeZone = 'Europe/Berlin'")
    where = "SELECT current_database(), current_setting('app.tenant'), current_setting('TimeZone')"
    conn.execute(where)
    seen = set()

    for database in DATABASES:
        set_tenant(daemon, "nomad", f"database = {database}")

        assert conn.execute(where).fetchone() == (database, "nomad", "Europe/Berlin")
        seen.update(int(s["id"]) % 128 for s in daemon.console("SHOW SERVERS")
                    if s["database"] == database)
        cancel_soon = threading.Timer(0.1, conn.cancel)
        cancel_soon.start()
        with pytest.raises(psycopg.errors.QueryCanceled):
            conn.execute("SELECT pg_sleep(30)")
        cancel_soon.join()

    assert seen == {0, 1}
    conn.close()
    daemon.console("DROP TENANT nomad CASCADE")


def test_settings_and_limits_reach_those_who_are_there(begin):
    daemon = begin()
    daemon.console("CREATE TENANT living WITH (strategy = schema)")
    conn = daemon.tenant("living")
    busy = daemon.tenant("living")

    with busy.transaction():
        assert busy.execute("SHOW work_mem").fetchone() == ("4MB",)
        set_tenant(daemon, "living", "settings.work_mem = '7MB', timeouts.query = 300ms")
        assert conn.execute("SHOW work_mem").fetchone() == ("7MB",)
        busy.execute("SELECT pg_sleep(0.5)")
    assert busy.execute("SHOW work_mem").fetchone() == ("7MB",)
    with pytest.raises(psycopg.OperationalError, match="query timeout"):
        conn.execute("SELECT pg_sleep(5)")
    set_tenant(daemon, "living", "settings.work_mem = DEFAULT, timeouts.query = DEFAULT")
    assert busy.execute("SHOW work_mem").fetchone() == ("4MB",)
    busy.close()
    daemon.console("DROP TENANT living")


def test_sessions_follow_settings_but_not_to_another_pool(begin, places):
    daemon = begin(tenants={"defaults": {"login": "client", "strategy": "rls",
                                         "pool": {"mode": "session"}}})
    daemon.console("CREATE TENANT settled")
    conn = daemon.tenant("settled")
    idle = daemon.tenant("settled")
    conn.execute("CREATE TEMP TABLE mine (id int)")

    set_tenant(daemon, "settled", "settings.work_mem = '7MB'")
    assert conn.execute("SHOW work_mem").fetchone() == ("7MB",)
    conn.execute("SELECT * FROM mine")
    set_tenant(daemon, "settled", f"database = {DATABASES[0]}")
    with pytest.raises(psycopg.OperationalError, match="its sessions cannot follow") as failed:
        conn.execute("SELECT * FROM mine")

    assert failed.value.sqlstate in ("57P01", None)
    assert idle.execute("SELECT current_database()").fetchone() == (DATABASES[0],)
    idle.close()
    daemon.console("DROP TENANT settled CASCADE")


def test_a_tenant_goes_nowhere_where_it_is_not(begin, server, other):
    """Its role, its database and its schema are looked for; nothing is changed where one is not."""
    daemon = begin(**two_servers(other, 1))
    daemon.console("CREATE TENANT early WITH (strategy = schema)")
    daemon.console("CREATE TENANT lonely WITH (strategy = database)")
    steps = (("early", 'role "tenant_early" is not there on server "second"',
              "CREATE ROLE tenant_early LOGIN", "postgres"),
             ("early", 'schema "tenant_early" is not there on server "second"',
              "CREATE SCHEMA tenant_early AUTHORIZATION tenant_early", "app"),
             ("lonely", 'role "tenant_lonely" is not there', "CREATE ROLE tenant_lonely LOGIN",
              "postgres"),
             ("lonely", 'database "tenant_lonely" is not there', "CREATE DATABASE tenant_lonely",
              "postgres"))
    for name, told, remedy, dbname in steps:
        with pytest.raises(ConsoleError, match=told):
            daemon.console(f"ALTER TENANT {name} SET (server = second)")
        assert ask(daemon, name, "SELECT inet_server_port()") == [(server.port,)]
        other.run(remedy, dbname)

    told = daemon.console("ALTER TENANT early SET (server = second) DRY RUN")
    assert [row["text"] for row in told] == [
        'its options would be {"server": "second", "strategy": "schema"}']
    assert ask(daemon, "early", "SELECT inet_server_port()") == [(server.port,)]
    for name in ("early", "lonely"):
        daemon.console(f"ALTER TENANT {name} SET (server = second)")
        daemon.console(f"ALTER TENANT {name} SET (server = main)")
        daemon.console(f"DROP TENANT {name}")
    other.run("DROP SCHEMA tenant_early; DROP ROLE tenant_early", "app")
    other.run("DROP DATABASE tenant_lonely")
    other.run("DROP ROLE tenant_lonely")
