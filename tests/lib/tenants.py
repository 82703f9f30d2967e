# SPDX-License-Identifier: MIT
"""What tests of CREATE TENANT share: a server that asks for passwords, proxies with a registry."""

import contextlib
import os

import pytest

from cluster import Cluster
from proxy import Proxy, base_config, merge

HBA = """\
local all all trust
host all postgres,app,maker 127.0.0.1/32 trust
host all all 127.0.0.1/32 scram-sha-256
"""


@contextlib.contextmanager
def asking_server(bindir=None):
    """A PostgreSQL that asks every tenant's role for its password."""
    with Cluster(bindir) as cluster:
        with open(os.path.join(cluster.directory, "data", "pg_hba.conf"), "w",
                  encoding="ascii") as file:
            file.write(HBA)
        cluster.run("SELECT pg_reload_conf()")
        cluster.run("CREATE ROLE app LOGIN")
        cluster.run("CREATE DATABASE app OWNER app")
        yield cluster


@pytest.fixture(scope="module")
def server():
    with asking_server() as cluster:
        yield cluster


@pytest.fixture
def begin(server, tmp_path):
    """begin(**changes): a proxy with a registry and a store for passwords, ended with the test."""
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
        if daemon.process is not None and daemon.process.poll() is None:
            daemon.stop()
        else:
            daemon.kill()


def ask(daemon, tenant, sql):
    with daemon.tenant(tenant) as conn:
        cursor = conn.execute(sql)
        return cursor.fetchall() if cursor.description else None


def objects_of(server, name):
    """What a server has of a tenant: roles, databases, schemas, rows of the registry."""
    pattern = f"%{name}%"
    return [row[0] for sql, dbname in (
        ("SELECT rolname FROM pg_roles WHERE rolname LIKE %s", "postgres"),
        ("SELECT datname FROM pg_database WHERE datname LIKE %s", "postgres"),
        ("SELECT nspname FROM pg_namespace WHERE nspname LIKE %s", "app"),
        ("SELECT name FROM fahrend.tenants WHERE name LIKE %s", "app"),
    ) for row in server.run(sql, dbname, [pattern])]
