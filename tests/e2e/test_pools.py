# SPDX-License-Identifier: MIT
"""Pools: who gets a server connection, when it is given back, and what ends it."""

import contextlib
import os
import signal
import threading

import pytest

from cluster import Cluster
from deadline import wait_until
from proxy import Proxy, base_config
from wirepeer import (bind, error_fields, errors_of, execute, extended, flush, message, parse,
                      query, rows_of, sync)
from world import make_world, tenants_config

PID = "SELECT pg_backend_pid()"


@pytest.fixture(scope="module")
def one(cluster):
    """A proxy in transaction mode with a single server connection per pool."""
    with Proxy(base_config(cluster.port, tenants=tenants_config(size=1))) as daemon:
        yield daemon


@pytest.fixture(scope="module")
def session(cluster):
    """A proxy in session mode with two server connections per pool."""
    with Proxy(base_config(cluster.port, tenants=tenants_config("session", size=2))) as daemon:
        yield daemon


def backends(cluster, database="app"):
    """Pids of the server connections that are there, ours for looking aside."""
    rows = cluster.run("SELECT pid FROM pg_stat_activity WHERE datname = %s"
                       " AND backend_type = 'client backend'", params=(database,))
    return {pid for pid, in rows}


def waiting(daemon):
    """How many clients stand in queues, by the console."""
    return sum(int(pool["cl_waiting"]) for pool in daemon.console("SHOW POOLS"))


def await_waiting(daemon, count):
    wait_until(lambda: waiting(daemon) == count, f"{count} clients wait")


def test_transaction_mode_shares_one_backend_between_tenants(one):
    with one.tenant("acme") as acme, one.tenant("bravo") as bravo:
        pids = {conn.execute(PID).fetchone()[0] for conn in (acme, bravo, acme, bravo)}

    assert len(pids) == 1


def test_session_mode_keeps_the_backend(session):
    with session.tenant("acme") as acme, session.tenant("bravo") as bravo:
        pids = [conn.execute(PID).fetchone()[0] for conn in (acme, bravo, acme, bravo)]

    assert pids[0] == pids[2] and pids[1] == pids[3] and pids[0] != pids[1]


def test_session_mode_leaves_no_statement_of_ours(session):
    with session.tenant("acme", application_name="looker") as conn:
        assert conn.execute("SELECT name FROM pg_prepared_statements").fetchall() == []


def test_session_mode_keeps_what_the_session_set(session):
    with session.tenant("acme") as conn:
        conn.execute("SET work_mem = '9MB'")
        conn.execute("CREATE TEMP TABLE mine (x int)")

        assert conn.execute("SHOW work_mem").fetchone() == ("9MB",)
        assert conn.execute("SELECT count(*) FROM mine").fetchone() == (0,)


def test_session_mode_gives_the_backend_back_clean(session):
    with session.tenant("acme") as conn:
        conn.execute("CREATE TEMP TABLE left_over (x int)")
        conn.execute("SET work_mem = '9MB'")
        pid = conn.execute(PID).fetchone()[0]

    def next_client():
        with session.tenant("bravo") as conn:
            row = conn.execute("SELECT pg_backend_pid(), to_regclass('left_over')::text,"
                               " current_setting('work_mem')").fetchone()
        return row if row[0] == pid else None

    assert wait_until(next_client, "the backend serves again")[1:] == (None, "4MB")


def test_session_mode_stays_in_its_tenant_after_discard_all(session):
    with session.tenant("acme") as conn:
        conn.execute("SET work_mem = '9MB'")
        conn.execute("DISCARD ALL")

        assert conn.execute("SELECT body FROM notes").fetchall() == [("of acme",)]


def test_a_transaction_keeps_its_backend(start):
    daemon = start(tenants=tenants_config(size=3))
    with daemon.tenant("acme") as first, daemon.tenant("acme") as second:
        first.execute("BEGIN")
        pid = first.execute(PID).fetchone()
        for _ in range(3):
            assert second.execute(PID).fetchone() != pid
            assert first.execute(PID).fetchone() == pid
        first.execute("COMMIT")


