# SPDX-License-Identifier: MIT
"""Tenants are made, used and dropped on PostgreSQL of several versions, by a superuser and by a role
that is none. Newer ones are there where `npm ci` in isolation/servers could install them."""

import os

import psycopg
import pytest

from proxy import ROOT, ConsoleError
from tenants import ask, asking_server, begin, objects_of  # noqa: F401 - fixtures

SERVERS = os.path.join(ROOT, "tests", "isolation", "servers", "node_modules")


@pytest.fixture(scope="module", params=["debian", "16", "18"])
def server(request):
    bindir = None
    if request.param != "debian":
        bindir = os.path.join(SERVERS, f"postgres-{request.param}", "native", "bin")
        if not os.path.exists(bindir):
            pytest.skip(f"PostgreSQL {request.param} is not installed: npm ci in isolation/servers")
    with asking_server(bindir) as cluster:
        cluster.run("CREATE ROLE maker LOGIN CREATEROLE CREATEDB;"
                    "GRANT CREATE ON DATABASE app TO maker")
        cluster.version = request.param
        yield cluster


@pytest.mark.parametrize("admin", ["postgres", "maker"])
@pytest.mark.parametrize("strategy, login", [("schema", "tenant"), ("database", "tenant"),
                                             ("rls", "tenant"), ("rls", "client")])
def test_a_tenant_is_made_used_and_dropped(begin, server, admin, strategy, login):
    if admin == "postgres" and server.version == "debian":
        pytest.skip("test_tenants has this")
    if admin == "maker":  # what the other made is not its own
        server.run("DROP SCHEMA IF EXISTS fahrend CASCADE", "app")
    daemon = begin(servers={"main": {"admin": {"user": admin}}})
    name = f"v_{strategy}_{login}_{admin}"
    who = f"tenant_{name}" if login == "tenant" else "app"

    daemon.console(f"CREATE TENANT {name} WITH (strategy = {strategy}, login = {login})")
    assert ask(daemon, name, "SELECT current_user") == [(who,)]
    if strategy == "rls":
        daemon.console(f"DROP TENANT {name}")
    else:
        ask(daemon, name, "CREATE TABLE notes AS SELECT 'mine' AS body")
        assert ask(daemon, name, "SELECT body FROM notes") == [("mine",)]
        with pytest.raises(ConsoleError, match="has data"):
            daemon.console(f"DROP TENANT {name}")
        daemon.console(f"ALTER TENANT {name} ROTATE PASSWORD")
        assert ask(daemon, name, "SELECT body FROM notes") == [("mine",)]
        daemon.console(f"DROP TENANT {name} CASCADE")

    assert objects_of(server, name) == []
    with pytest.raises(psycopg.OperationalError, match="does not exist"):
        daemon.tenant(name)
    server.run("DROP SCHEMA fahrend CASCADE", "app")
