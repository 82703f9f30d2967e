# SPDX-License-Identifier: MIT
"""Each tenant reads and writes only its own rows: every strategy, pool mode and client."""

import psycopg
import pytest

from drivers import DRIVERS, run
from proxy import Proxy, base_config
from world import STRATEGIES, tenants_config

ISOLATING = {name: pair for name, pair in STRATEGIES.items() if name != "none"}
# Where the superuser finds a tenant's rows without the proxy: database and table.
PLACES = {"rls": ("app", "public.notes"), "schema": ("app", "tenant_{}.notes"),
          "database": ("tenant_{}", "public.notes")}


@pytest.fixture(scope="module", params=["session", "transaction"])
def daemon(request, cluster):
    tenants = tenants_config(request.param)
    with Proxy(base_config(cluster.port, tenants=tenants)) as proxy:
        yield proxy


def login_of(tenant):
    return {"user": "app", "dbname": "app", "options": f"-c app.tenant={tenant}"}


@pytest.mark.parametrize("driver", DRIVERS)
@pytest.mark.parametrize("strategy", ISOLATING)
def test_a_tenant_reads_only_its_own_rows(daemon, strategy, driver):
    for tenant in ISOLATING[strategy]:
        (rows,) = run(driver, daemon, login_of(tenant), [("SELECT body FROM notes", [])])

        assert rows == [[f"of {tenant}"]]


@pytest.mark.parametrize("driver", DRIVERS)
@pytest.mark.parametrize("strategy", ISOLATING)
def test_what_a_tenant_writes_only_it_can_read(daemon, strategy, driver):
    writer, other = ISOLATING[strategy]
    body = f"by {driver}"
    find = ("SELECT body FROM notes WHERE body = $1", [body])
    insert = ("INSERT INTO notes (body) VALUES ($1)", [body])
    delete = ("DELETE FROM notes WHERE body = $1 RETURNING body", [body])

    _, seen_by_writer = run(driver, daemon, login_of(writer), [insert, find])
    seen_by_other, deleted_by_other = run(driver, daemon, login_of(other), [find, delete])
    (deleted_by_writer,) = run(driver, daemon, login_of(writer), [delete])

    assert seen_by_writer == [[body]]
    assert seen_by_other == []
    assert deleted_by_other == []
    assert deleted_by_writer == [[body]]


@pytest.mark.parametrize("strategy", ISOLATING)
def test_a_written_row_lies_where_the_strategy_puts_it(daemon, cluster, strategy):
    tenant = ISOLATING[strategy][0]
    database, table = (part.format(tenant) for part in PLACES[strategy])
    body = f"placed by {strategy}"

    with daemon.tenant(tenant) as conn:
        conn.execute("INSERT INTO notes (body) VALUES (%s)", [body])

    gone = cluster.run(f"DELETE FROM {table} WHERE body = %s RETURNING body", database, [body])
    assert gone == [(body,)]


def test_rls_refuses_a_row_in_another_tenants_name(daemon):
    with daemon.tenant("acme") as conn, pytest.raises(psycopg.errors.InsufficientPrivilege):
        conn.execute("INSERT INTO notes (tenant_id, body) VALUES ('bravo', 'forged')")


def test_the_database_strategy_logs_in_as_the_tenants_role(daemon):
    with daemon.tenant("echo") as conn:
        row = conn.execute("SELECT current_database(), session_user").fetchone()

    assert row == ("tenant_echo", "tenant_echo")


def test_none_forwards_without_a_context(daemon):
    with daemon.tenant("golf") as conn:
        row = conn.execute("SELECT current_database(), current_setting('app.tenant', true), "
                           "current_setting('search_path')").fetchone()

    assert row == ("plain", None, '"$user", public')


@pytest.mark.parametrize("driver", DRIVERS)
def test_none_reads_the_common_rows(daemon, driver):
    for tenant in STRATEGIES["none"]:
        (rows,) = run(driver, daemon, login_of(tenant), [("SELECT body FROM notes", [])])

        assert rows == [["of all"]]


def test_all_strategies_serve_side_by_side(daemon):
    connections = {tenant: daemon.tenant(tenant)
                   for pair in ISOLATING.values() for tenant in pair}

    for _ in range(3):
        for tenant, conn in connections.items():
            assert conn.execute("SELECT body FROM notes").fetchall() == [(f"of {tenant}",)]

    for conn in connections.values():
        conn.close()
