# SPDX-License-Identifier: MIT
"""A primary and its standby: who wants which of them gets it, also when they change places."""

import contextlib
import itertools
import os
import signal
import subprocess

import psycopg
import pytest
from cluster import Cluster, as_user
from deadline import wait_until
from proxy import Proxy, base_config
from wirepeer import errors_of, query, rows_of

ADDRESS = "SHOW listen_addresses"


class Primary(Cluster):
    """On an address of its own: the servers of one entry have the same port."""

    def __init__(self, address, port=None):
        super().__init__(listen_addresses=address, wal_level="replica", max_wal_senders="4")
        self.host = address
        self.port = port or self.port


class Standby(Primary):
    """Follows a primary, from a copy of it, on the same port."""

    def __init__(self, address, primary):
        super().__init__(address, primary.port)
        self.primary = primary

    def _make_directory(self):
        super()._make_directory()
        data = os.path.join(self.directory, "data")
        program = os.path.join(self.bindir, "pg_basebackup")
        subprocess.run(["rm", "-rf", data], check=True)
        subprocess.run(as_user(self.user, [program, "-h", self.primary.host, "-p",
                                           str(self.port), "-U", "postgres", "-D", data, "-R",
                                           "-X", "stream", "-c", "fast"]), check=True, cwd="/")
        with open(os.path.join(data, "postgresql.auto.conf"), "a", encoding="utf-8") as file:
            file.write(f"listen_addresses = '{self.host}'\n")


@pytest.fixture
def pair():
    """A primary and the standby that follows it."""
    with contextlib.ExitStack() as stack:
        primary = stack.enter_context(Primary("127.0.0.2"))
        hba = os.path.join(primary.directory, "data", "pg_hba.conf")
        with open(hba, "a", encoding="utf-8") as file:
            file.write("host replication all 127.0.0.0/8 trust\nhost all all 127.0.0.0/8 trust\n")
        primary.run("SELECT pg_reload_conf()")
        primary.run("CREATE ROLE app LOGIN")
        primary.run("CREATE DATABASE app")
        yield primary, stack.enter_context(Standby("127.0.0.3", primary))


def start(pair, role, hosts):
    server = {"host": hosts, "port": pair[0].port, "role": role, "connect_timeout": "30s",
              "login_retry": "200ms"}
    tenants = {"defaults": {"server": "main", "database": "app", "login": {"user": "app"}},
               "acme": {"strategy": "none"}}
    return Proxy(base_config(pair[0].port, servers={"main": server}, tenants=tenants))


def address(client):
    return client.execute(ADDRESS).fetchone()[0]


def test_the_role_chooses_among_hosts_and_is_followed(pair):
    """Connections tell when their server changes: who reads from a standby does not stay where that
    was promoted."""
    _, standby = pair
    wanted = {"primary": "127.0.0.2", "standby": "127.0.0.3"}

    for role, hosts in itertools.product(wanted, itertools.permutations(wanted.values())):
        with start(pair, role, list(hosts)) as daemon, daemon.tenant("acme") as client:
            assert address(client) == wanted[role]

    with start(pair, "standby", ["127.0.0.2", "127.0.0.3"]) as daemon, \
            daemon.tenant("acme") as client:
        assert address(client) == "127.0.0.3"
        standby.run("SELECT pg_promote()")
        client.execute("SELECT 1")

        wait_until(lambda: not daemon.console("SHOW SERVERS"), "the connection has been left")
        wait_until(lambda: "server has another role now" in daemon.log, "the log tells")


def test_a_failover_costs_the_running_transactions_only(pair):
    """A query that comes in the meantime waits for the promotion."""
    primary, standby = pair

    with start(pair, "primary", ["127.0.0.2", "127.0.0.3"]) as daemon, \
            daemon.tenant("acme") as running, daemon.wire_tenant("acme") as resting:
        assert resting.value(ADDRESS) == "127.0.0.2"
        with pytest.raises(psycopg.OperationalError), running.transaction():
            running.execute("SELECT 1")
            primary.halt(signal.SIGQUIT)
            running.execute("SELECT 1")
        resting.send(query(ADDRESS))
        wait_until(lambda: "a standby, and a primary is wanted" in daemon.log, "it was asked for")
        standby.run("SELECT pg_promote()")

        assert rows_of(resting.read_until("Z")) == [["127.0.0.3"]]
        assert not errors_of(resting.ask(query("CREATE TEMP TABLE afterwards (a int)")))