def test_the_pool_never_exceeds_its_size(start, cluster):
    before = backends(cluster)
    daemon = start(tenants=tenants_config(size=3))
    with contextlib.ExitStack() as stack:
        conns = [stack.enter_context(daemon.wire_tenant("acme")) for _ in range(12)]
        for conn in conns:
            conn.send(query("SELECT pg_backend_pid(), pg_sleep(0.05)"))
        pids = {rows_of(conn.read_until())[0][0] for conn in conns}

        assert len(pids) == 3
        assert len(backends(cluster) - before) == 3


def test_waiters_are_served_in_their_order(one):
    with contextlib.ExitStack() as stack:
        holder, *clients = (stack.enter_context(one.wire_tenant("acme")) for _ in range(6))
        holder.ask(query("BEGIN"))
        for number, client in enumerate(clients, 1):
            client.send(query("SELECT clock_timestamp()"))
            await_waiting(one, number)
        holder.ask(query("COMMIT"))
        stamps = [rows_of(client.read_until())[0][0] for client in clients]

    assert stamps == sorted(stamps)


def test_a_wait_beyond_query_wait_is_an_error(start):
    tenants = tenants_config(size=1)
    tenants["defaults"]["timeouts"] = {"query_wait": "300ms"}
    daemon = start(tenants=tenants)
    with daemon.wire_tenant("acme") as holder, daemon.wire_tenant("acme") as waiter:
        holder.ask(query("BEGIN"))

        waiter.send(query("SELECT 1"))
        fields = error_fields(waiter.read().body)

        assert fields["C"] == "57014"
        assert "query_wait_timeout" in fields["M"]


def test_an_idle_server_connection_is_closed_after_idle_timeout(start, cluster):
    before = backends(cluster)
    daemon = start(tenants=tenants_config(size=2, idle_timeout="500ms"))
    with daemon.tenant("acme") as conn:
        pid = conn.execute(PID).fetchone()[0]
        assert pid in backends(cluster)

        wait_until(lambda: not backends(cluster) - before, "the idle backend is closed")

        assert conn.execute(PID).fetchone()[0] != pid


def test_a_server_connection_is_replaced_after_its_lifetime(start):
    daemon = start(tenants=tenants_config(size=1, lifetime="500ms"))
    with daemon.tenant("acme") as conn:
        pid = conn.execute(PID).fetchone()

        wait_until(lambda: conn.execute(PID).fetchone() != pid, "another backend serves")


def test_a_lifetime_never_cuts_a_transaction(start):
    daemon = start(tenants=tenants_config(size=1, lifetime="200ms"))
    with daemon.tenant("acme") as conn, conn.transaction():
        pid = conn.execute(PID).fetchone()
        conn.execute("SELECT pg_sleep(0.6)")

        assert conn.execute(PID).fetchone() == pid


def test_an_error_in_a_transaction_fails_it_until_rollback(one):
    with one.wire_tenant("acme") as client:
        client.ask(query("BEGIN"))
        assert client.ask(query("SELECT 1/0"))[-1].body == b"E"
        assert errors_of(client.ask(query("SELECT 1")))[0]["C"] == "25P02"
        assert client.ask(query("ROLLBACK"))[-1].body == b"I"

        assert client.value("SELECT 1") == "1"


def test_a_failed_transaction_gives_its_backend_back(one):
    with one.wire_tenant("acme") as first, one.wire_tenant("bravo") as second:
        first.ask(query("BEGIN; SELECT 1/0"))
        first.ask(query("ROLLBACK"))

        assert second.value("SELECT body FROM notes") == "of bravo"


def test_an_error_in_a_batch_skips_the_rest_of_it_only(one):
    with one.wire_tenant("acme") as client:
        broken = parse("SELECT 1/0") + bind() + execute() + parse("SELECT 2") + bind() + execute()
        answer = client.ask(broken, sync(), extended("SELECT 3"), batches=2)

        assert [e["C"] for e in errors_of(answer)] == ["22012"]
        assert rows_of(answer) == [["3"]]


