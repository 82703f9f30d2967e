#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Many tenants, by hand: tests/bench/tenants.py [make|logins|passwords|registry|drop …], all without a word.

A release build of fahrend and fahrenctl in build/release, PostgreSQL from Debian in a temporary
directory, everything on loopback; about five minutes. Each part prints its figures, one a line:

  make      1,000 schema tenants by `fahrenctl create tenants -f`, and what it says of the rate
  logins    10,000 tenants with roles log in by `login: tenant` while their server may have 50
            connections, all connected at once; each asks who it is. The server trusts: what costs
            is a connection for each
  passwords the same, and the server asks each role for its password by SCRAM; that is in a file
  registry  100,000 rows: how long they take to load, how soon a change is in force on another
            proxy, and what a CREATE TENANT costs beside them
  drop      DROP TENANT … CASCADE of a schema with 10,000 tables
"""

import asyncio
import os
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "tests", "lib"))

from cluster import Cluster, drop_templates  # noqa: E402
from proxy import Proxy, base_config  # noqa: E402
from wirepeer import query, startup  # noqa: E402

TENANTS = 1_000
ROLES = 10_000
BUDGET = 50
ROWS = 100_000
TABLES = 10_000
AT_ONCE = 100  # logins under way


def figure(text):
    print(text, flush=True)


def proxy_of(cluster, secrets=None, **defaults):
    config = base_config(cluster.port, limits={"clients": 0, "login_timeout": "5m"},
                         tenancy={"registry": {"server": "main", "database": "app"}})
    config["servers"]["main"]["admin"] = {"user": "postgres"}
    config["servers"]["main"]["max_connections"] = BUDGET
    config["log"]["level"] = "info"
    config["secrets"] = secrets or {"store": "master", "providers": {
        "master": {"type": "derive", "key": "a master key for measuring"}}}
    config["tenants"]["defaults"].update({"strategy": "schema", "login": "tenant", **defaults})
    return Proxy(config, release=True)


def prepared(cluster):
    cluster.run("CREATE ROLE app LOGIN")
    cluster.run("CREATE DATABASE app OWNER app")


def fahrenctl(daemon, *arguments):
    return subprocess.run([os.path.join(ROOT, "build/release/fahrenctl"), "-c", daemon.file,
                           *arguments], capture_output=True, text=True, check=True).stdout.strip()


def create_many(daemon, names, *options):
    with tempfile.NamedTemporaryFile("w", suffix=".list") as names_file:
        names_file.write("".join(f"{name}\n" for name in names))
        names_file.flush()
        return fahrenctl(daemon, "create", "tenants", "-f", names_file.name, *options)


# ---- make ----

def make(cluster):
    with proxy_of(cluster) as daemon:
        said = create_many(daemon, (f"made{n}" for n in range(TENANTS)))
        figure(f"{TENANTS} schema tenants by fahrenctl create tenants -f: {said}")


# ---- logins ----

class Client(asyncio.Protocol):
    """Logs in, asks who it is, and stays."""

    def __init__(self, number):
        self.name = f"t{number}"
        self.answer = asyncio.get_running_loop().create_future()
        self.pending = b""
        self.asked = False

    def connection_made(self, transport):
        self.transport = transport
        transport.write(startup(user="app", database="app", app__tenant=self.name))

    def data_received(self, data):
        self.pending += data
        if not self.pending.endswith(b"Z\0\0\0\5I"):
            return
        if not self.asked:
            self.asked, self.pending = True, b""
            self.transport.write(query("SELECT current_user"))
        elif not self.answer.done():
            self.answer.set_result(self.pending)

    def connection_lost(self, exc):
        if not self.answer.done():
            self.answer.set_result(self.pending or b"lost")


async def log_all_in(port, clients):
    loop = asyncio.get_running_loop()
    free = asyncio.Semaphore(AT_ONCE)

    async def one(number):
        async with free:
            _, client = await loop.create_connection(lambda: Client(number), "127.0.0.1", port)
            clients.append(client)
            answer = await client.answer
            return f"tenant_t{number}\0".encode() in answer.replace(b"C\0\0\0", b"\0C\0\0\0")
    return sum(await asyncio.gather(*(one(number) for number in range(ROLES))))


def passwords(cluster):
    """One password for all of them costs as much as one for each: the proxy knows no better."""
    with open(os.path.join(cluster.directory, "data", "pg_hba.conf"), "w", encoding="ascii") as file:
        file.write("local all all trust\nhost all postgres 127.0.0.1/32 trust\n"
                   "host all all 127.0.0.1/32 scram-sha-256\n")
    cluster.run("SELECT pg_reload_conf()")
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o700)
        for number in range(ROLES):
            path = os.path.join(folder, f"tenant_t{number}")
            with open(os.open(path, os.O_CREAT | os.O_WRONLY, 0o600), "w", encoding="ascii") as file:
                file.write("a password of all")
        logins(cluster, "PASSWORD 'a password of all'", {
            "store": "files", "providers": {"files": {"type": "files", "directory": folder}}})


def logins(cluster, password="", secrets=None):
    with proxy_of(cluster):  # makes the table
        pass
    cluster.run(f"CREATE ROLE model LOGIN {password}")
    cluster.run("DO $$ DECLARE kept text = (SELECT coalesce('PASSWORD ' || quote_literal(rolpassword),"
                f" '') FROM pg_authid WHERE rolname = 'model'); BEGIN FOR n IN 0 .. {ROLES - 1} LOOP"
                " EXECUTE format('CREATE ROLE tenant_t%s LOGIN %s', n, kept); END LOOP; END $$")
    cluster.run("INSERT INTO fahrend.tenants (name)"
                f" SELECT 't' || n FROM generate_series(0, {ROLES - 1}) n", "app")
    with proxy_of(cluster, secrets) as daemon:
        most = [0]
        clients = []

        async def run():
            over = asyncio.Event()

            async def watch():
                while not over.is_set():
                    row = await asyncio.to_thread(
                        cluster.run, "SELECT count(*) FROM pg_stat_activity"
                        " WHERE usename LIKE 'tenant_t%'")
                    most[0] = max(most[0], row[0][0])
                    await asyncio.sleep(0.5)
            watcher = asyncio.create_task(watch())
            begun = time.monotonic()
            right = await log_all_in(daemon.port, clients)
            took = time.monotonic() - begun
            over.set()
            await watcher
            return right, took
        right, took = asyncio.run(run())
        figure(f"{ROLES} tenants with roles, budget {BUDGET}: {right} logged in and were answered in"
               f" {took:.1f} s ({ROLES / took:.0f} a second), {len(clients)} connected at the end,"
               f" at most {most[0]} server connections, {daemon.rss() // 1024 // 1024} MB")


# ---- registry ----

def registry(cluster):
    with proxy_of(cluster) as empty:
        without = empty.rss()
    cluster.run("INSERT INTO fahrend.tenants (name, options) SELECT 'r' || n,"
                " jsonb_build_object('pool.size', n % 50 + 1)"
                f" FROM generate_series(1, {ROWS}) n", "app")
    begun = time.time()
    here = proxy_of(cluster)
    here.start()
    ready = time.time()
    each = (here.rss() - without) / ROWS
    here.stop()
    figure(f"a start with {ROWS} rows: {ready - begun:.2f} s until it listens, {each:.0f} bytes of"
           " resident memory for each")
    with proxy_of(cluster) as here, proxy_of(cluster) as there:
        took = []
        for number, command in enumerate(["SUSPEND", "RESUME"] * 10):
            here.console(f"{command} TENANT r{number // 2 + 1}")
            begun = time.monotonic()
            while ("suspend" if number % 2 == 0 else f"tenant_r{number // 2 + 1}") not in login(
                    there, f"r{number // 2 + 1}"):
                pass
            took.append((time.monotonic() - begun) * 1000)
        took.sort()
        figure(f"a change beside {ROWS} rows is in force on another proxy after"
               f" {took[len(took) // 2]:.0f} ms (median), {took[-1]:.0f} ms at most")
        said = create_many(here, (f"beside{n}" for n in range(300)), "strategy = rls, login = client")
        figure(f"300 rls tenants made beside {ROWS}: {said}")
        figure(f"memory with {ROWS} rows: {there.rss() // 1024 // 1024} MB")


def login(daemon, tenant):
    """What one who logs in is told: there is no such role, or it is suspended."""
    with daemon.wire() as client:
        try:
            client.login(user="app", database="app", app__tenant=tenant)
        except Exception as error:  # noqa: BLE001 - its text is what is asked for
            return str(error)
    return "in"


# ---- drop ----

def drop(cluster):
    with proxy_of(cluster) as daemon:
        daemon.console("CREATE TENANT wide")
        for first in range(0, TABLES, 500):  # each is a lock until the transaction ends
            cluster.run(f"DO $$ BEGIN FOR n IN {first + 1} .. {first + 500} LOOP EXECUTE format("
                        "'CREATE TABLE tenant_wide.t%s (id int PRIMARY KEY)', n); END LOOP; END $$",
                        "app")
        begun = time.monotonic()
        daemon.console("DROP TENANT wide CASCADE")
        figure(f"DROP TENANT of a schema with {TABLES} tables: {time.monotonic() - begun:.1f} s")


PARTS = {"make": make, "logins": logins, "passwords": passwords, "registry": registry, "drop": drop}


def main():
    wanted = sys.argv[1:] or list(PARTS)
    if any(name not in PARTS for name in wanted):
        sys.exit(__doc__)
    try:
        for name in wanted:
            with Cluster() as cluster:
                prepared(cluster)
                PARTS[name](cluster)
    finally:
        drop_templates()


if __name__ == "__main__":
    main()
