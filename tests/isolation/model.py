# SPDX-License-Identifier: MIT
"""Random histories of clients, tenants, pool modes, attacks, errors and cancels, against a model in
which each row knows its tenant.

An honest tenant must see exactly the rows that the model says it has; a hostile one whatever it
likes, but no row of another's. A history is a list of steps that can be run in any state, so that
a part of it can be run as well: a failure is made as short as can be found.

By hand, for a million checks, with the release build (about five minutes):

    cmake --preset release && ninja -C build/release fahrend
    python3 tests/isolation/model.py --checks 1000000 [--seed N]
"""

import argparse
import os
import random
import socket
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))

# pylint: disable=wrong-import-position
from attacks import KEY
from cluster import Cluster
from proxy import Proxy, base_config
from wirepeer import (Closed, LoginFailed, WireClient, cancel_request, errors_of, extended, query,
                      rows_of)

# Tenants by how they are kept apart; those of one line share a pool. True: it is hostile.
SEALED = {"acme": False, "dora": False, "bravo": False, "mallory": True, "moriarty": True}
SCHEMA = {"carol": False, "morgan": True}
DATABASE = {"echo": False, "mabuse": True}
TENANTS = {**SEALED, **SCHEMA, **DATABASE}
SESSION = ("bravo", "moriarty")  # in session mode; one client each
SIZE = 5                         # connections of a pool
CLIENTS = ("acme", "acme", "dora", "bravo", "mallory", "mallory", "moriarty",
           "carol", "carol", "morgan", "echo", "echo", "mabuse")
ROWS = 30                        # of a tenant, about
IN_TRANSACTION = 2               # of a pool at once, so that a connection is left for the others

COLUMNS = "(id bigint PRIMARY KEY, body text NOT NULL)"
GRANTS = "SELECT, INSERT, UPDATE, DELETE"
SHARED = f"""
CREATE TABLE things (tenant_id text NOT NULL, id bigint NOT NULL, body text NOT NULL,
                     PRIMARY KEY (tenant_id, id));
GRANT {GRANTS} ON things TO app;
"""

# {other} is another tenant. Each is a batch of its own.
ATTACKS = (
    "SET app.tenant = '{other}'; SELECT id, body FROM things",
    "SELECT set_config('app.tenant', '{other}', false)",
    "SET app.tenant = '{other}'; SET app.tenant_seal = ''; SELECT id, body FROM things",
    "INSERT INTO things (tenant_id, id, body) VALUES ('{other}', {id}, 'forged by {tenant}')",
    "INSERT INTO tenant_{other}.things (id, body) VALUES ({id}, 'forged by {tenant}')",
    "SELECT id, body FROM tenant_{other}.things",
    "SET search_path = tenant_{other}; SELECT id, body FROM things",
    "SELECT set_config('search_path', 'tenant_{other}, pg_temp', false)",
    "SET ROLE tenant_{other}",
    "SET SESSION AUTHORIZATION tenant_{other}",
    "DELETE FROM things", "RESET ALL", "DISCARD ALL", "RESET ROLE", "DEALLOCATE ALL",
    "CREATE TEMP TABLE things (id bigint, body text); GRANT ALL ON things TO PUBLIC",
    "CREATE TEMP TABLE pg_class (relname text)",
    "PREPARE fahrend_begin AS SELECT 1", "PREPARE fahrend_commit AS SELECT 1",
    "PREPARE fahrend_set_1(text, text) AS SELECT set_config('app.tenant', '{other}', false)",
    "PREPARE fahrend_set_2(text, text, text, text) AS SELECT set_config('app.tenant', '{other}', false)",
    "PREPARE fahrend_set_3(text, text, text, text, text, text) AS SELECT 1",
    "SET statement_timeout = 1", "SET default_transaction_read_only = on",
    "SET default_transaction_isolation = serializable",
    "SET default_transaction_deferrable = on", "SET row_security = off",
    "SET client_min_messages = error", "SET standard_conforming_strings = off",
    "SET DateStyle = 'German'", "SET client_encoding = 'LATIN1'",
    "SELECT pg_try_advisory_lock(7)", "DO $$ BEGIN LISTEN gossip; END $$",
    "CREATE FUNCTION pg_temp.set_config(text, text, boolean) RETURNS text LANGUAGE sql"
    " AS $$ SELECT '{other}'::text $$",
    "SELECT set_config('search_path', 'pg_temp, pg_catalog, public', false)",
    "DECLARE c CURSOR WITH HOLD FOR SELECT id, body FROM things",
    "FETCH ALL FROM c", "EXECUTE fahrend_set_1('a', 'b')",
)


