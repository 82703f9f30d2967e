# SPDX-License-Identifier: MIT
"""CREATE TENANT: made on a real server, used through the proxy, with a password of its own."""

import os
import stat

import pytest

from cluster import Cluster
from proxy import Proxy, base_config, merge

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
