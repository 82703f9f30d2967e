# SPDX-License-Identifier: MIT
"""What the console does to running traffic: pausing, closing, refusing, and going on.

A console that answers SHOW has put every earlier command through to the workers: whatever had an
answer by then has been given it, so that "not answered yet" needs no waiting.
"""

import asyncio
import os
import select
import shutil
import signal
import subprocess
import tempfile

import psycopg2
import pytest

from deadline import wait_until
from proxy import ConsoleError, Proxy, base_config, console_rows
from wirepeer import Closed, LoginFailed, errors_of, query, startup, tags_of
from world import tenants_config

HERE = os.path.dirname(os.path.abspath(__file__))
JDBC = "/usr/share/java/postgresql.jar"


@pytest.fixture
def daemon(cluster):
    config = base_config(cluster.port, tenants=tenants_config(size=3))
    with Proxy(config) as proxy:
        yield proxy


def console(daemon):
    client = daemon.wire()
    client.login("admin-secret", user="admin", database="fahrend")
    return client


def silent(client):
    """Nothing has come from the proxy."""
    return not client.pending and not select.select([client.sock], [], [], 0)[0]


def done(client):
    """The tag of the answer that is on its way; AssertionError for an error."""
    answer = client.read_until("Z")
    assert not errors_of(answer), errors_of(answer)
    return tags_of(answer)[0]


def servers(daemon, **wanted):
    return [row for row in daemon.console("SHOW SERVERS")
            if all(row[key] == value for key, value in wanted.items())]


def clients(daemon, **wanted):
    return [row for row in daemon.console("SHOW CLIENTS")
            if all(row[key] == value for key, value in wanted.items())]


def in_transaction(daemon, tenant="acme"):
    client = daemon.wire_tenant(tenant)
    assert not errors_of(client.ask(query("BEGIN")))
    return client


def waiting(daemon, client, tenant="acme"):
    """Sends a query and returns when it stands in the queue."""
    client.send(query("SELECT body FROM notes"))
    wait_until(lambda: clients(daemon, tenant=tenant, state="waiting"), "the query waits")


def text_of(answer):
    assert not errors_of(answer), errors_of(answer)
    return [m.body for m in answer if m.type == "D"][0][6:].decode()


# PAUSE and RESUME.


def test_pause_closes_server_connections_and_holds_queries(daemon):
    with daemon.wire_tenant("acme") as client:
        client.value("SELECT 1")
        daemon.console("PAUSE")
        assert servers(daemon) == []

        waiting(daemon, client)
        assert servers(daemon) == []
        daemon.console("RESUME")

        assert text_of(client.read_until("Z")) == "of acme"


def test_pause_answers_when_the_last_transaction_has_ended(daemon):
    with in_transaction(daemon) as client, console(daemon) as admin:
        admin.send(query("PAUSE"))
        wait_until(lambda: servers(daemon, close_needed="1"), "the pause has begun")
        assert silent(admin)

        assert client.value("SELECT body FROM notes") == "of acme"
        client.ask(query("COMMIT"))

        assert done(admin) == "PAUSE"
        assert servers(daemon) == []


def test_several_consoles_wait_for_their_own(daemon):
    with in_transaction(daemon) as client, console(daemon) as one, console(daemon) as other:
        daemon.console("RECONNECT")
        one.send(query("WAIT_CLOSE"))
        other.send(query("PAUSE app"))
        wait_until(lambda: daemon.console("SHOW POOLS")[0]["paused"] == "1", "it is paused")
        assert silent(one) and silent(other)

        client.ask(query("COMMIT"))

        assert (done(one), done(other)) == ("WAIT_CLOSE", "PAUSE")


def test_a_pause_that_is_undone_answers_with_an_error(daemon):
    with in_transaction(daemon) as client, console(daemon) as admin:
        admin.send(query("PAUSE"))
        wait_until(lambda: servers(daemon, close_needed="1"), "the pause has begun")

        daemon.console("RESUME")

        assert errors_of(admin.read_until("Z"))[0]["C"] == "57014"
        assert console_rows(admin, "SHOW STATE")[0]["value"] == "yes"
        assert client.value("SELECT body FROM notes") == "of acme"