class Mismatch(Exception):
    """What a client saw is not what the model says."""


class Model:
    """Rows that are committed, by tenant; each client keeps what its transaction changed."""

    def __init__(self):
        self.rows = {tenant: {} for tenant in TENANTS}


def make_world(cluster):
    cluster.run("CREATE ROLE app LOGIN")
    cluster.run("CREATE DATABASE model")
    cluster.run(SHARED, "model")
    for tenant in {**SCHEMA, **DATABASE}:
        cluster.run(f"CREATE ROLE tenant_{tenant} LOGIN")
    for tenant in SCHEMA:
        role = f"tenant_{tenant}"
        cluster.run(f"CREATE SCHEMA {role}; GRANT USAGE ON SCHEMA {role} TO {role};"
                    f"CREATE TABLE {role}.things {COLUMNS}; GRANT {GRANTS} ON {role}.things TO {role}",
                    "model")
    for tenant in DATABASE:
        role = f"tenant_{tenant}"
        cluster.run(f"CREATE DATABASE {role}")
        cluster.run(f"REVOKE ALL ON DATABASE {role} FROM PUBLIC;"
                    f"GRANT CONNECT, TEMPORARY ON DATABASE {role} TO {role}")
        cluster.run(f"CREATE TABLE things {COLUMNS}; GRANT {GRANTS} ON things TO {role}", role)


def empty_world(cluster):
    cluster.run("TRUNCATE things", "model")
    for tenant in SCHEMA:
        cluster.run(f"TRUNCATE tenant_{tenant}.things", "model")
    for tenant in DATABASE:
        cluster.run("TRUNCATE things", f"tenant_{tenant}")


def model_config(cluster):
    config = base_config(cluster.port, log={"level": "error"})
    config["servers"]["main"]["admin"] = {"user": "postgres"}
    tenants = {"defaults": {"database": "model", "login": {"user": "app"}, "pool": {"size": SIZE},
                            "rls": {"seal": True, "key": KEY}}}
    for tenant in SEALED:
        tenants[tenant] = {"pool": {"mode": "session"}} if tenant in SESSION else {}
    for tenant in SCHEMA:
        tenants[tenant] = {"strategy": "schema", "login": "tenant"}
    for tenant in DATABASE:
        tenants[tenant] = {"strategy": "database", "database": "tenant_{tenant}", "login": "tenant"}
    config["tenants"] = tenants
    return config


class Actor:
    """One client, and what it believes."""

    def __init__(self, world, tenant):
        self.world = world
        self.tenant = tenant
        self.hostile = TENANTS[tenant]
        self.pool = "sealed" if tenant in SEALED else tenant
        self.client = None
        self.state = "I"      # outside a transaction, inside (T), failed (E)
        self.added = {}       # by its transaction
        self.removed = set()

    def connect(self):
        if self.client is None:
            self.client = WireClient(self.world.port)
            self.client.login(user="app", database="app", app__tenant=self.tenant)

    def drop(self):
        if self.client is not None:
            self.client.close()
        self.client = None
        self.forget()

    def forget(self):
        self.state, self.added, self.removed = "I", {}, set()

    def visible(self):
        rows = {**self.world.model.rows[self.tenant], **self.added}
        return {key: body for key, body in rows.items() if key not in self.removed}

    def ask(self, sql, by_message=False):
        """Rows and the SQLSTATE of an error; a hostile one may lose its connection."""
        try:
            self.connect()
            answer = self.client.ask(extended(sql) if by_message else query(sql))
        except (Closed, LoginFailed, OSError) as lost:
            if not self.hostile:
                raise Mismatch(f"{self.tenant}: {sql}: {lost!r}\n{self.world.describe()}") from lost
            self.drop()
            return [], "closed"
        if self.hostile:  # its ROLLBACK may have failed, by a timeout that it set
            self.state = answer[-1].body.decode()
        errors = errors_of(answer)
        return rows_of(answer), errors[0]["C"] if errors else None


