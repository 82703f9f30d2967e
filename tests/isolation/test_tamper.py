# SPDX-License-Identifier: MIT
"""The sensor: a tenant that tampers sees nothing, is counted and named, and may be suspended."""

import re
import urllib.request

import pytest

from attacks import KEY
from cluster import Cluster, free_port
from deadline import wait_until
from proxy import Proxy, base_config
from test_versions import program
from wirepeer import LoginFailed, errors_of, query

TABLE = """
CREATE TABLE words (tenant_id text NOT NULL, body text NOT NULL);
GRANT SELECT, INSERT ON words TO app;
"""
LOOK = "SELECT body FROM words"


@pytest.fixture(scope="module")
def place(cluster):
    """A database with a sealed table, in which acme and bravo have a row each."""
    cluster.run("CREATE DATABASE tampering")
    cluster.run(TABLE, "tampering")
    with Proxy(sealed_config(cluster)) as daemon:
        daemon.console("SETUP RLS")
        for tenant in ("acme", "bravo"):
            with daemon.wire_tenant(tenant) as client:
                client.rows(f"INSERT INTO words (body) VALUES ('of {tenant}')")
    return cluster


def sealed_config(cluster, size=2, **limits):
    config = base_config(cluster.port)
    config["servers"]["main"]["admin"] = {"user": "postgres"}
    config["tenants"] = {"defaults": {"database": "tampering", "login": {"user": "app"},
                                      "pool": {"size": size}, "limits": limits,
                                      "rls": {"seal": True, "key": KEY}},
                         "acme": {}, "bravo": {}}
    return config


@pytest.fixture
def daemon(place):
    with Proxy(sealed_config(place)) as proxy:
        yield proxy


def tampers(daemon, tenant):
    (row,) = [row for row in daemon.console("SHOW TENANTS") if row["name"] == tenant]
    return int(row["tampers"])


def expect_logged(daemon, text):
    """The log is written by a thread of its own."""
    wait_until(lambda: re.search(text, daemon.log), f"the log says {text}")


def seal_of(client):
    return client.value("SELECT current_setting('app.tenant_seal')")


def forge(client, tenant, seal):
    """What acme sees when it says that it is another tenant with this seal."""
    return client.rows(f"SET app.tenant = '{tenant}'; SET app.tenant_seal = '{seal}'; {LOOK}")


def copied(daemon):
    with daemon.wire_tenant("acme") as acme, daemon.wire_tenant("bravo") as bravo:
        bravo.rows("BEGIN")
        seal = seal_of(bravo)
        found = forge(acme, "bravo", seal)
        bravo.rows("COMMIT")
        return found


def old(daemon):
    with daemon.wire_tenant("acme") as acme, daemon.wire_tenant("bravo") as bravo:
        seal = seal_of(bravo)
        daemon.console("RECONNECT")
        return forge(acme, "bravo", seal)


def empty(daemon):
    with daemon.wire_tenant("acme") as acme:
        return forge(acme, "bravo", "")


def unset(daemon):
    with daemon.wire_tenant("acme") as acme:
        return acme.rows(f"RESET app.tenant_seal; {LOOK}")


def silenced(daemon):
    """With warnings turned off the client hears nothing of it; the proxy does."""
    with daemon.wire_tenant("acme") as acme:
        return acme.rows(f"SET client_min_messages = error; SET app.tenant = 'bravo'; {LOOK}")


@pytest.mark.parametrize("seal", [copied, old, empty, unset, silenced])
def test_a_seal_that_does_not_hold_gives_no_rows_and_is_counted(daemon, seal):
    assert seal(daemon) == []

    assert tampers(daemon, "acme") == 1
    assert tampers(daemon, "bravo") == 0
    expect_logged(daemon, "tampers with its session id=[0-9]+ tenant=acme")
    with daemon.wire_tenant("bravo") as bravo:
        assert bravo.rows(LOOK) == [["of bravo"]]


@pytest.mark.parametrize("setting", ["app.tenant", "app.tenant_seal"])
def test_the_seal_is_asserted_at_every_link(place, setting):
    """One client breaks it in a way that no tag tells; the next of the same tenant has its rows."""
    with Proxy(sealed_config(place, size=1)) as daemon, daemon.wire_tenant("acme") as one, \
            daemon.wire_tenant("acme") as other:
        assert other.rows(LOOK) == [["of acme"]]
        one.rows(f"SELECT set_config('{setting}', 'broken', false)")

        assert other.rows(LOOK) == [["of acme"]]
        assert tampers(daemon, "acme") == 0


def test_a_seal_of_a_dropped_key_gives_no_rows_and_is_counted(place):
    config = sealed_config(place)
    config["tenants"]["defaults"]["rls"]["key"] = KEY[::-1]
    with Proxy(config) as daemon, daemon.wire_tenant("acme") as acme:
        assert acme.rows(LOOK) == []
        assert tampers(daemon, "acme") == 1


def test_nobody_but_the_function_tells_of_a_broken_seal(daemon):
    with daemon.wire_tenant("acme") as acme:
        (error,) = errors_of(acme.ask(query("SELECT fahrend.unsealed()")))
    assert error["C"] == "42501"


