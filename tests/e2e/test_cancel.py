# SPDX-License-Identifier: MIT
"""Cancelling: the right query, a queued one too, and never another client's."""

import threading

import psycopg
import pytest

from deadline import wait_until
from proxy import Proxy, base_config
from scripted import ScriptedServer
from wirepeer import WireClient, cancel_request, errors_of, query, rows_of
from world import tenants_config

LATE_CANCELS = 150


@pytest.fixture(scope="module")
def one(cluster):
    with Proxy(base_config(cluster.port, tenants=tenants_config(size=1))) as daemon:
        yield daemon


def request_cancel(daemon, client):
    """Sends a CancelRequest with a client's key, as a driver does, and waits for its close."""
    with WireClient(daemon.port) as requester:
        requester.send(cancel_request(*client.cancel_key))
        assert requester.at_end()


def running(cluster, marker):
    return cluster.run("SELECT 1 FROM pg_stat_activity WHERE state = 'active' AND query LIKE %s"
                       " AND pid <> pg_backend_pid()", params=(f"%{marker}%",))


def test_a_cancel_ends_the_running_query(one, cluster):
    with one.wire_tenant("acme") as client:
        client.send(query("SELECT pg_sleep(120), 'cancel me'"))
        wait_until(lambda: running(cluster, "cancel me"), "the query runs")
        request_cancel(one, client)
        answer = client.read_until()

        assert errors_of(answer)[0]["C"] == "57014"
        assert client.value("SELECT body FROM notes") == "of acme"


def test_a_driver_cancels(one, cluster):
    with one.tenant("acme") as conn:
        canceller = threading.Thread(target=lambda: (
            wait_until(lambda: running(cluster, "by a driver"), "the query runs"), conn.cancel()))
        canceller.start()
        with pytest.raises(psycopg.errors.QueryCanceled):
            conn.execute("SELECT pg_sleep(120), 'by a driver'")
        canceller.join()


def test_a_cancel_ends_a_query_in_a_transaction_and_fails_it(one, cluster):
    with one.wire_tenant("acme") as client:
        client.ask(query("BEGIN"))
        client.send(query("SELECT pg_sleep(120), 'in a block'"))
        wait_until(lambda: running(cluster, "in a block"), "the query runs")
        request_cancel(one, client)

        assert client.read_until()[-1].body == b"E"
        assert client.ask(query("ROLLBACK"))[-1].body == b"I"


def test_a_queued_query_is_cancelled_on_the_spot(one):
    with one.wire_tenant("acme") as holder, one.wire_tenant("bravo") as waiter:
        holder.ask(query("BEGIN"))
        waiter.send(query("SELECT 1"))
        wait_until(lambda: sum(int(p["cl_waiting"]) for p in one.console("SHOW POOLS")) == 1,
                   "the client waits")

        request_cancel(one, waiter)

        assert errors_of(waiter.read_until())[0]["C"] == "57014"
        holder.ask(query("COMMIT"))
        assert waiter.value("SELECT body FROM notes") == "of bravo"


def test_a_cancel_in_session_mode_ends_the_running_query(start, cluster):
    daemon = start(tenants=tenants_config("session"))
    with daemon.wire_tenant("acme") as client:
        client.send(query("SELECT pg_sleep(120), 'in a session'"))
        wait_until(lambda: running(cluster, "in a session"), "the query runs")
        request_cancel(daemon, client)

        assert errors_of(client.read_until())[0]["C"] == "57014"


def test_a_cancel_of_an_idle_client_does_nothing(one):
    with one.wire_tenant("acme") as client:
        client.value("SELECT 1")
        request_cancel(one, client)

        assert client.value("SELECT 1") == "1"


@pytest.mark.parametrize("change", ["pid", "key"])
def test_a_cancel_with_a_wrong_key_does_nothing(one, cluster, change):
    with one.wire_tenant("acme") as client:
        pid, key = client.cancel_key
        wrong = (pid ^ 1, key) if change == "pid" else (pid, bytes([key[0] ^ 1]) + key[1:])
        client.send(query("SELECT 'ran', pg_sleep(0.7), 'wrong key'"))
        wait_until(lambda: running(cluster, "wrong key"), "the query runs")
        with WireClient(one.port) as requester:
            requester.send(cancel_request(*wrong))
            assert requester.at_end()

        assert rows_of(client.read_until())[0][0] == "ran"


