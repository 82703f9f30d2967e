# SPDX-License-Identifier: MIT
"""The armed switch: what a server receives when the tenant changes, and what a failed one does."""

import psycopg
import pytest

from proxy import Proxy, base_config
from scripted import Refused, ScriptedServer, plain_answer
from wirepeer import (bind, error_fields, errors_of, execute, extended, flush, parse, query,
                      rows_of, startup, sync, tags_of)
from world import tenants_config

CLIENTS_OWN = "SELECT 'mine'"


@pytest.fixture
def server():
    with ScriptedServer() as peer:
        yield peer


@pytest.fixture
def daemon(server):
    """A proxy with one server connection, before the scripted server."""
    with Proxy(base_config(server.port, tenants=tenants_config(size=1))) as proxy:
        yield proxy


WARM = query("SELECT 'warm'")


def enter(daemon, tenant, **parameters):
    """A client that has been served once: a login may try its context, which is no switch."""
    client = daemon.wire_tenant(tenant, **parameters)
    client.ask(WARM)
    return client


@pytest.fixture
def acme(daemon):
    with enter(daemon, "acme") as client:
        yield client


@pytest.fixture
def bravo(daemon, acme):
    """Served before acme was: the connection is in acme's context now."""
    with enter(daemon, "bravo") as client:
        acme.ask(WARM)
        yield client


def barrier(daemon):
    """When this returns, the one loop has handled everything that was sent to it before."""
    for _ in range(2):
        daemon.console("SHOW VERSION")


def steps(received):
    """Messages as (type, statement, values): a Bind or Execute names the text it is about."""
    texts, portals, result = {}, {}, []
    for got in received:
        if got.type == "P":
            name, sql = got.body.split(b"\0")[:2]
            texts[name] = sql.decode()
            result.append(("P", texts[name]))
        elif got.type == "B":
            portal, name = got.body.split(b"\0")[:2]
            portals[portal] = texts[name]
            result.append(("B", texts[name]))
        elif got.type == "E":
            result.append(("E", portals[got.body.split(b"\0")[0]]))
        elif got.type == "Q":
            result.append(("Q", got.body[:-1].decode()))
        else:
            result.append((got.type, ""))
    return result


def change_tenant(server, client, *batch):
    """Another tenant's client sends a batch. Returns what the server got: the messages, and the
    same as steps."""
    before = len(server.from_conn(0))
    client.ask(*batch)
    got = server.from_conn(0)
    return got[before:], steps(got)[before:]


def test_a_switch_runs_begin_set_config_commit_ahead_of_the_client(server, bravo):
    before = len(server.executed)
    bravo.ask(query(CLIENTS_OWN))
    ran = server.statements()[before:]

    at = ran.index("BEGIN")
    assert "pg_catalog.set_config(" in ran[at + 1]
    assert ran[at + 2:] == ["COMMIT", CLIENTS_OWN]


def test_the_tenant_is_a_bound_value_and_not_text(server, bravo):
    before = len(server.executed)
    bravo.ask(query(CLIENTS_OWN))

    (switch,) = [e for e in server.executed[before:] if "set_config" in e.sql]
    assert ("app.tenant", "bravo") in zip(switch.values, switch.values[1:])
    assert "bravo" not in switch.sql and "app.tenant" not in switch.sql


def test_the_switch_is_extended_protocol_without_a_sync(server, bravo):
    got, taken = change_tenant(server, bravo, query(CLIENTS_OWN))

    assert taken[-1] == ("Q", CLIENTS_OWN)
    assert {r.type for r in got[:-1]} <= set("PBEDC")


def test_the_switch_and_the_clients_query_arrive_in_one_segment(server, bravo):
    got, _ = change_tenant(server, bravo, query(CLIENTS_OWN))

    assert len(got) > 3
    assert len({r.chunk for r in got}) == 1


def test_an_extended_batch_follows_the_switch_up_to_its_one_sync(server, bravo):
    got, taken = change_tenant(server, bravo, extended(CLIENTS_OWN))

    assert [kind for kind, _ in taken].count("S") == 1
    assert taken[-4:] == [("P", CLIENTS_OWN), ("B", CLIENTS_OWN), ("E", CLIENTS_OWN), ("S", "")]
    assert len({r.chunk for r in got}) == 1


def test_nothing_is_switched_for_the_same_tenant(server, bravo, acme):
    _, taken = change_tenant(server, acme, query(CLIENTS_OWN))

    assert taken == [("Q", CLIENTS_OWN)]