def test_a_tenant_that_tampers_too_often_is_suspended(place):
    with Proxy(sealed_config(place, tampers=3)) as daemon:
        with daemon.wire_tenant("bravo") as bravo, daemon.wire_tenant("acme") as other, \
                daemon.wire_tenant("acme") as acme:
            for _ in range(2):
                forge(acme, "bravo", "")
            assert acme.rows(LOOK) == [["of acme"]], "two attempts are let pass"
            acme.send(query(f"SET app.tenant = 'bravo'; {LOOK}"))

            assert last_error(acme) == "57P03"
            assert last_error(other) == "57P03"
            assert bravo.rows(LOOK) == [["of bravo"]]
        with pytest.raises(LoginFailed) as refused, daemon.wire() as client:
            client.login(user="app", database="app", app__tenant="acme")
        assert refused.value.sqlstate == "57P03"
        expect_logged(daemon, "tenant is suspended for tampering id=[0-9]+ tenant=acme")

        daemon.console("RESUME TENANT acme")
        with daemon.wire_tenant("acme") as acme:
            assert acme.rows(LOOK) == [["of acme"]]
            forge(acme, "bravo", "")
            assert acme.rows(LOOK) == [["of acme"]], "it is counted anew"


def test_a_suspension_is_kept_in_the_registry_and_known_elsewhere(place):
    with Proxy(registered(place)) as there:
        with Proxy(registered(place)) as here, here.wire_tenant("acme") as acme:
            acme.send(query(f"SET app.tenant = 'bravo'; {LOOK}"))
            assert last_error(acme) == "57P03"
            wait_until(lambda: states(there) == ["suspended"], "it is suspended there")
        with Proxy(registered(place)) as again:
            assert states(again) == ["suspended"]
            again.console("RESUME TENANT acme")
        wait_until(lambda: states(there) == ["active"], "it is resumed there")
        with there.wire_tenant("acme") as acme:
            assert acme.rows(LOOK) == [["of acme"]]


def test_a_suspension_that_cannot_be_kept_holds_here(place):
    with Proxy(registered(place, "nowhere")) as daemon, daemon.wire_tenant("acme") as acme:
        acme.send(query(f"SET app.tenant = 'bravo'; {LOOK}"))
        assert last_error(acme) == "57P03"
        expect_logged(daemon, "suspended here, but not kept in the registry tenant=acme")
        with pytest.raises(LoginFailed) as refused, daemon.wire() as client:
            client.login(user="app", database="app", app__tenant="acme")
        assert refused.value.sqlstate == "57P03"


def registered(place, database="tampering"):
    config = sealed_config(place, tampers=1)
    config["tenancy"] = {"registry": {"server": "main", "database": database}}
    return config


def states(daemon):
    return [row["state"] for row in daemon.console("SHOW TENANTS") if row["name"] == "acme"]


def test_attempts_are_counted_in_the_metrics(place):
    config = sealed_config(place)
    config["http"] = {"port": free_port()}
    with Proxy(config) as daemon, daemon.wire_tenant("acme") as acme:
        forge(acme, "bravo", "")
        with urllib.request.urlopen(f"http://127.0.0.1:{config['http']['port']}/metrics") as answer:
            text = answer.read().decode()
    assert 'fahrend_tenant_tampers_total{tenant="acme"} 1\n' in text


def last_error(client):
    """The SQLSTATE that the client is closed with."""
    errors = errors_of(client.read_all())
    return errors[-1]["C"]


def test_a_tenant_that_becomes_another_role_is_counted(cluster):
    config = base_config(cluster.port)
    config["tenants"]["defaults"]["login"] = {"user": "postgres"}
    config["tenants"]["acme"] = {}
    with Proxy(config) as daemon, daemon.wire_tenant("acme") as acme:
        acme.ask(query("SET SESSION AUTHORIZATION other"))
        assert tampers(daemon, "acme") == 1


def test_a_tenant_that_leaves_its_schema_is_counted_where_the_server_tells():
    """PostgreSQL reports search_path from 18 on."""
    with Cluster(program("18")) as cluster:
        cluster.run("CREATE ROLE app LOGIN")
        cluster.run("CREATE DATABASE app")
        config = base_config(cluster.port)
        config["tenants"] = {"defaults": {"database": "app", "strategy": "schema",
                                          "login": {"user": "app"}, "pool": {"size": 1}},
                             "acme": {}, "bravo": {}}
        with Proxy(config) as daemon:
            with daemon.wire_tenant("acme") as acme, daemon.wire_tenant("bravo") as bravo:
                assert acme.value("SHOW search_path") == '"tenant_acme"'
                assert bravo.value("SHOW search_path") == '"tenant_bravo"'
                bravo.rows("RESET search_path")
                acme.rows("SET search_path = tenant_bravo")
                assert tampers(daemon, "acme") == 1
                bravo.rows("SELECT 1")
                acme.rows("SELECT set_config('search_path', '\"tenant_bravo\"', false)")
            assert tampers(daemon, "acme") == 2, "to what the connection was in: nothing is reported"
            assert tampers(daemon, "bravo") == 0
