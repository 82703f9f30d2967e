# SPDX-License-Identifier: MIT
"""Threads under ThreadSanitizer: load on several workers, while an administrator does everything
that reaches across them, and a drain at the end.

run.sh builds the program (preset tsan) and names it in $FAHREND_TSAN. A few seconds by default; by
hand for longer: FAHREND_THREADS_SECONDS=120 tests/run.sh test_threads."""

import os
import random
import signal
import threading
import time

import pytest

from proxy import ConsoleError, Proxy, base_config
from wirepeer import (Closed, LoginFailed, bind, errors_of, execute, parse, query, rows_of, sync,
                      terminate)
from world import DATABASE, NONE, RLS, SCHEMA, tenants_config

PROGRAM = os.environ.get("FAHREND_TSAN")
SECONDS = float(os.environ.get("FAHREND_THREADS_SECONDS", "5"))
WORKERS = 3
CLIENTS = 16
TENANTS = (*RLS, *SCHEMA, *DATABASE, *NONE)
# What ends a client by order, or refuses it while a tenant is suspended or a drain began.
EXPECTED = {"57P01", "57P03", "57014", "53300"}

pytestmark = pytest.mark.skipif(not PROGRAM, reason="no program built with ThreadSanitizer")


class Load:
    """Clients that come, ask, and go until told to stop; what they saw that must not be."""

    def __init__(self, daemon):
        self.daemon = daemon
        self.over = threading.Event()
        self.wrong = []
        self.answers = 0
        self.threads = [threading.Thread(target=self.run, args=(n,)) for n in range(CLIENTS)]
        for thread in self.threads:
            thread.start()

    def run(self, seed):
        dice = random.Random(seed)
        while not self.over.is_set():
            try:
                self.session(dice, dice.choice(TENANTS))
            except (Closed, ConnectionError, TimeoutError):
                pass
            except LoginFailed as refused:
                if refused.sqlstate not in EXPECTED:
                    self.wrong.append(str(refused))

    def session(self, dice, name):
        with self.daemon.wire_tenant(name) as client:
            for _ in range(dice.randrange(1, 30)):
                if self.over.is_set():
                    break
                self.ask(client, dice, name)
            client.send(terminate())

    def ask(self, client, dice, name):
        sql = "SELECT body FROM notes LIMIT 1"
        answer = client.ask(query(sql) if dice.random() < 0.6 else
                            parse(sql, "s") + bind((), "s") + execute() + sync())
        errors = [e["C"] for e in errors_of(answer)]
        if "42P05" in errors:  # the statement is there already
            return
        self.answers += 1
        if errors and not set(errors) <= EXPECTED:
            self.wrong.append((name, errors))
        for row in rows_of(answer):
            if row != [f"of {'all' if name in NONE else name}"]:
                self.wrong.append((name, row))

    def end(self):
        self.over.set()
        for thread in self.threads:
            thread.join()


def disturb(daemon, dice):
    """One thing that an administrator may do."""
    tenant = dice.choice(TENANTS)
    try:
        what = dice.randrange(8)
        if what == 0:
            daemon.console("RELOAD")
        elif what == 1:
            daemon.console("PAUSE")
            daemon.console("RESUME")
        elif what == 2:
            daemon.console(f"SUSPEND TENANT {tenant}")
            daemon.console(f"RESUME TENANT {tenant}")
        elif what == 3:
            daemon.console("RECONNECT")
        elif what == 4:
            clients = [c for c in daemon.console("SHOW CLIENTS") if c["database"] != "fahrend"]
            daemon.console(f"KILL_CLIENT {dice.choice(clients)['id']}")
        elif what == 5:
            database = f"tenant_{dice.choice(DATABASE)}"
            daemon.console(f"KILL {database}")
            daemon.console(f"RESUME {database}")
        elif what == 6:
            for noun in ("POOLS", "SERVERS", "STATS", "TENANTS", "MEM", "SOCKETS", "LISTS"):
                daemon.console(f"SHOW {noun}")
        else:
            daemon.signal(signal.SIGHUP)
    except (ConsoleError, IndexError):
        pass  # not possible at this moment


def test_no_race_under_load_reload_kill_and_drain(cluster, monkeypatch, figure):
    monkeypatch.setenv("FAHREND", PROGRAM)
    config = base_config(cluster.port, workers=WORKERS, log={"level": "warning"},
                         servers={"main": {"max_connections": 12}},
                         tenants=tenants_config(size=6, shards=3))
    config["tenants"]["echo"].update({"limits": {"connections": 2}, "pool": {"size": 6, "shards": 3}})
    dice = random.Random(1)
    with Proxy(config) as daemon:
        load = Load(daemon)
        end = time.monotonic() + SECONDS
        while time.monotonic() < end:
            disturb(daemon, dice)
        daemon.signal(signal.SIGINT)
        load.end()
        daemon.expect_end(patience=60)

    figure(f"{load.answers} answers under ThreadSanitizer, {WORKERS} workers")
    assert not load.wrong
    assert load.answers > 100