def test_nothing_is_switched_for_another_client_of_the_tenant(server, daemon, bravo):
    with enter(daemon, "acme") as another:
        _, taken = change_tenant(server, another, query(CLIENTS_OWN))

    assert taken == [("Q", CLIENTS_OWN)]


def test_the_client_sees_no_answer_of_the_switch(bravo):
    assert [m.type for m in bravo.ask(query(CLIENTS_OWN))] == ["C", "Z"]


@pytest.mark.parametrize("batch,end", [(query("SELECT 'n'"), "Q"), (extended("SELECT 'n'"), "S")],
                         ids=["simple", "extended"])
def test_what_follows_the_first_batch_waits_for_the_switch(server, daemon, bravo, batch, end):
    before = len(server.received)
    server.hold()
    bravo.send(batch * 3)
    server.wait_for(lambda s: end in [r.type for r in s.received[before:]], "the batch arrives")
    barrier(daemon)
    assert [r.type for r in server.received[before:]].count(end) == 1

    server.release()
    answer = bravo.read_until("Z", 3)

    assert [r.type for r in server.received[before:]].count(end) == 3
    assert len(tags_of(answer)) == 3


def test_a_batch_that_arrives_in_pieces_follows_its_switch(server, bravo):
    before = len(server.executed)
    for byte in extended(CLIENTS_OWN):
        bravo.send(bytes([byte]))
    assert tags_of(bravo.read_until()) == ["SELECT 0"]

    assert server.statements()[before:][-2:] == ["COMMIT", CLIENTS_OWN]


def test_a_flush_in_the_first_batch_is_answered_before_its_sync(bravo):
    bravo.send(parse(CLIENTS_OWN), flush())
    assert [m.type for m in bravo.read_until("1")] == ["1"]

    assert [m.type for m in bravo.ask(bind(), execute(), sync())] == ["2", "C", "Z"]


# A switch made to fail.

BATCHES = {
    "simple": (query(CLIENTS_OWN), 1),
    "extended": (extended(CLIENTS_OWN), 1),
    "pipelined simple": (query(CLIENTS_OWN) * 3, 3),
    "pipelined extended": (extended(CLIENTS_OWN) * 3, 3),
    "pipelined mixed": (extended(CLIENTS_OWN) + query(CLIENTS_OWN) + extended(CLIENTS_OWN), 3),
    "no sync between": (parse(CLIENTS_OWN) + bind() + execute() + query(CLIENTS_OWN), 1),
}


def refuse_on(connections, what="set_config", sqlstate="22023"):
    """A script that refuses one of the switch's statements on these connections (None: on all)."""
    def script(conn, sql, values):
        if what in sql and (connections is None or conn in connections):
            raise Refused(sqlstate)
        return plain_answer(conn, sql, values)
    return script


def error_after(client, data):
    """Sends and returns the first error that comes; its ReadyForQuery is left unread."""
    client.send(data)
    return error_fields(client.read_until("E")[-1].body)


@pytest.mark.parametrize("batch", BATCHES)
def test_a_failed_switch_never_runs_the_clients_statement(server, daemon, bravo, batch):
    server.script = refuse_on(None)

    fields = error_after(bravo, BATCHES[batch][0])
    barrier(daemon)

    assert fields["C"] == "22023"
    assert CLIENTS_OWN not in server.statements()


@pytest.mark.parametrize("batch", BATCHES)
def test_a_failed_switch_is_tried_once_on_another_connection(server, bravo, batch):
    data, count = BATCHES[batch]
    server.script = refuse_on({0})

    answer = bravo.ask(data, batches=count)

    assert not errors_of(answer)
    assert server.refused == [0]
    assert server.statements(0).count(CLIENTS_OWN) == 0
    assert server.statements(1).count(CLIENTS_OWN) == data.count(CLIENTS_OWN.encode())


def test_after_two_failed_switches_there_is_no_third(server, daemon, bravo):
    server.script = refuse_on(None)

    error_after(bravo, query(CLIENTS_OWN))
    barrier(daemon)

    assert server.refused == [0, 1]


def test_a_failed_switch_closes_the_connection(server, bravo):
    server.script = refuse_on({0})

    bravo.ask(query(CLIENTS_OWN))

    server.wait_for(lambda s: 0 in s.closed, "the connection is closed")