def test_a_console_that_leaves_while_it_waits_leaves_the_pause(daemon):
    with in_transaction(daemon) as client:
        with console(daemon) as admin:
            admin.send(query("PAUSE"))
            wait_until(lambda: servers(daemon, close_needed="1"), "the pause has begun")
        client.ask(query("COMMIT"))
        wait_until(lambda: servers(daemon) == [], "the server connection is closed")

        waiting(daemon, client)
        daemon.console("RESUME")
        assert text_of(client.read_until("Z")) == "of acme"


def test_pause_of_a_database_leaves_the_others_alone(daemon):
    with daemon.wire_tenant("acme") as client, daemon.wire_tenant("golf") as other:
        daemon.console("PAUSE app")
        waiting(daemon, client)

        assert other.value("SELECT body FROM notes") == "of all"
        rows = {row["name"]: row["paused"] for row in daemon.console("SHOW DATABASES")}
        assert (rows["app"], rows["plain"]) == ("1", "0")

        daemon.console("RESUME app")
        assert text_of(client.read_until("Z")) == "of acme"


def test_a_pool_that_comes_later_is_paused_too(daemon):
    daemon.console("PAUSE")
    with daemon.wire() as client:
        client.send(startup(user="app", database="app", app__tenant="acme"))
        wait_until(lambda: clients(daemon, tenant="acme", state="waiting"), "the client waits")
        assert servers(daemon) == []
        daemon.console("RESUME")
        client.read_until("Z")
        assert client.value("SELECT body FROM notes") == "of acme"


def test_signals_pause_and_resume(daemon):
    with daemon.wire_tenant("acme") as client:
        client.value("SELECT 1")
        for _ in range(2):
            daemon.signal(signal.SIGUSR1)
            wait_until(lambda: daemon.console("SHOW STATE")[1]["value"] == "yes", "it is paused")
        waiting(daemon, client)
        daemon.signal(signal.SIGUSR2)

        assert text_of(client.read_until("Z")) == "of acme"
        assert daemon.console("SHOW STATE")[1]["value"] == "no"


def test_a_reload_resumes_nothing(daemon):
    with daemon.wire_tenant("acme") as client:
        daemon.console("PAUSE")
        daemon.console("RELOAD")
        waiting(daemon, client)
        daemon.console("RESUME")
        assert text_of(client.read_until("Z")) == "of acme"


@pytest.mark.parametrize("before, command", [
    ("PAUSE", "PAUSE"), ("PAUSE", "SUSPEND"), ("PAUSE", "PAUSE app"), ("PAUSE", "KILL app"),
    ("PAUSE app", "PAUSE app"), ("SHOW STATE", "RESUME"), ("SHOW STATE", "RESUME app"),
    ("PAUSE TENANT acme", "PAUSE TENANT acme"), ("SHOW STATE", "RESUME TENANT acme"),
    ("SUSPEND TENANT acme", "SUSPEND TENANT acme")])
def test_what_is_so_already_is_an_error(daemon, before, command):
    daemon.console(before)
    with pytest.raises(ConsoleError) as error:
        daemon.console(command)

    assert error.value.fields["C"] == "55000"


# SUSPEND.


def test_suspend_keeps_server_connections(daemon):
    with daemon.wire_tenant("acme") as client:
        pid = client.value("SELECT pg_backend_pid()")
        daemon.console("SUSPEND")
        assert daemon.console("SHOW STATE")[2] == {"key": "suspended", "value": "yes"}
        waiting(daemon, client)
        daemon.console("RESUME")
        client.read_until("Z")

        assert client.value("SELECT pg_backend_pid()") == pid


def test_suspend_answers_when_nothing_is_in_use(daemon):
    with in_transaction(daemon) as client, console(daemon) as admin:
        admin.send(query("SUSPEND"))
        wait_until(lambda: daemon.console("SHOW STATE")[2]["value"] == "yes", "it has begun")
        daemon.console("SHOW POOLS")
        assert silent(admin)

        client.ask(query("COMMIT"))

        assert done(admin) == "SUSPEND"


