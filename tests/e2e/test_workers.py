# SPDX-License-Identifier: MIT
"""Several workers: clients log in where the kernel puts them and are served where their pool lives.

The number of a server connection holds the index of its worker (proxy.h: PROXY_IDS)."""

import contextlib
import signal
import threading

import psycopg
import pytest

from deadline import wait_until
from proxy import Proxy, base_config
from wirepeer import LoginFailed, WireClient, errors_of, message, query, rows_of, startup
from world import DATABASE, NONE, RLS, SCHEMA, tenants_config

IDS = 128
WORKERS = 3
TENANTS = (*RLS, *SCHEMA, *DATABASE, *NONE)


@pytest.fixture(scope="module")
def crew(cluster):
    """Three workers; the shared pool in three shards."""
    config = base_config(cluster.port, workers=WORKERS, tenants=tenants_config(size=6, shards=3))
    with Proxy(config) as daemon:
        yield daemon


def workers_of(daemon, **columns):
    """Workers on which there are server connections with these values."""
    return {int(s["id"]) % IDS for s in daemon.console("SHOW SERVERS")
            if all(s[name] == value for name, value in columns.items())}


def everybody(daemon, times=4):
    """A client of each tenant, several times over: some are accepted by each worker."""
    return [(name, daemon.wire_tenant(name)) for name in TENANTS for _ in range(times)]


def close_all(clients):
    for _, client in clients:
        client.close()


def test_every_client_reaches_its_own_tenant_from_whichever_worker_accepts_it(crew):
    clients = everybody(crew)

    for name, client in clients:
        owner = "all" if name in NONE else name
        assert rows_of(client.ask(query("SELECT body FROM notes"))) == [[f"of {owner}"]]

    accepted_by = {int(c["id"]) % IDS for c in crew.console("SHOW CLIENTS")}
    assert len(workers_of(crew)) == WORKERS
    assert accepted_by >= {0, 1, 2}
    close_all(clients)


def test_a_pool_in_shards_has_its_size_and_uses_all_workers(crew):
    clients = everybody(crew)
    for _, client in clients:
        client.send(query("SELECT pg_sleep(0.3)"))
    for _, client in clients:
        client.read_until()

    pool, = [p for p in crew.console("SHOW POOLS") if p["database"] == "app"]
    servers = [s for s in crew.console("SHOW SERVERS") if s["database"] == "app"]
    assert int(pool["pool_size"]) == 6
    assert len(servers) <= 6
    assert len(workers_of(crew, database="app")) > 1
    close_all(clients)


def test_what_a_client_sends_behind_its_login_travels_with_it(crew):
    for number in range(30):
        name = TENANTS[number % len(TENANTS)]
        with WireClient(crew.port) as client:
            client.send(startup(user="app", database="app", app__tenant=name)
                        + query(f"SELECT {number}") + query("SELECT 'next'"))
            first, second = client.read_until(), None
            first = client.read_until()
            second = client.read_until()
        assert rows_of(first) == [[str(number)]]
        assert rows_of(second) == [["next"]]


def test_a_cancel_that_lands_anywhere_finds_its_client(crew):
    connections = [crew.tenant(name) for name in TENANTS for _ in range(2)]
    errors = []

    def sleep(connection):
        try:
            connection.execute("SELECT pg_sleep(60)")
        except psycopg.errors.QueryCanceled as error:
            errors.append(error)

    threads = [threading.Thread(target=sleep, args=(c,)) for c in connections]
    for thread in threads:
        thread.start()

    def cancel_until_over():
        for connection in connections:
            connection.cancel()
        return len(errors) == len(connections)

    wait_until(cancel_until_over, "all are cancelled")
    for thread in threads:
        thread.join()
    for connection in connections:
        connection.close()


def test_pause_and_resume_reach_every_worker(crew):
    clients = everybody(crew, 2)
    crew.console("PAUSE")
    for _, client in clients:
        client.send(query("SELECT 1"))
    wait_until(lambda: sum(int(p["cl_waiting"]) for p in crew.console("SHOW POOLS"))
               == len(clients), "all wait")

    crew.console("RESUME")

    for _, client in clients:
        assert not errors_of(client.read_until())
    close_all(clients)


def test_a_tenant_is_suspended_on_every_worker(crew):
    clients = [crew.wire_tenant("echo") for _ in range(12)]
    assert len(workers_of(crew, database="tenant_echo")) >= 1

    crew.console("SUSPEND TENANT echo")

    for client in clients:
        assert errors_of(client.read_all())[0]["C"] == "57P03"
    crew.console("RESUME TENANT echo")
    crew.wire_tenant("echo").close()