class World:
    """A daemon, its clients, and the model."""

    def __init__(self, cluster):
        self.cluster = cluster
        self.model = Model()
        self.checks = 0
        empty_world(cluster)
        self.daemon = Proxy(model_config(cluster), release=bool(os.environ.get("MODEL_RELEASE")))
        self.daemon.start()
        self.daemon.console("SETUP RLS")
        self.port = self.daemon.port
        self.actors = [Actor(self, tenant) for tenant in CLIENTS]

    def close(self, well=True):
        for actor in self.actors:
            actor.drop()
        if well:
            self.daemon.stop()
        else:
            self.daemon.kill()

    def describe(self):
        """What the server and the daemon do, for whoever looks for the cause."""
        rows = self.cluster.run("SELECT pid, usename, datname, state, wait_event_type, wait_event,"
                                " left(query, 90) FROM pg_stat_activity WHERE backend_type ="
                                " 'client backend'")
        shown = [str(row) for row in rows]
        for what in ("CLIENTS", "SERVERS", "POOLS"):
            for row in self.daemon.console(f"SHOW {what}"):
                shown.append(what + " " + " ".join(f"{name}={row[name]}" for name in
                             ("database", "user", "tenant", "state", "wait", "link", "cl_active",
                              "cl_waiting", "sv_active", "sv_idle") if row.get(name)))
        return "\n".join(shown)

    def step(self, step):
        number, kind, seed = step
        actor = self.actors[number]
        STEPS[kind](self, actor, random.Random(seed))

    def expect(self, actor, what, seen, should):
        self.checks += 1
        if seen != should:
            raise Mismatch(f"{actor.tenant}: {what}: saw {seen}, not {should}")

    def expect_own(self, actor, what, rows):
        """A row ends with its body; whatever a hostile tenant sees must be its own, or forged."""
        self.checks += 1
        for row in rows:
            body = str(row[-1])
            if ":" in body and body.split(":")[0] in TENANTS and body.split(":")[0] != actor.tenant:
                raise Mismatch(f"{actor.tenant}: {what}: saw {row}")


# ---- steps: each can be run in any state ----

def read(world, actor, rng):
    sql = "SELECT id, body FROM things"
    rows, error = actor.ask(sql, rng.random() < 0.5)
    if actor.hostile:
        world.expect_own(actor, sql, rows)
    elif actor.state == "E":
        world.expect(actor, sql, error, "25P02")
    else:
        world.expect(actor, sql, error, None)
        world.expect(actor, sql, {int(key): body for key, body in rows}, actor.visible())


def write(world, actor, rng):
    """Adds a row; where there are many, removes one."""
    if len(actor.visible()) > ROWS:
        remove(world, actor, rng)
        return
    key = rng.randrange(1 << 40)
    body = f"{actor.tenant}:{key}"
    _, error = actor.ask(f"INSERT INTO things (id, body) VALUES ({key}, '{body}')",
                         rng.random() < 0.5)
    if actor.hostile:
        world.checks += 1
        return
    world.expect(actor, "insert", error, "25P02" if actor.state == "E" else None)
    if actor.state == "T":
        actor.added[key] = body
    elif actor.state == "I":
        world.model.rows[actor.tenant][key] = body


def remove(world, actor, rng):
    """Removes rows that no other transaction has removed: nobody waits for anybody."""
    if actor.hostile or actor.state == "E":
        return
    taken = {key for other in world.actors if other is not actor for key in other.removed}
    keys = sorted(set(actor.visible()) - taken)[-3:]
    if not keys:
        return
    key = rng.choice(keys)
    rows, error = actor.ask(f"DELETE FROM things WHERE id = {key} RETURNING id")
    world.expect(actor, "delete", (error, [int(row[0]) for row in rows]), (None, [key]))
    if actor.state == "T":
        actor.removed.add(key)
    else:
        del world.model.rows[actor.tenant][key]


def begin(world, actor, _rng):
    busy = sum(other.state != "I" for other in world.actors if other.pool == actor.pool)
    if actor.state != "I" or busy >= IN_TRANSACTION:
        return
    _, error = actor.ask("BEGIN")
    if not actor.hostile:
        world.expect(actor, "BEGIN", error, None)
        actor.state = "T"


def end(world, actor, rng):
    if actor.state == "I":
        return
    commit = rng.random() < 0.6
    _, error = actor.ask("COMMIT" if commit else "ROLLBACK")
    if commit and actor.state == "T" and not actor.hostile:
        world.expect(actor, "COMMIT", error, None)
        rows = world.model.rows[actor.tenant]
        rows.update(actor.added)
        for key in actor.removed:
            rows.pop(key, None)
    if not actor.hostile:
        actor.forget()


def fail(world, actor, rng):
    _, error = actor.ask("SELECT 1/0", rng.random() < 0.5)
    if not actor.hostile:
        world.expect(actor, "1/0", error, "25P02" if actor.state == "E" else "22012")
        actor.state = "E" if actor.state == "T" else actor.state