# DISABLE and ENABLE.


def test_a_disabled_database_refuses_new_clients_and_keeps_the_others(daemon):
    with daemon.wire_tenant("acme") as client:
        daemon.console("DISABLE app")
        with pytest.raises(LoginFailed) as refusal:
            daemon.wire_tenant("acme")
        assert 'database "app" is disabled' in refusal.value.fields["M"]
        assert client.value("SELECT body FROM notes") == "of acme"

        daemon.console("ENABLE app")
        daemon.wire_tenant("acme").close()


# RECONNECT and WAIT_CLOSE.


def test_reconnect_makes_server_connections_anew(daemon):
    with daemon.wire_tenant("acme") as client:
        pid = client.value("SELECT pg_backend_pid()")
        daemon.console("RECONNECT")

        assert client.value("SELECT pg_backend_pid()") != pid


def test_wait_close_waits_for_what_reconnect_replaces(daemon):
    with in_transaction(daemon) as client, console(daemon) as admin:
        daemon.console("RECONNECT app")
        admin.send(query("WAIT_CLOSE app"))
        daemon.console("SHOW POOLS")
        assert silent(admin)

        client.ask(query("COMMIT"))

        assert done(admin) == "WAIT_CLOSE"


# KILL and KILL_CLIENT.


def test_kill_closes_clients_and_servers_at_once(daemon):
    with in_transaction(daemon) as client, daemon.wire_tenant("golf") as other:
        daemon.console("KILL app")

        assert errors_of(client.read_all())[0]["C"] == "57P01"
        assert servers(daemon, database="app") == []
        assert other.value("SELECT body FROM notes") == "of all"

        daemon.console("RESUME app")
        with daemon.wire_tenant("acme") as again:
            assert again.value("SELECT body FROM notes") == "of acme"


def test_kill_closes_many_by_and_by(start):
    daemon = start(tenants=tenants_config(size=2))
    many = [daemon.wire_tenant("acme") for _ in range(450)]
    daemon.console("KILL")

    for client in many:
        assert errors_of(client.read_all())[0]["C"] == "57P01"
        client.close()
    daemon.console("RESUME")
    with daemon.wire_tenant("acme") as client:
        assert client.value("SELECT body FROM notes") == "of acme"


def test_kill_client_closes_the_one(daemon):
    with daemon.wire_tenant("acme", application_name="victim") as victim, \
            daemon.wire_tenant("acme") as other:
        (row,) = clients(daemon, application_name="victim")
        daemon.console(f"KILL_CLIENT {row['id']}")

        (error,) = errors_of(victim.read_all())
        assert (error["C"], error["M"]) == ("57P01", "admin forced disconnect")
        assert other.value("SELECT body FROM notes") == "of acme"


def test_kill_client_reaches_a_console(daemon):
    with console(daemon) as victim, console(daemon) as admin:
        ids = sorted(int(row["id"]) for row in console_rows(admin, "SHOW CLIENTS")
                     if row["database"] == "fahrend")
        assert not errors_of(admin.ask(query(f"KILL_CLIENT {ids[0]}")))

        assert errors_of(victim.read_all())[0]["M"] == "admin forced disconnect"
        assert console_rows(admin, "SHOW VERSION")


def test_kill_client_of_none_is_an_error(daemon):
    with pytest.raises(ConsoleError) as error:
        daemon.console("KILL_CLIENT 4711")

    assert error.value.fields["M"] == "client 4711 not found"


# Tenants.


def state_of(daemon, tenant):
    return {row["name"]: row["state"] for row in daemon.console("SHOW TENANTS")}[tenant]


