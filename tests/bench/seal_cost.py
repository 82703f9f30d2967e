# SPDX-License-Identifier: MIT
"""What isolation costs the server: time on its CPU for one indexed SELECT, through the proxy.

    tests/bench/seal_cost.py [BINDIR]

Each level in three ways: one tenant whose queries come one by one, so that the server sleeps and
wakes between them; one tenant that sends a hundred at a time, so that it stays at work; and two
tenants that take turns on one connection, so that each query comes with a change of tenant (tenants
with a role of their own share no connection, so nothing changes there). The figure is the CPU time
of the server's process (out of /proc/PID/schedstat) per query, the least of several rounds.
$FAHREND_RELEASE names the program. run.sh has the same as rows of its table.
"""

import os
import sys

from report import Row

sys.path.append(os.path.join(os.path.dirname(__file__), "..", "lib"))

from cluster import Cluster, drop_templates  # noqa: E402
from proxy import Proxy, base_config  # noqa: E402
from wirepeer import bind, execute, parse, rows_of, sync  # noqa: E402

KEY = "a key of the tests, 32 bytes or more"
ROUNDS, QUERIES = 60, 100
AIM = 15  # microseconds that a seal may add
TENANTS = ("alpha", "beta")
TABLE = """
CREATE TABLE words (tenant_id text NOT NULL, id int NOT NULL, body text, PRIMARY KEY (tenant_id, id));
INSERT INTO words SELECT t, i, 'x' FROM unnest('{alpha,beta}'::text[]) t, generate_series(1, 10000) i;
ANALYZE words;
GRANT SELECT ON words TO PUBLIC;
"""
BARE = "no policy"
# Of a level: its tenants' settings, and whether SETUP RLS is run.
LEVELS = {
    BARE: ({}, False),
    "rls, plain": ({}, True),
    "rls, sealed": ({"rls": {"seal": True, "key": KEY}}, True),
    "own role": ({"strategy": "schema", "login": "tenant"}, False),
}


def make_level(cluster, number, tenants, protect):
    database = f"cost_{number}"
    cluster.run(f"CREATE DATABASE {database}")
    cluster.run(TABLE, database)
    if tenants.get("login") == "tenant":
        for name in TENANTS:
            cluster.run(f"CREATE ROLE tenant_{name} LOGIN; CREATE SCHEMA tenant_{name};"
                        f"GRANT USAGE ON SCHEMA tenant_{name} TO tenant_{name};"
                        f"SET search_path = tenant_{name};" + TABLE, database)
    config = base_config(cluster.port, tenancy={"unknown": "template"}, log={"level": "warning"})
    config["servers"]["main"]["admin"] = {"user": "postgres"}
    config["tenants"]["defaults"] = {"database": database, "login": {"user": "app"},
                                     "pool": {"size": 1}, **tenants}
    proxy = Proxy(config, release=True)
    proxy.start()
    if protect:
        proxy.console("SETUP RLS")
    return proxy


def cpu(pid):
    with open(f"/proc/{pid}/schedstat", encoding="ascii") as file:
        return int(file.read().split()[0]) / 1000


class Run:
    """One level, with so many tenants taking turns."""

    def __init__(self, proxy, tenants, together):
        self.together = together
        self.clients = [proxy.wire_tenant(name) for name in tenants]
        for name, client in zip(tenants, self.clients):
            sql = f"SELECT body FROM words WHERE tenant_id = '{name}' AND id = 77"
            client.ask(parse(sql, "find"), sync())
        self.pids = {int(client.value("SELECT pg_backend_pid()")) for client in self.clients}

    def round(self):
        """Microseconds per query."""
        self.query(4)
        before = sum(map(cpu, self.pids))
        self.query(QUERIES)
        return (sum(map(cpu, self.pids)) - before) / QUERIES

    def query(self, count):
        at_once = count if self.together else 1
        batches = (bind(statement="find") + execute() + sync(),) * at_once
        for number in range(count // at_once):
            client = self.clients[number % len(self.clients)]
            assert rows_of(client.ask(*batches, batches=at_once)) == [["x"]] * at_once

    def close(self):
        for client in self.clients:
            client.close()


# Ways to ask: who takes turns, and whether the queries are sent together.
WAYS = {"one by one": (TENANTS[:1], False),
        "together": (TENANTS[:1], True),
        "change of tenant": (TENANTS, False)}


def measure(proxies, tenants, together, rounds):
    """Microseconds of every round by level; the levels take turns, so that a busy moment hits
    all."""
    runs = {name: Run(proxy, tenants, together) for name, proxy in proxies.items()}
    figures = {name: [] for name in runs}
    for _ in range(rounds):
        for name, run in runs.items():
            figures[name].append(run.round())
    for run in runs.values():
        run.close()
    return figures


def measure_all(rounds, *bindir):
    """Microseconds of every round by way and level."""
    with Cluster(*bindir) as cluster:
        cluster.run("CREATE ROLE app LOGIN")
        proxies = {name: make_level(cluster, number, *level)
                   for number, (name, level) in enumerate(LEVELS.items())}
        table = {way: measure(proxies, *how, rounds) for way, how in WAYS.items()}
        for proxy in proxies.values():
            proxy.stop()
    drop_templates()
    return table


def rows(run):
    """For the table of run.sh: each round there is the least of some here."""
    os.environ["FAHREND_RELEASE"] = f"{run.work}/bin/fahrend"
    each = 6 if run.short else 20
    table = measure_all(run.rounds * each, run.programs)
    for way, figures in table.items():
        least = {name: [min(values[i:i + each]) for i in range(0, len(values), each)]
                 for name, values in figures.items()}
        for name, values in least.items():
            others = {} if name == BARE else {BARE: least[BARE]}
            yield Row(f"{way}: {name}", "us", {"fahrend": values} | others)
        sealed = [a - b for a, b in zip(least["rls, sealed"], least["rls, plain"])]
        yield Row(f"{way}: a seal adds", "us", {"fahrend": sealed}, aims=[(None, AIM)])


def main():
    table = measure_all(ROUNDS, *sys.argv[1:2])
    table = {way: {name: min(values) for name, values in figures.items()}
             for way, figures in table.items()}
    print(f"{'us':12}" + "".join(f"{way:>24}" for way in WAYS))
    for name in LEVELS:
        cells = (f"{table[way][name]:8.1f} ({table[way][name] - table[way][BARE]:+5.1f})"
                 for way in WAYS)
        print(f"{name:12}" + "".join(f"{cell:>24}" for cell in cells))


if __name__ == "__main__":
    main()