def test_any_statement_of_a_switch_may_fail(server, acme, bravo):
    before = len(server.executed)
    bravo.ask(WARM)
    switch = server.statements()[before:-1]
    assert len(switch) >= 3

    for sql in switch:
        server.script = plain_answer
        bravo.ask(WARM)
        acme.ask(WARM)
        before = len(server.executed)
        server.refused.clear()
        server.script = refuse_on(None, sql)
        bravo.ask(query(CLIENTS_OWN))

        assert server.refused
        ran_on = {e.conn for e in server.executed[before:] if e.sql == CLIENTS_OWN}
        assert not ran_on & set(server.refused), sql


def test_a_client_is_served_on_after_a_failed_switch(server, bravo):
    server.script = refuse_on(None)
    bravo.send(query(CLIENTS_OWN))
    assert errors_of(bravo.read_until())[0]["C"] == "22023"
    server.script = plain_answer

    assert tags_of(bravo.ask(query(CLIENTS_OWN))) == ["SELECT 0"]


def test_others_are_served_on_after_a_failed_switch(server, acme, bravo):
    server.script = refuse_on(None)
    error_after(bravo, query(CLIENTS_OWN))
    server.script = plain_answer

    assert tags_of(acme.ask(query(CLIENTS_OWN))) == ["SELECT 0"]


@pytest.mark.parametrize("simple", [True, False], ids=["simple", "extended"])
def test_a_large_batch_behind_a_failed_switch_runs_once_or_not_at_all(server, daemon, bravo,
                                                                      simple):
    """A batch too large to be kept cannot be sent again; then the client has an error instead."""
    sql = f"SELECT '{'x' * 4_000_000}'"
    server.script = refuse_on({0})

    bravo.send(query(sql) if simple else extended(sql))
    answer = bravo.read_until("EZ")
    barrier(daemon)

    ran = [(e.conn, e.sql) for e in server.executed if e.sql == sql]
    assert ran == ([] if errors_of(answer) else [(1, sql)])


# On a real server.


@pytest.fixture(scope="module")
def real(cluster):
    tenants = tenants_config(size=1)
    tenants["broken"] = {"settings": {"work_mem": "nonsense"}}
    with Proxy(base_config(cluster.port, tenants=tenants)) as proxy:
        yield proxy


UNDOING = [
    "BEGIN; ROLLBACK; {}",
    "BEGIN; SELECT 1; COMMIT; {}",
    "ROLLBACK; {}",
    "COMMIT; BEGIN; ROLLBACK; {}",
    "SAVEPOINT a; {}",
    "BEGIN; SAVEPOINT a; ROLLBACK TO a; ROLLBACK; {}",
]


@pytest.mark.parametrize("undoing", UNDOING)
def test_a_clients_own_rollback_does_not_undo_the_switch(real, undoing):
    if undoing.startswith("SAVEPOINT"):
        undoing = "BEGIN; " + undoing + "; ROLLBACK"
    with real.wire_tenant("acme") as acme, real.wire_tenant("bravo") as bravo:
        for name, client in (("acme", acme), ("bravo", bravo)) * 2:
            answer = client.ask(query(undoing.format("SELECT current_setting('app.tenant')")))

            assert not errors_of(answer)
            assert rows_of(answer)[-1] == [name]


def test_an_error_in_the_first_statement_does_not_undo_the_switch(real):
    with real.wire_tenant("acme") as acme, real.wire_tenant("bravo") as bravo:
        for name, client in (("acme", acme), ("bravo", bravo)) * 2:
            assert errors_of(client.ask(query("SELECT 1/0")))
            assert client.value("SELECT current_setting('app.tenant')") == name


@pytest.mark.parametrize("sql", ["VACUUM pg_catalog.pg_class", "VACUUM", "CHECKPOINT",
                                 "BEGIN ISOLATION LEVEL SERIALIZABLE READ ONLY; SELECT 1; COMMIT"])
def test_what_refuses_a_transaction_block_works_behind_a_switch(start, sql):
    daemon = start(tenants={"defaults": {"login": {"user": "postgres"}, "pool": {"size": 1}}})
    with enter(daemon, "acme") as acme, enter(daemon, "bravo") as bravo:
        acme.ask(WARM)
        answer = bravo.ask(query(sql))

        assert not errors_of(answer)


ASTRAY = "INSERT INTO notes (body) VALUES ('astray')"


@pytest.mark.parametrize("batch,count", [
    (query(ASTRAY), 1), (extended(ASTRAY), 1), (query(ASTRAY), 3), (extended(ASTRAY), 3)],
    ids=["simple", "extended", "pipelined simple", "pipelined extended"])