def test_copy_in_arrives_whole_and_in_its_tenant(one, cluster):
    with one.tenant("carol") as conn:
        with conn.cursor().copy("COPY notes (body) FROM STDIN") as copy:
            for number in range(5000):
                copy.write_row((f"copied {number}",))

    found = cluster.run("DELETE FROM tenant_carol.notes WHERE body LIKE 'copied %' RETURNING body",
                        "app")
    assert [body for body, in found] == [f"copied {number}" for number in range(5000)]


def test_copy_out_arrives_whole(one):
    with one.tenant("acme") as conn:
        with conn.cursor().copy("COPY (SELECT generate_series(1, 20000)) TO STDOUT") as copy:
            values = [int(value) for value, in copy.rows()]

    assert values == list(range(1, 20001))


def test_a_copy_that_the_client_fails_is_an_error_and_no_more(one):
    with one.wire_tenant("carol") as client:
        client.send(query("COPY notes (body) FROM STDIN"))
        client.read_until("G")
        client.send(message("d", b"half\n"), message("f", b"no more\0"))
        answer = client.read_until()

        assert errors_of(answer)[0]["C"] == "57014"
        assert client.value("SELECT body FROM notes") == "of carol"


def test_a_copy_that_the_server_fails_leaves_the_client_in_step(one):
    """What it sends too late reaches nobody, and keeps the one connection from nobody."""
    with one.wire_tenant("carol") as client, one.wire_tenant("bravo") as other:
        client.send(query("COPY notes (body, id) FROM STDIN"))
        client.read_until("G")
        client.send(message("d", b"one column\n"), message("c"))
        answer = client.read_until()

        assert errors_of(answer)[0]["C"] == "22P04"
        assert other.value("SELECT 'other'") == "other"

        client.send_apart(message("d", b"late\n"), message("c"))

        assert other.value("SELECT 'other'") == "other"
        assert client.value("SELECT 1") == "1"


def test_psycopgs_pipeline_mode_works(one):
    with one.tenant("acme") as conn, conn.pipeline() as pipeline:
        cursors = [conn.execute("SELECT %s::int, body FROM notes", (number,))
                   for number in range(100)]
        pipeline.sync()
        rows = [cursor.fetchone() for cursor in cursors]

    assert rows == [(number, "of acme") for number in range(100)]


def test_pipelined_simple_queries_are_answered_in_order(one):
    with one.wire_tenant("acme") as client:
        answer = client.ask(*(query(f"SELECT {n}") for n in range(50)), batches=50)

        assert rows_of(answer) == [[str(n)] for n in range(50)]


def test_pipelined_transactions_leave_nothing_open(one):
    with one.wire_tenant("acme") as first, one.wire_tenant("bravo") as second:
        parts = [query("BEGIN"), extended("SELECT 1"), query("COMMIT"), extended("SELECT 2")]
        first.ask(*parts * 5, batches=20)

        assert second.value("SELECT body FROM notes") == "of bravo"


def test_flush_brings_answers_before_sync(one):
    with one.wire_tenant("acme") as client:
        client.send(parse("SELECT 7") + bind() + execute(), flush())
        assert rows_of(client.read_until("C")) == [["7"]]

        assert client.ask(sync())[-1].body == b"I"


def test_an_empty_query_is_answered_as_such(one):
    with one.wire_tenant("acme") as client:
        assert [m.type for m in client.ask(query(""))] == ["I", "Z"]


def test_a_bare_sync_is_answered(one):
    with one.wire_tenant("acme") as client:
        assert [m.type for m in client.ask(sync())] == ["Z"]


