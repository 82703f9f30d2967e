# SPDX-License-Identifier: MIT
"""How an application names its tenant, and who is refused."""

import pytest

from drivers import DRIVERS, DriverError, run
from proxy import Proxy, base_config
from wirepeer import LoginFailed
from world import tenants_config

RULES = [
    {"parameter": "app.tenant"},
    {"user": "{user}.{tenant}"},
    {"database": "{database}@{tenant}"},
    {"application_name": "{tenant}/{application_name}"},
]
USERS = {
    "guest": {"password": "guest-secret", "tenants": ["acme", "br*"]},
    "nobody": {"password": "nobody-secret", "tenants": []},
}

# The same tenant, named in each way that there is.
WAYS = {
    "parameter in options": {"options": "-c app.tenant=acme"},
    "user": {"user": "app.acme"},
    "database": {"dbname": "app@acme"},
    "application_name": {"application_name": "acme/report"},
}


@pytest.fixture(scope="module")
def daemon(cluster):
    config = base_config(cluster.port, auth={"method": "scram-sha-256"}, users=USERS,
                         tenancy={"resolve": RULES}, tenants=tenants_config())
    with Proxy(config) as proxy:
        yield proxy


def refusal_of(daemon, password="app-secret", **parameters):
    """The SQLSTATE with which a login is refused."""
    parameters = {"user": "app", "database": "app", **parameters}
    with daemon.wire() as client, pytest.raises(LoginFailed) as refusal:
        client.login(password, **parameters)
    assert refusal.value.fields["S"] == refusal.value.fields["V"] == "FATAL"
    return refusal.value.sqlstate


@pytest.mark.parametrize("driver", DRIVERS)
@pytest.mark.parametrize("way", WAYS)
def test_a_tenant_is_named_by(daemon, way, driver):
    login = {"user": "app", "dbname": "app", "password": "app-secret", **WAYS[way]}

    (rows,) = run(driver, daemon, login, [("SELECT body FROM notes", [])])

    assert rows == [["of acme"]]


def test_a_tenant_is_named_by_a_bare_startup_parameter(daemon):
    with daemon.wire() as client:
        client.login("app-secret", user="app", database="app", app__tenant="bravo")

        assert client.rows("SELECT body FROM notes") == [["of bravo"]]


def test_rules_that_agree_are_fine(daemon):
    with daemon.wire() as client:
        client.login("app-secret", user="app.bravo", database="app@bravo", app__tenant="bravo")

        assert client.rows("SELECT body FROM notes") == [["of bravo"]]


def test_rules_that_disagree_are_refused(daemon):
    assert refusal_of(daemon, user="app.acme", database="app@bravo") == "08004"


def test_no_tenant_named_is_refused(daemon):
    assert refusal_of(daemon) == "08004"


def test_an_unknown_tenant_is_refused(daemon):
    assert refusal_of(daemon, app__tenant="nowhere") == "3D000"


@pytest.mark.parametrize("name", ["a b", 'a"b', "a'b", "-a", ".a", "a;b", "a" * 64, "ä"])
def test_a_name_that_cannot_be_a_tenant_is_refused(daemon, name):
    assert refusal_of(daemon, app__tenant=name) in ("08004", "3D000")


def test_application_name_is_left_without_the_tenant(daemon):
    login = {"user": "app", "password": "app-secret", "application_name": "acme/report"}
    with daemon.connect(**login) as conn:
        name = conn.execute("SELECT current_setting('application_name')").fetchone()[0]

    assert name == "report"


def test_a_user_enters_a_tenant_it_may_enter(daemon):
    for tenant in ("acme", "bravo"):
        with daemon.wire() as client:
            client.login("guest-secret", user="guest", database="app", app__tenant=tenant)

            assert client.rows("SELECT body FROM notes") == [[f"of {tenant}"]]


@pytest.mark.parametrize("user", ["guest", "nobody"])
def test_a_user_may_not_enter_another_tenant(daemon, user):
    assert refusal_of(daemon, f"{user}-secret", user=user, app__tenant="carol") == "28000"


@pytest.mark.parametrize("tenant", ["carol", "nowhere", "a b"])
def test_nothing_is_said_about_a_tenant_before_the_password(daemon, tenant):
    assert refusal_of(daemon, "wrong", user="guest", app__tenant=tenant) == "28P01"


def test_a_forbidden_and_an_unknown_tenant_look_alike_to_who_may_enter_neither(daemon):
    login = {"user": "guest", "database": "app"}
    answers = []
    for tenant in ("carol", "nowhere"):
        with daemon.wire() as client, pytest.raises(LoginFailed) as refusal:
            client.login("guest-secret", app__tenant=tenant, **login)
        fields = refusal.value.fields
        answers.append({letter: text.replace(tenant, "?") for letter, text in fields.items()})

    assert answers[0] == answers[1]


@pytest.mark.parametrize("name,value", [("role", "writer"), ("session_authorization", "app")])
@pytest.mark.parametrize("tenant", ["acme", "carol", "echo"])
def test_a_reserved_parameter_is_refused(daemon, tenant, name, value):
    options = f"-c {name}={value}"

    assert refusal_of(daemon, app__tenant=tenant, options=options) == "42501"
    assert refusal_of(daemon, app__tenant=tenant, **{name: value}) == "42501"


def test_search_path_is_reserved_under_schema(daemon):
    assert refusal_of(daemon, app__tenant="carol", search_path="tenant_delta") == "42501"


def test_search_path_is_free_under_rls(daemon):
    with daemon.wire() as client:
        client.login("app-secret", user="app", database="app", app__tenant="acme",
                     search_path="pg_catalog, public")

        assert client.value("SHOW search_path") == "pg_catalog, public"


def test_a_reserved_name_is_found_in_any_letter_case(daemon):
    assert refusal_of(daemon, app__tenant="acme", options="-c ROLE=writer") == "42501"


def test_the_rls_setting_is_reserved_where_no_rule_reads_it(start):
    daemon = start(tenancy={"resolve": [{"user": "{user}.{tenant}"}]})

    assert refusal_of(daemon, user="app.acme", app__tenant="bravo") == "42501"


def test_a_driver_sees_the_code_of_a_refusal(daemon):
    login = {"user": "app", "dbname": "app", "password": "app-secret",
             "options": "-c app.tenant=nowhere"}
    for driver in ("psql", "node-postgres"):
        with pytest.raises(DriverError) as refusal:
            run(driver, daemon, login, [("SELECT 1", [])])

        assert "nowhere" in str(refusal.value)