def test_a_switch_that_the_server_refuses_never_runs_the_statement(real, cluster, batch, count):
    """bravo's context holds something that PostgreSQL refuses later: it was dropped meanwhile."""
    cluster.run("CREATE TEXT SEARCH CONFIGURATION public.passing (COPY = simple)", "app")
    options = "-c default_text_search_config=public.passing"
    with enter(real, "acme") as acme, enter(real, "bravo", options=options) as bravo:
        acme.ask(WARM)
        cluster.run("DROP TEXT SEARCH CONFIGURATION public.passing", "app")
        # Answered in full: nothing of it may be under way when the next test makes it possible.
        answer = bravo.ask(batch * count, batches=count)

        assert [fields["C"] for fields in errors_of(answer)] == ["22023"] * count
        assert acme.rows("SELECT body FROM notes") == [["of acme"]]
    assert cluster.run("SELECT 1 FROM notes WHERE body = 'astray'", "app") == []


@pytest.mark.parametrize("batch", [query(ASTRAY), extended(ASTRAY)], ids=["simple", "extended"])
def test_a_tenants_impossible_setting_is_an_error_and_runs_nothing(real, cluster, batch):
    with real.wire() as client:
        client.send(startup(user="app", database="app", app__tenant="broken"), batch)
        answer = client.read_until("E")
    barrier(real)

    assert errors_of(answer)[0]["C"] == "22023"
    assert cluster.run("SELECT 1 FROM notes WHERE body = 'astray'", "app") == []


LOSING = [
    "DISCARD ALL",
    "RESET ALL",
    "RESET app.tenant",
    "SET app.tenant = 'bravo'",
    "BEGIN; SET app.tenant = 'bravo'; ROLLBACK",
    "BEGIN; SET app.tenant = 'bravo'; COMMIT",
    "BEGIN; SET LOCAL app.tenant = 'bravo'; COMMIT",
    "BEGIN; RESET ALL; SELECT 1/0",
]


@pytest.mark.parametrize("sql", LOSING)
@pytest.mark.parametrize("mode", ["transaction", "session"])
def test_a_client_that_loses_its_context_is_in_its_tenant_again(start, mode, sql):
    daemon = start(tenants=tenants_config(mode, size=1))
    with daemon.wire_tenant("acme") as client:
        client.ask(query("SELECT 1"))
        client.ask(query(sql))
        client.ask(query("ROLLBACK"))

        assert client.value("SELECT current_setting('app.tenant')") == "acme"
        assert client.rows("SELECT body FROM notes") == [["of acme"]]


@pytest.mark.parametrize("sql", LOSING)
def test_the_next_tenant_is_in_its_own_after_one_lost_its_context(real, sql):
    with real.wire_tenant("acme") as acme, real.wire_tenant("bravo") as bravo:
        acme.ask(query(sql))
        acme.ask(query("ROLLBACK"))

        assert bravo.rows("SELECT body FROM notes") == [["of bravo"]]
        assert acme.rows("SELECT body FROM notes") == [["of acme"]]


def test_what_a_client_set_for_itself_in_session_mode_stays(start):
    daemon = start(tenants=tenants_config("session", size=1))
    with daemon.wire_tenant("acme") as client:
        client.ask(query("SET work_mem = '9MB'"))
        client.ask(query("SET app.tenant = 'bravo'"))

        assert client.value("SHOW work_mem") == "9MB"
        assert client.value("SELECT current_setting('app.tenant')") == "acme"


def test_a_schema_tenants_search_path_is_set_behind_an_rls_tenant_and_gone_before_one(real):
    with real.tenant("acme") as acme, real.tenant("carol") as carol:
        for _ in range(3):
            assert carol.execute("SHOW search_path").fetchone()[0].strip('"') == "tenant_carol"
            assert "carol" not in acme.execute("SHOW search_path").fetchone()[0]


def test_a_schema_tenant_is_in_no_rls_tenant(real):
    with real.tenant("acme") as acme, real.tenant("carol") as carol:
        acme.execute("SELECT 1")
        row = carol.execute("SELECT NULLIF(current_setting('app.tenant', true), '')").fetchone()

    assert row == (None,)


def test_an_isolation_level_as_the_first_statement_is_accepted(real):
    with enter(real, "acme") as acme, real.tenant("bravo") as conn:
        conn.autocommit = False
        conn.isolation_level = psycopg.IsolationLevel.SERIALIZABLE
        acme.ask(WARM)
        row = conn.execute("SELECT current_setting('transaction_isolation'),"
                           " current_setting('app.tenant')").fetchone()

    assert row == ("serializable", "bravo")