def cancel(world, actor, _rng):
    """A query that sleeps is cancelled; where the key is not known yet, nothing happens."""
    if actor.hostile or actor.state == "E":
        return
    actor.ask("SELECT 1")
    actor.client.send(query("SELECT pg_sleep(20)"))
    deadline = time.monotonic() + 15
    answer = None
    actor.client.sock.settimeout(0.05)
    while answer is None and time.monotonic() < deadline:
        with socket.create_connection((world.daemon.host, world.port)) as sock:
            sock.sendall(cancel_request(*actor.client.cancel_key))
        try:
            answer = actor.client.read_until("Z")
        except TimeoutError:
            continue
    actor.client.sock.settimeout(20)
    world.expect(actor, "cancel", errors_of(answer or [])[:1] and errors_of(answer)[0]["C"], "57014")
    if actor.state == "T":
        actor.state = "E"


def leave(_world, actor, _rng):
    """Goes without a word, in mid-transaction perhaps: what it did there is gone."""
    actor.drop()


def attack(world, actor, rng):
    if not actor.hostile:
        return
    other = rng.choice([tenant for tenant in TENANTS if tenant != actor.tenant])
    sql = rng.choice(ATTACKS).format(other=other, tenant=actor.tenant, id=rng.randrange(1 << 40))
    rows, _ = actor.ask(sql)
    world.expect_own(actor, sql, rows)


def settle_hostile(_world, actor, _rng):
    """A hostile one that stands in a failed transaction leaves it."""
    if actor.hostile and actor.state != "I":
        actor.ask("ROLLBACK")


STEPS = {"read": read, "write": write, "remove": remove, "begin": begin, "end": end, "fail": fail,
         "cancel": cancel, "leave": leave, "attack": attack, "settle": settle_hostile}
WEIGHTS = {"read": 40, "write": 16, "remove": 5, "begin": 8, "end": 10, "fail": 2, "cancel": 0.1,
           "leave": 1, "attack": 30, "settle": 3}


def random_steps(seed):
    rng = random.Random(seed)
    kinds, weights = list(WEIGHTS), list(WEIGHTS.values())
    while True:
        yield rng.randrange(len(CLIENTS)), rng.choices(kinds, weights)[0], rng.randrange(1 << 32)


def run(cluster, steps, enough):
    """Runs steps until enough(world, done) says so. Returns checks, the steps done, the mismatch."""
    world = World(cluster)
    done = []
    failure = None
    try:
        for step in steps:
            if enough(world, len(done)):
                break
            done.append(step)
            world.step(step)
    except Mismatch as mismatch:
        failure = mismatch
    except BaseException:
        world.close(well=False)
        raise
    world.close(well=failure is None)
    return world.checks, done, failure


def shrink(cluster, history, patience):
    """Leaves out what is not needed for a failure, in halves, quarters, … until patience is over."""
    until = time.monotonic() + patience
    size = len(history) // 2
    while size >= 1 and time.monotonic() < until:
        at = 0
        while at < len(history) and time.monotonic() < until:
            shorter = history[:at] + history[at + size:]
            _, done, failure = run(cluster, shorter, lambda world, count: False)
            if failure is not None:
                history = done
            else:
                at += size
        size //= 2
    return history


def tell(history):
    lines = [f"  {CLIENTS[number]}#{number} {kind} {seed}" for number, kind, seed in history]
    return "\n".join(["the shortest history that was found:", *lines])


def check(cluster, seed, enough, patience=40):
    """Runs a random history; AssertionError with the shortest that fails. Returns the checks."""
    checks, done, failure = run(cluster, random_steps(seed), enough)
    if failure is not None:
        print(f"seed {seed}: after {len(done)} steps: {failure}", file=sys.stderr)
        short = shrink(cluster, done, patience)
        raise AssertionError(f"seed {seed}: {failure}\n{tell(short)}")
    return checks


def main():
    parser = argparse.ArgumentParser(description="a random history against the model")
    parser.add_argument("--checks", type=int, default=1000000)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 32))
    given = parser.parse_args()
    os.environ["MODEL_RELEASE"] = "1"
    print(f"seed {given.seed}", flush=True)
    begun = time.monotonic()
    with Cluster() as cluster:
        make_world(cluster)
        checks = check(cluster, given.seed, lambda world, count: world.checks >= given.checks)
    print(f"{checks} checked reads and writes in {time.monotonic() - begun:.0f} s, none wrong")


if __name__ == "__main__":
    main()
