# SPDX-License-Identifier: MIT
"""What a client asks for at startup is in force in its session, over any server connection."""

import pytest

from proxy import Proxy, base_config
from wirepeer import errors_of, query, rows_of, startup, terminate
from world import tenants_config


@pytest.fixture(scope="module")
def daemon(cluster):
    # One server connection: what one client asked for must not stay for the next.
    tenants = tenants_config(size=1)
    tenants["bravo"] = {"settings": {"statement_timeout": "30s", "work_mem": "5MB"}}
    with Proxy(base_config(cluster.port, tenants=tenants)) as proxy:
        yield proxy


OPTIONS = {
    "-c statement_timeout=1234": ("statement_timeout", "1234ms"),
    "-cstatement_timeout=1235": ("statement_timeout", "1235ms"),
    "--statement_timeout=1236": ("statement_timeout", "1236ms"),
    "--statement-timeout=1237": ("statement_timeout", "1237ms"),
    "-c statement-timeout=1238": ("statement_timeout", "1238ms"),
    "  -c   statement_timeout=1239  ": ("statement_timeout", "1239ms"),
    "-c work_mem=6MB -c statement_timeout=1240": ("statement_timeout", "1240ms"),
    "-c statement_timeout=1 -c statement_timeout=1241": ("statement_timeout", "1241ms"),
    r"-c search_path=a,\ b": ("search_path", "a, b"),
    r"-c my.setting=back\\slash": ("my.setting", "back\\slash"),
    "-c my.setting=it's=so": ("my.setting", "it's=so"),
    "-c geqo=off --work-mem=7MB": ("work_mem", "7MB"),
}


@pytest.mark.parametrize("options", OPTIONS)
def test_options_take_effect(daemon, options):
    name, value = OPTIONS[options]

    with daemon.wire_tenant("acme", options=options) as client:
        assert client.value(f"SHOW {name}") == value


PARAMETERS = [("TimeZone", "America/New_York"), ("client_encoding", "LATIN1"),
              ("DateStyle", "German, DMY"), ("application_name", "it's me"),
              ("statement_timeout", "4321ms"), ("extra_float_digits", "2"),
              ("IntervalStyle", "iso_8601"), ("my.own", 'quo"ted\\')]


@pytest.mark.parametrize("name,value", PARAMETERS)
def test_a_startup_parameter_takes_effect(daemon, name, value):
    with daemon.wire() as client:
        client.login(user="app", database="app", app__tenant="acme", **{name: value})

        assert client.value(f'SHOW "{name}"') == value


@pytest.mark.parametrize("name", ["TimeZone", "client_encoding", "DateStyle", "application_name"])
def test_what_the_login_reports_is_what_was_asked_for(daemon, name):
    value = dict(PARAMETERS)[name]
    with daemon.wire() as client:
        client.login(user="app", database="app", app__tenant="acme", **{name: value})

        assert client.parameters[name] == value


def test_a_login_reports_the_servers_version(daemon, cluster):
    version = cluster.run("SHOW server_version")[0][0]
    with daemon.wire_tenant("acme") as client:
        assert client.parameters["server_version"] == version


def test_clients_on_one_server_connection_keep_their_own_parameters(daemon):
    asked = ["UTC", "America/New_York", "Asia/Tokyo"]
    clients = [daemon.wire_tenant("acme", TimeZone=zone) for zone in asked]
    plain = daemon.wire_tenant("acme")

    for _ in range(3):
        assert [client.value("SHOW TimeZone") for client in clients] == asked
        assert plain.value("SHOW TimeZone") == "UTC"

    for client in (*clients, plain):
        client.close()


def test_a_reported_parameter_that_a_client_set_stays_its_own(daemon):
    with daemon.wire_tenant("acme") as first, daemon.wire_tenant("acme") as second:
        first.rows("SET TimeZone = 'Asia/Tokyo'")

        assert second.value("SHOW TimeZone") == "UTC"
        assert first.value("SHOW TimeZone") == "Asia/Tokyo"


def test_a_tenants_settings_are_in_force(daemon):
    with daemon.wire_tenant("bravo") as client:
        assert client.value("SHOW statement_timeout") == "30s"
        assert client.value("SHOW work_mem") == "5MB"


def test_a_tenants_settings_win_over_the_clients(daemon):
    with daemon.wire_tenant("bravo", options="-c statement_timeout=0") as client:
        assert client.value("SHOW statement_timeout") == "30s"


def test_a_parameter_that_the_server_refuses_is_an_error_and_not_a_silent_default(daemon):
    with daemon.wire() as client:
        client.send(startup(user="app", database="app", app__tenant="acme",
                            statement_timeout="nonsense"), query("SELECT 1"), terminate())
        seen = client.read_all()

    assert [fields["C"] for fields in errors_of(seen)] == ["22023"]
    assert not rows_of(seen)