def test_pause_tenant_holds_its_queries_and_no_others(daemon):
    with daemon.wire_tenant("acme") as client, daemon.wire_tenant("bravo") as other:
        client.value("SELECT 1")
        daemon.console("PAUSE TENANT acme")
        assert state_of(daemon, "acme") == "paused"
        waiting(daemon, client)

        for _ in range(20):
            assert other.value("SELECT body FROM notes") == "of bravo"
        assert clients(daemon, tenant="acme", state="waiting")

        daemon.console("RESUME TENANT acme")
        assert text_of(client.read_until("Z")) == "of acme"
        assert state_of(daemon, "acme") == "active"


def test_pause_tenant_waits_for_its_transactions(daemon):
    with in_transaction(daemon) as client, in_transaction(daemon, "bravo") as other, \
            console(daemon) as admin:
        admin.send(query("PAUSE TENANT acme"))
        wait_until(lambda: state_of(daemon, "acme") == "paused", "it has begun")
        assert silent(admin)

        client.ask(query("COMMIT"))

        assert done(admin) == "PAUSE TENANT"
        assert other.value("SELECT body FROM notes") == "of bravo"


def test_pause_tenant_closes_connections_to_its_own_database(daemon):
    with daemon.wire_tenant("echo") as client, daemon.wire_tenant("foxtrot") as other:
        client.value("SELECT 1")
        other.value("SELECT 1")
        daemon.console("PAUSE TENANT echo")

        assert servers(daemon, database="tenant_echo") == []
        assert other.value("SELECT body FROM notes") == "of foxtrot"
        waiting(daemon, client, "echo")
        daemon.console("RESUME TENANT echo")
        assert text_of(client.read_until("Z")) == "of echo"


def test_suspend_tenant_closes_its_clients_and_refuses_new_ones(daemon):
    with daemon.wire_tenant("acme") as client, daemon.wire_tenant("bravo") as other:
        daemon.console("SUSPEND TENANT acme")

        assert errors_of(client.read_all())[0]["C"] == "57P03"
        assert state_of(daemon, "acme") == "suspended"
        with pytest.raises(LoginFailed) as refusal:
            daemon.wire_tenant("acme")
        assert refusal.value.sqlstate == "57P03"
        assert other.value("SELECT body FROM notes") == "of bravo"

        daemon.console("RESUME TENANT acme")
        with daemon.wire_tenant("acme") as again:
            assert again.value("SELECT body FROM notes") == "of acme"


@pytest.mark.parametrize("command", ["PAUSE TENANT", "RESUME TENANT", "SUSPEND TENANT"])
def test_a_tenant_that_there_is_not(daemon, command):
    with pytest.raises(ConsoleError) as error:
        daemon.console(f"{command} nobody")

    assert error.value.fields["C"] == "3D000"


# Figures.


def figures_of(daemon, database):
    (row,) = [row for row in daemon.console("SHOW STATS") if row["database"] == database]
    return {key: int(value) for key, value in row.items() if value.isdigit()}


def test_stats_count_what_was_done_in_a_database(daemon):
    with daemon.wire_tenant("acme") as client, daemon.wire_tenant("golf") as other:
        for _ in range(5):
            client.value("SELECT body FROM notes")
        other.value("SELECT 1")
        client.value("SELECT count(*) FROM (SELECT pg_sleep(0.2)) x")
        now = figures_of(daemon, "app")

        assert (now["total_xact_count"], now["total_query_count"]) == (6, 6)
        assert now["total_client_login_count"] == 1
        assert now["total_server_assignment_count"] >= 6
        assert 200_000 <= now["total_query_time"] <= now["total_xact_time"] + 10_000
        assert now["avg_query_time"] == now["total_query_time"] // 6
        assert figures_of(daemon, "plain")["total_query_count"] == 1
        totals = {row["name"]: int(row["value"]) for row in daemon.console("SHOW TOTALS")}
        assert totals["total_query_count"] == 7


def test_stats_outlive_the_pool(daemon):
    with daemon.wire_tenant("golf") as client:
        client.value("SELECT 1")
    daemon.console("KILL plain")
    wait_until(lambda: not [row for row in daemon.console("SHOW POOLS")
                            if row["database"] == "plain"], "the pool is gone")

    assert figures_of(daemon, "plain")["total_query_count"] == 1