def test_a_function_call_is_answered(one):
    # int4pl(3, 4) by its fixed OID, arguments and result as text.
    body = (177).to_bytes(4, "big") + b"\0\0\0\2\0\0\0\1" + b"3" + b"\0\0\0\1" + b"4" + b"\0\0"
    with one.wire_tenant("acme") as client:
        answer = client.ask(message("F", body))

        assert [(m.type, m.body[4:]) for m in answer] == [("V", b"7"), ("Z", b"")]


def test_a_notice_arrives_in_its_place(one):
    with one.wire_tenant("acme") as client:
        answer = client.ask(query("DO $$ BEGIN RAISE NOTICE 'hello'; END $$"))

        assert [m.type for m in answer] == ["N", "C", "Z"]


def test_notices_in_a_long_answer_all_arrive(one):
    with one.wire_tenant("acme") as client:
        answer = client.ask(query(
            "DO $$ BEGIN FOR i IN 1..500 LOOP RAISE NOTICE '%', i; END LOOP; END $$"))

    notices = [error_fields(m.body)["M"] for m in answer if m.type == "N"]
    assert notices == [str(i) for i in range(1, 501)]


def test_a_parameter_status_reaches_the_client_that_caused_it(one):
    with one.wire_tenant("acme") as client:
        answer = client.ask(query("SET TimeZone = 'Asia/Tokyo'"))

        assert b"TimeZone\0Asia/Tokyo\0" in [m.body for m in answer if m.type == "S"]


def busy_backend(cluster, marker):
    """Pids of backends that run, or last ran, a query with this text in it."""
    rows = cluster.run("SELECT pid, state FROM pg_stat_activity WHERE query LIKE %s"
                       " AND pid <> pg_backend_pid()", params=(f"%{marker}%",))
    return {pid: state for pid, state in rows}


def test_a_client_killed_in_mid_query_frees_its_backend(one, cluster):
    client = one.wire_tenant("acme")
    client.send(query("SELECT pg_sleep(120), 'mid query'"))
    wait_until(lambda: "active" in busy_backend(cluster, "mid query").values(), "the query runs")

    client.abort()

    wait_until(lambda: "active" not in busy_backend(cluster, "mid query").values(),
               "the query is ended")
    with one.wire_tenant("bravo") as after:
        assert after.value("SELECT body FROM notes") == "of bravo"


def test_a_client_killed_in_mid_transaction_has_it_rolled_back(one, cluster):
    client = one.wire_tenant("acme")
    client.ask(query("BEGIN; INSERT INTO notes (body) VALUES ('never')"))

    client.abort()

    with one.wire_tenant("acme") as after:
        assert after.rows("SELECT body FROM notes WHERE body = 'never'") == []
    assert cluster.run("SELECT body FROM notes WHERE body = 'never'", "app") == []


@pytest.mark.parametrize("sql", ["COPY notes (body) FROM STDIN",
                                 "COPY (SELECT repeat('x', 1000) FROM generate_series(1, 1000000))"
                                 " TO STDOUT"])
def test_a_client_killed_in_mid_copy_frees_its_backend(one, sql):
    client = one.wire_tenant("carol")
    client.send(query(sql))
    client.read_until("GH")
    client.send(message("d", b"half a line")[:-3])

    client.abort()

    with one.wire_tenant("bravo") as after:
        assert after.rows("SELECT body FROM notes") == [["of bravo"]]


def test_a_client_killed_between_two_messages_of_a_copy_copies_nothing(one):
    client = one.wire_tenant("carol")
    client.send(query("COPY notes (body) FROM STDIN"))
    client.read_until("G")
    client.send_apart(message("d", b"never copied\n"))

    client.abort()

    with one.wire_tenant("bravo") as after:
        assert after.rows("SELECT body FROM notes") == [["of bravo"]]
    with one.wire_tenant("carol") as again:
        assert again.rows("SELECT body FROM notes WHERE body = 'never copied'") == []


def test_a_client_killed_in_mid_message_does_no_harm(one):
    client = one.wire_tenant("acme")
    client.send(query("SELECT 1")[:8])

    client.abort()

    with one.wire_tenant("bravo") as after:
        assert after.value("SELECT body FROM notes") == "of bravo"


