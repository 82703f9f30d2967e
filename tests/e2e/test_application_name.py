# SPDX-License-Identifier: MIT
"""The server's application_name carries the tenant; the client sees and keeps its own."""

import pytest

from proxy import Proxy, base_config
from wirepeer import errors_of, query
from world import tenants_config

PATTERN = "{application_name} [{tenant}]"
AT_SERVER = "SELECT application_name FROM pg_stat_activity WHERE pid = pg_backend_pid()"
KEY = "a key of the tests, 32 bytes or more"


def start(cluster, mode="transaction", **defaults):
    """One server connection for all, so that nobody may find another's name on it."""
    tenants = tenants_config(mode=mode, size=1)
    tenants["defaults"].update(application_name=PATTERN, **defaults)
    return Proxy(base_config(cluster.port, tenants=tenants))


@pytest.fixture(scope="module", params=["plain", "sealed"])
def daemon(request, cluster):
    rls = {"seal": True, "key": KEY} if request.param == "sealed" else {}
    with start(cluster, rls=rls) as proxy:
        yield proxy


@pytest.fixture(scope="module")
def session(cluster):
    with start(cluster, mode="session") as proxy:
        yield proxy


def reports(answer):
    """What a ParameterStatus in the answer says of application_name, each in turn."""
    pairs = [m.body.split(b"\0")[:2] for m in answer if m.type == "S"]
    return [value.decode() for name, value in pairs if name == b"application_name"]


@pytest.mark.parametrize("tenant", ["acme", "carol", "echo", "golf"])
def test_the_server_sees_the_tenant_and_the_client_its_own_name(daemon, tenant):
    with daemon.wire_tenant(tenant, application_name="report") as client:
        assert client.parameters["application_name"] == "report"
        assert client.value(AT_SERVER) == f"report [{tenant}]"
        shown = [row for row in daemon.console("SHOW CLIENTS") if row["tenant"] == tenant]

    assert [row["application_name"] for row in shown] == ["report"]


def test_a_client_without_a_name_is_known_by_its_tenant(daemon):
    with daemon.wire_tenant("acme") as client:
        assert client.parameters["application_name"] == ""
        assert client.value(AT_SERVER) == "[acme]"


def test_clients_on_one_connection_keep_their_names(daemon):
    asked = [("acme", "a"), ("acme", "b"), ("bravo", "a"), ("carol", "a")]
    clients = [(tenant, name, daemon.wire_tenant(tenant, application_name=name))
               for tenant, name in asked]
    for _ in range(2):
        for tenant, name, client in clients:
            answer = client.ask(query(AT_SERVER))
            assert f"{name} [{tenant}]".encode() in b"".join(m.body for m in answer)
            assert not reports(answer), "nothing changed for this client"
    for _, _, client in clients:
        client.close()


@pytest.mark.parametrize("said", ["SET application_name = 'new'",
                                  "SELECT set_config('application_name', 'new', false)"])
def test_a_name_that_the_client_sets_is_told_as_it_was_set(daemon, said):
    with daemon.wire_tenant("acme", application_name="old") as client, \
            daemon.wire_tenant("acme", application_name="other") as other:
        assert reports(client.ask(query(said))) == ["new"]

        assert other.value(AT_SERVER) == "other [acme]"
        answer = client.ask(query(AT_SERVER))
        assert b"new [acme]" in b"".join(m.body for m in answer)
        assert not reports(answer)


def test_a_name_of_a_transaction_that_is_rolled_back_returns(daemon):
    with daemon.wire_tenant("acme", application_name="old") as client:
        client.ask(query("BEGIN"))
        assert reports(client.ask(query("SET LOCAL application_name = 'new'"))) == ["new"]
        assert reports(client.ask(query("ROLLBACK"))) == ["old"]
        assert client.value(AT_SERVER) == "old [acme]"


def test_a_name_as_the_server_has_it_is_not_made_twice(daemon):
    with daemon.wire_tenant("acme", application_name="old") as client:
        client.ask(query("SET application_name = 'x'"))
        assert reports(client.ask(query("SET application_name = 'y [acme]'"))) == ["y"]
        assert client.value(AT_SERVER) == "y [acme]"


def test_a_name_that_is_too_long_does_not_push_the_tenant_out(daemon):
    name = "n" * 60
    with daemon.wire_tenant("acme", application_name=name) as client:
        assert client.parameters["application_name"] == name
        assert client.value(AT_SERVER) == "n" * 56 + " [acme]"


@pytest.mark.parametrize("said, own, at_server", [
    ("SET application_name = 'new'", "new", "new [acme]"),
    ("SELECT set_config('application_name', 'new', false)", "new", "new [acme]"),
    ("DISCARD ALL", "", "[acme]"), ("RESET application_name", "", "[acme]")])
def test_a_session_goes_on_under_the_tenants_name(session, said, own, at_server):
    with session.wire_tenant("acme", application_name="old") as client:
        answer = client.ask(query(said))
        assert not errors_of(answer)
        assert reports(answer) == [own]

        assert client.value(AT_SERVER) == at_server


def test_the_connections_of_a_dedicated_pool_carry_the_tenant_from_the_start(daemon, cluster):
    with daemon.wire_tenant("foxtrot", application_name="report") as client:
        client.value("SELECT 1")
        answer = client.ask(query("RESET application_name"))

        assert reports(answer) == [""]
        assert client.value(AT_SERVER) == "[foxtrot]"


def test_the_server_sees_where_the_client_is(cluster):
    """Of a client behind a load balancer too, and of a tenant whose role is its own."""
    tenants = tenants_config(size=1)
    tenants["defaults"]["application_name"] = "{application_name} [{tenant}@{client_addr}]"
    config = base_config(cluster.port, tenants=tenants, listen={
        "proxy_protocol": True, "proxy_networks": ["127.0.0.1"]})
    with Proxy(config) as daemon:
        for tenant in ("acme", "foxtrot"):
            with daemon.wire() as client:
                client.send(b"PROXY TCP4 192.0.2.7 10.0.0.1 56324 443\r\n")
                client.login(user="app", database="app", app__tenant=tenant,
                             application_name="report")
                assert client.value(AT_SERVER) == f"report [{tenant}@192.0.2.7]"
                assert client.value("SELECT body FROM notes") == f"of {tenant}"
                assert client.parameters["application_name"] == "report"
                assert reports(client.ask(query("RESET application_name"))) == [""]
