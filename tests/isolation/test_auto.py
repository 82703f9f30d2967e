# SPDX-License-Identifier: MIT
"""rls.setup: auto: row security is set up at start, by a reload, and with the first tenant."""

import json

import pytest

from attacks import KEY
from deadline import wait_until
from proxy import Proxy, base_config

TABLE = """
CREATE TABLE words (tenant_id text NOT NULL, body text NOT NULL);
GRANT SELECT, INSERT ON words TO app;
"""


@pytest.fixture
def database(cluster, request):
    """The name of a database of the test's own, which is not there yet."""
    name = f"auto_{abs(hash(request.node.nodeid)) % 10**8}"
    yield name
    cluster.run(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


def make(cluster, database):
    cluster.run(f"CREATE DATABASE {database}")
    cluster.run(TABLE, database)


def auto_config(cluster, database, **rls):
    config = base_config(cluster.port)
    config["servers"]["main"]["admin"] = {"user": "postgres"}
    config["tenants"] = {"defaults": {"database": database, "login": {"user": "app"},
                                      "rls": {"seal": True, "key": KEY, "setup": "auto", **rls}},
                         "acme": {}, "bravo": {}}
    return config


def expect_set_up(daemon, database, times=1):
    line = f"row security set up database={database}"
    wait_until(lambda: daemon.log.count(line) >= times, line)


def expect_apart(daemon):
    for tenant in ("acme", "bravo"):
        with daemon.wire_tenant(tenant) as client:
            client.rows(f"INSERT INTO words (body) VALUES ('of {tenant}')")
    for tenant in ("acme", "bravo"):
        with daemon.wire_tenant(tenant) as client:
            assert {row[0] for row in client.rows("SELECT body FROM words")} == {f"of {tenant}"}


def test_policies_are_made_at_start(cluster, database):
    make(cluster, database)
    with Proxy(auto_config(cluster, database)) as daemon:
        expect_set_up(daemon, database)
        expect_apart(daemon)
        wait_until(lambda: "is shared: a tenant may call" in daemon.log, "warnings are logged")


def test_what_fails_is_said_and_tried_again(cluster, database):
    with Proxy(auto_config(cluster, database)) as daemon:
        wait_until(lambda: "row security cannot be set up" in daemon.log, "the failure is said")
        daemon.assert_alive()

        make(cluster, database)
        expect_set_up(daemon, database)
        expect_apart(daemon)


def test_a_reload_brings_a_changed_key_and_does_nothing_where_nothing_changed(cluster, database):
    make(cluster, database)
    config = auto_config(cluster, database)
    with Proxy(config) as daemon:
        expect_set_up(daemon, database)
        expect_apart(daemon)
        daemon.console("RELOAD")

        config["tenants"]["defaults"]["rls"].update(key=KEY[::-1])
        daemon.write(json.dumps(config))
        daemon.console("RELOAD")
        expect_set_up(daemon, database, times=2)
        expect_apart(daemon)
        assert daemon.log.count("row security set up") == 2


def test_the_first_tenant_of_a_database_brings_it(cluster, database):
    config = auto_config(cluster, database)
    config["tenancy"]["registry"] = {"server": "main", "database": "app"}
    config["tenants"]["defaults"]["database"] = database[:-2] + "{tenant}"
    del config["tenants"]["acme"], config["tenants"]["bravo"]
    cluster.run("CREATE DATABASE " + database[:-2] + "zz")
    cluster.run(TABLE, database[:-2] + "zz")
    try:
        with Proxy(config) as daemon:
            rows = daemon.console("CREATE TENANT zz")
            with daemon.wire_tenant("zz") as client:
                client.rows("INSERT INTO words (body) VALUES ('of zz')")
                assert client.rows("SELECT tenant_id, body FROM words") == [["zz", "of zz"]]
            assert any("fahrend_tenant" in row["text"] for row in rows)

            cluster.run("CREATE TABLE later (tenant_id text NOT NULL, body text NOT NULL);"
                        "GRANT SELECT, INSERT ON later TO app", database[:-2] + "zz")
            rows = daemon.console("CREATE TENANT zz")
            touched = {row["object"] for row in rows if "POLICY" in row["text"]}
            assert touched == {"public.later"}, "what was set up before is left"
            with daemon.wire_tenant("zz") as client:
                client.rows("INSERT INTO later (body) VALUES ('of zz')")
                assert client.rows("SELECT tenant_id FROM later") == [["zz"]]
            daemon.console("DROP TENANT zz CASCADE")
    finally:
        cluster.run(f"DROP DATABASE IF EXISTS {database[:-2]}zz WITH (FORCE)")