def test_the_time_in_the_queue_counts(daemon):
    with daemon.wire_tenant("acme") as client:
        client.value("SELECT 1")
        daemon.console("PAUSE")
        waiting(daemon, client)
        wait_until(lambda: clients(daemon, tenant="acme", wait="1"), "it waits for a second")
        daemon.console("RESUME")
        client.read_until("Z")

    assert figures_of(daemon, "app")["total_wait_time"] >= 1_000_000


def test_both_ends_of_a_connection_are_shown(daemon, cluster):
    with in_transaction(daemon):
        (client,) = clients(daemon, tenant="acme")
        (server,) = servers(daemon, tenant="acme")

    assert (client["local_addr"], client["local_port"]) == ("127.0.0.1", str(daemon.port))
    assert (server["addr"], server["port"]) == ("127.0.0.1", str(cluster.port))
    assert (client["link"], server["link"]) == (server["ptr"], client["ptr"])


def test_users_are_counted(daemon):
    with daemon.wire_tenant("acme") as client:
        client.value("SELECT 1")
        rows = {row["name"]: row for row in daemon.console("SHOW USERS")}

    assert rows["app"]["current_client_connections"] == "1"
    assert rows["app"]["current_connections"] == "1"


@pytest.mark.parametrize("noun", [
    "TENANTS", "POOLS", "CLIENTS", "SERVERS", "DATABASES", "LISTS", "USERS", "STATS",
    "STATS_TOTALS", "STATS_AVERAGES", "TOTALS", "MEM", "SOCKETS", "ACTIVE_SOCKETS", "STATE",
    "CONFIG", "VERSION"])
def test_every_noun_can_be_shown(daemon, noun):
    with in_transaction(daemon) as client, daemon.wire_tenant("echo"):
        client.value("SELECT 1")

        assert daemon.console(f"SHOW {noun}")


# Drivers.


def test_asyncpg_can_use_the_console(daemon):
    asyncpg = pytest.importorskip("asyncpg")

    async def ask():
        conn = await asyncpg.connect(host=daemon.host, port=daemon.port, user="admin",
                                     password="admin-secret", database="fahrend")
        rows = await conn.fetch("SHOW LISTS")
        async with conn.transaction():
            state = await conn.fetchval("SHOW STATE")
        await conn.close()
        return {row["list"]: row["items"] for row in rows}, state

    lists, state = asyncio.run(ask())
    assert lists["tenants"] == 8
    assert state == "active"


def test_psycopg2_can_use_the_console_in_a_transaction(daemon):
    conn = psycopg2.connect(host=daemon.host, port=daemon.port, user="admin",
                            password="admin-secret", dbname="fahrend")
    with conn, conn.cursor() as cursor:
        cursor.execute("SHOW LISTS")
        assert dict(cursor.fetchall())["tenants"] == 8
    conn.close()


def program(command):
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_node_postgres_can_use_the_console(daemon):
    script = os.path.join(HERE, "drivers_node", "console.js")

    assert program(["node", script, str(daemon.port)]) == "ok active 8\n"


def test_jdbc_can_use_the_console(daemon):
    if not os.path.exists(JDBC) or shutil.which("javac") is None:
        pytest.skip("the packages libpostgresql-jdbc-java and default-jdk-headless are missing")
    with tempfile.TemporaryDirectory() as classes:
        program(["javac", "-d", classes, os.path.join(HERE, "drivers_jdbc", "Console.java")])
        said = program(["java", "-cp", f"{classes}:{JDBC}", "Console", str(daemon.port)])

    assert said == "ok active 8 8\n"


# The end while somebody waits.


def test_it_ends_while_consoles_wait(cluster):
    config = base_config(cluster.port, tenants=tenants_config())
    with Proxy(config) as daemon:
        client, admin = in_transaction(daemon), console(daemon)
        admin.send(query("PAUSE"))
        wait_until(lambda: servers(daemon, close_needed="1"), "the pause has begun")
        daemon.stop()

    with client, admin, pytest.raises(Closed):
        admin.read_until("Z")