def test_each_client_has_a_key_of_its_own(one):
    clients = [one.wire_tenant("acme") for _ in range(20)]

    assert len({client.cancel_key for client in clients}) == 20
    for client in clients:
        client.close()


def test_a_late_cancel_never_reaches_another_client(one):
    """The victim shares the one backend with whoever cancels what has just ended."""
    with one.wire_tenant("acme") as canceller, one.wire_tenant("bravo") as victim:
        for number in range(LATE_CANCELS):
            canceller.send(query("SELECT pg_sleep(0.001)"))
            with WireClient(one.port) as requester:
                requester.send(cancel_request(*canceller.cancel_key))
                victim.send(query(f"SELECT {number}, pg_sleep(0.002)"))
                canceller.read_until()
                answer = victim.read_until()

                assert not errors_of(answer), f"query {number} was hit"
                assert rows_of(answer)[0][0] == str(number)


def test_a_connection_is_not_handed_on_while_a_cancel_is_under_way():
    """The scripted server lets the cancel connection lie: until it is closed, nobody else may have
    the connection that the cancel was meant for."""
    with ScriptedServer() as server:
        config = base_config(server.port, tenants=tenants_config(size=1))
        with Proxy(config) as daemon, daemon.wire_tenant("acme") as first, \
                daemon.wire_tenant("bravo") as second:
            first.ask(query("SELECT 'warm'"))
            server.hold()
            server.hold_cancels()
            first.send(query("SELECT 'long'"))
            server.wait_for(lambda s: any(r.type == "Q" and b"long" in r.body for r in s.received),
                            "the query arrives")
            with WireClient(daemon.port) as requester:
                requester.send(cancel_request(*first.cancel_key))
                server.wait_for(lambda s: any(r.type == "cancel" for r in s.received),
                                "the cancel arrives")
                server.release()
                first.read_until()
                second.send(query("SELECT 'innocent'"))
                daemon.console("SHOW VERSION")
                daemon.console("SHOW VERSION")
                used = {r.conn for r in server.received if b"long" in r.body}
                assert not [r for r in server.received
                            if b"innocent" in r.body and r.conn in used]
                server.release_cancels()
                second.read_until()


@pytest.mark.parametrize("how", ["close", "abort"])
def test_a_client_that_leaves_while_its_query_runs_behind_a_switch_is_noticed(cluster, how):
    """The answer to the switch comes with that of the query: until then nothing is read from the
    client, and its end must be seen all the same."""
    with Proxy(base_config(cluster.port, tenants=tenants_config(size=1))) as daemon:
        bravo = daemon.wire_tenant("bravo")
        with daemon.wire_tenant("acme") as acme:
            pid = acme.value("SELECT pg_backend_pid()")
            bravo.send(query("SELECT pg_sleep(1000)"))
            asleep = f"SELECT count(*) FROM pg_stat_activity WHERE pid = {pid} AND query LIKE '%sleep%'"
            wait_until(lambda: cluster.run(asleep + " AND state = 'active'")[0][0] == 1, "it runs")
            getattr(bravo, how)()

            assert acme.rows("SELECT body FROM notes") == [["of acme"]]


def test_a_flood_of_cancels_has_one_connection_to_the_server():
    """The server lets cancel connections lie: more than one would be one for each request."""
    with ScriptedServer() as server:
        config = base_config(server.port, tenants=tenants_config(size=1))
        with Proxy(config) as daemon, daemon.wire_tenant("acme") as client:
            client.ask(query("SELECT 'warm'"))
            server.hold()
            server.hold_cancels()
            client.send(query("SELECT 'long'"))
            server.wait_for(lambda s: any(r.type == "Q" and b"long" in r.body for r in s.received),
                            "the query arrives")
            for _ in range(100):
                request_cancel(daemon, client)
            server.wait_for(lambda s: any(r.type == "cancel" for r in s.received), "a cancel")
            assert sum(r.type == "cancel" for r in server.received) == 1
            server.release_cancels()
            server.wait_for(lambda s: sum(r.type == "cancel" for r in s.received) == 2,
                            "the one that stands for all others")
            server.release()
            client.read_until()