def test_a_client_gone_from_the_queue_is_forgotten(one):
    with one.wire_tenant("acme") as holder:
        waiter = one.wire_tenant("bravo")
        holder.ask(query("BEGIN"))
        waiter.send(query("SELECT 1"))
        await_waiting(one, 1)

        waiter.abort()

        await_waiting(one, 0)
        holder.ask(query("COMMIT"))
        assert holder.value("SELECT 1") == "1"


def test_a_server_connection_killed_in_a_query_is_08006():
    with Cluster() as cluster:
        make_world(cluster)
        with Proxy(base_config(cluster.port, tenants=tenants_config())) as daemon:
            with daemon.wire_tenant("acme") as client:
                pid = int(client.value(PID))
                client.send(query("SELECT pg_sleep(120)"))
                wait_until(lambda: busy_backend(cluster, "pg_sleep(120)"), "the query runs")
                # A crash says nothing to its client, unlike pg_terminate_backend.
                os.kill(pid, signal.SIGKILL)
                answer = client.read_until("EZ")

                assert errors_of(answer)[0]["C"] == "08006"


def test_a_terminated_backends_own_error_is_passed_on(one, cluster):
    with one.wire_tenant("acme") as client:
        pid = client.value(PID)
        client.send(query("SELECT pg_sleep(120), 'to be ended'"))
        wait_until(lambda: "active" in busy_backend(cluster, "to be ended").values(), "it runs")
        cluster.run("SELECT pg_terminate_backend(%s)", params=(int(pid),))

        assert errors_of(client.read_until("EZ"))[0]["C"] == "57P01"


def test_an_idle_server_connection_that_is_killed_costs_no_error(one, cluster):
    with one.tenant("acme") as conn:
        pid = conn.execute(PID).fetchone()[0]
        cluster.run("SELECT pg_terminate_backend(%s, 10000)", params=(pid,))
        wait_until(lambda: pid not in backends(cluster), "the backend is gone")

        # Its end reaches the proxy by a socket of its own: two turns of the loop are enough.
        one.console("SHOW VERSION")
        one.console("SHOW VERSION")
        assert conn.execute(PID).fetchone()[0] != pid


def test_large_results_and_small_ones_do_not_mix(one):
    results = {}

    def read(tenant):
        with one.tenant(tenant) as conn:
            results[tenant] = [conn.execute("SELECT repeat(%s, 100000)", (tenant,)).fetchone()[0]
                               for _ in range(20)]

    threads = [threading.Thread(target=read, args=(tenant,)) for tenant in ("acme", "bravo")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)

    for tenant in ("acme", "bravo"):
        assert results[tenant] == [tenant * 100000] * 20


def test_a_prepared_statement_of_a_driver_serves_in_transaction_mode(one):
    with one.tenant("acme", prepare_threshold=1) as acme, \
            one.tenant("bravo", prepare_threshold=1) as bravo:
        for number in range(5):
            for tenant, conn in (("acme", acme), ("bravo", bravo)):
                row = conn.execute("SELECT %s::int, body FROM notes", (number,)).fetchone()
                assert row == (number, f"of {tenant}")


def test_the_same_statement_name_twice_is_an_error_not_an_end(one):
    with one.wire_tenant("acme") as client:
        client.ask(parse("SELECT 1", "mine"), sync())
        answer = client.ask(parse("SELECT 2", "mine"), sync())

        assert errors_of(answer)[0]["C"] == "42P05"
        assert rows_of(client.ask(bind((), "mine"), execute(), sync())) == [["1"]]


def test_an_unknown_statement_name_is_an_error_not_an_end(one):
    with one.wire_tenant("acme") as client:
        answer = client.ask(bind((), "nothing"), execute(), sync())

        assert errors_of(answer)[0]["C"] == "26000"
        assert client.value("SELECT 1") == "1"