def test_a_client_is_killed_wherever_it_lives(crew):
    clients = [crew.wire_tenant(name, application_name="victim") for name in TENANTS]
    theirs = {row["id"] for row in crew.console("SHOW CLIENTS") if row["application_name"] == "victim"}
    assert len(theirs) == len(clients)
    for number in theirs:
        crew.console(f"KILL_CLIENT {number}")

    for client in clients:
        assert errors_of(client.read_all())[0]["M"] == "admin forced disconnect"
        client.close()


def test_reload_reaches_every_worker(cluster, start):
    daemon = start(workers=WORKERS)
    clients = everybody(daemon, 1)

    daemon.console("RELOAD")

    for _, client in clients:
        assert not errors_of(client.ask(query("SELECT 1")))
    close_all(clients)


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_a_drain_waits_for_the_clients_of_all_workers(start, how):
    daemon = start(workers=WORKERS)
    with contextlib.ExitStack() as stack:
        clients = [stack.enter_context(client) for _, client in everybody(daemon, 1)]
        for client in clients:
            client.send(query("BEGIN; SELECT 1"))
            assert not errors_of(client.read_until())

        daemon.signal(how)

        for client in clients:
            client.send(query("COMMIT"))
            assert not errors_of(client.read_until())
            if how == signal.SIGTERM:
                client.send(message("X"))
    daemon.expect_end()


def test_clients_over_the_unix_socket_are_shared_by_the_workers(start, tmp_path):
    daemon = start(workers=WORKERS, listen={"unix_dir": str(tmp_path)})
    daemon.console("SHOW VERSION")  # all sockets are open

    connections = [psycopg.connect(host=str(tmp_path), port=daemon.port, user="app", dbname="app",
                                   options=f"-c app.tenant={name}") for name in TENANTS * 2]

    for connection in connections:
        assert len(connection.execute("SELECT body FROM notes").fetchall()) == 1
        connection.close()


# What holds for all workers together. A tenant with a pool of its own in shards has clients on each.

def spread(**tenant):
    """The file's part about one tenant whose clients are spread over all workers."""
    return {"echo": {"strategy": "database", "database": "tenant_{tenant}", "login": "tenant",
                     "pool": {"size": 6, "shards": WORKERS}, **tenant}}


def linked(cluster):
    """How many statements run at the server."""
    (count,), = cluster.run("SELECT count(*) FROM pg_stat_activity WHERE state = 'active'"
                            " AND query LIKE '%pg_sleep%' AND pid <> pg_backend_pid()")
    return count


def test_a_tenants_clients_are_counted_over_all_workers(start):
    daemon = start(workers=WORKERS, tenants=spread(limits={"clients": 5}))
    clients = [daemon.wire_tenant("echo") for _ in range(5)]
    for client in clients:
        assert client.value("SELECT 1") == "1"
    assert len(workers_of(daemon, database="tenant_echo")) > 1

    with pytest.raises(LoginFailed) as refused:
        daemon.wire_tenant("echo")

    assert refused.value.sqlstate == "53300"
    clients.pop().close()
    wait_until(lambda: len(daemon.console("SHOW CLIENTS")) == 5, "one has gone")
    clients.append(daemon.wire_tenant("echo"))
    for client in clients:
        client.close()


def test_a_tenants_connections_are_limited_over_all_workers(cluster, start):
    daemon = start(workers=WORKERS, tenants=spread(limits={"connections": 1}))
    clients = [daemon.wire_tenant("echo") for _ in range(9)]
    for client in clients:
        client.send(query("SELECT pg_sleep(0.1)"))

    assert max(linked(cluster) for _ in range(20)) == 1

    for client in clients:
        assert not errors_of(client.read_until())
        client.close()


def test_workers_share_what_a_server_allows(cluster, start):
    daemon = start(workers=WORKERS, servers={"main": {"max_connections": 2}})
    clients = [daemon.wire_tenant(name) for name in TENANTS for _ in range(3)]
    for _ in range(3):
        for client in clients:
            client.send(query("SELECT pg_sleep(0.01)"))
        assert linked(cluster) <= 2
        for client in clients:
            assert not errors_of(client.read_until())

    assert len(daemon.console("SHOW SERVERS")) <= 2
    for client in clients:
        client.close()


def test_a_connection_that_idles_on_one_worker_makes_room_on_another(start):
    daemon = start(workers=WORKERS, servers={"main": {"max_connections": 1}})
    clients = [daemon.wire_tenant(name) for name in (*DATABASE, "acme", "golf")]

    for _ in range(5):
        for client in clients:
            assert client.value("SELECT 1") == "1"

    for client in clients:
        client.close()
