# SPDX-License-Identifier: MIT
"""In session mode what a client asked for at its login is what RESET returns to, as at the server."""

import contextlib

import psycopg
import pytest

from proxy import Proxy, base_config


@pytest.fixture(scope="module")
def daemon(cluster):
    tenants = {
        "defaults": {"strategy": "none", "database": "app", "pool": {"mode": "session", "size": 2}},
        "one": {"pool": {"size": 1}},
        "acme": {},
        "shop": {"strategy": "rls"},
    }
    with Proxy(base_config(cluster.port, tenants=tenants)) as proxy:
        yield proxy


@contextlib.contextmanager
def one_connection(cluster, mode):
    """A daemon of its own, of one tenant: others of its role would share its connections."""
    tenants = {"solo": {"strategy": "none", "database": "app", "pool": {"mode": mode, "size": 1}}}
    with Proxy(base_config(cluster.port, tenants=tenants)) as proxy:
        yield proxy


@pytest.mark.parametrize("tenant", ["acme", "shop"])
@pytest.mark.parametrize("undo", ["RESET DateStyle", "RESET ALL", "DISCARD ALL", "SET DateStyle TO DEFAULT"])
def test_a_reset_returns_to_what_the_client_asked_for(daemon, tenant, undo):
    with daemon.wire_tenant(tenant, DateStyle="German, DMY") as client:
        client.rows("SET DateStyle = 'ISO, YMD'")
        client.rows(undo)

        assert client.value("SHOW DateStyle") == "German, DMY"
        assert client.value("SELECT source FROM pg_settings WHERE name = 'DateStyle'") == "client"


def test_options_are_returned_to_as_well(daemon):
    with daemon.wire_tenant("acme", options="-c work_mem=7MB -c TimeZone=Asia/Tokyo") as client:
        client.rows("SET work_mem = '9MB'")
        client.rows("RESET ALL")

        assert (client.value("SHOW work_mem"), client.value("SHOW TimeZone")) == ("7MB", "Asia/Tokyo")


def test_what_can_be_set_at_a_login_only_is_set(daemon):
    with daemon.wire_tenant("acme", options="-c ignore_system_indexes=on") as client:
        assert client.value("SHOW ignore_system_indexes") == "on"


def test_nothing_of_it_is_another_clients(daemon):
    zones = ["Asia/Tokyo", None, "America/New_York", None, "Asia/Tokyo"]
    for zone in zones:
        asked = {} if zone is None else {"TimeZone": zone}
        with daemon.wire_tenant("one", **asked) as client:
            assert client.parameters["TimeZone"] == (zone or "UTC")
            client.rows("SET TimeZone = 'Asia/Aden'")
            client.rows("RESET TimeZone")
            assert client.value("SHOW TimeZone") == (zone or "UTC")


def test_the_same_again_finds_the_same_server_process(cluster):
    pids = set()
    with one_connection(cluster, "session") as daemon:
        for _ in range(3):
            with daemon.wire_tenant("solo", DateStyle="SQL, DMY", application_name="any") as client:
                pids.add(client.value("SELECT pg_backend_pid()"))

    assert len(pids) == 1


def test_a_wrong_value_is_refused_with_the_servers_words_and_nobody_else_notices(daemon):
    for _ in range(5):
        with pytest.raises(psycopg.OperationalError, match='invalid value for parameter "work_mem"'):
            daemon.tenant("acme", options="-c work_mem=much")
        with daemon.wire_tenant("acme", DateStyle="SQL, MDY") as client:
            assert client.value("SHOW DateStyle") == "SQL, MDY"
        with daemon.wire_tenant("acme") as client:
            assert client.value("SELECT 1") == "1"


def test_in_transaction_mode_all_share_one_connection(cluster):
    pids = set()
    with one_connection(cluster, "transaction") as daemon:
        for zone in ("Asia/Tokyo", "Asia/Aden"):
            with daemon.wire_tenant("solo", TimeZone=zone) as client:
                assert client.value("SHOW TimeZone") == zone
                pids.add(client.value("SELECT pg_backend_pid()"))

    assert len(pids) == 1
