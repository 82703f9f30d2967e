# SPDX-License-Identifier: MIT
"""Prepared statements in transaction mode: real drivers, and what they rely on message by message.

Two tenants share one server connection, which holds one statement of theirs at a time: whatever
depends on a statement being where it was last is found out.
"""

import asyncio
import os
import re
import shutil
import subprocess
import tempfile

import psycopg
import pytest

from proxy import Proxy, base_config
from wirepeer import (bind, close, describe, errors_of, execute, flush, parse, query, rows_of, sync,
                      tags_of)
from world import tenants_config

HERE = os.path.dirname(os.path.abspath(__file__))
JDBC = "/usr/share/java/postgresql.jar"
PGX = "/usr/share/gocode/src/github.com/jackc/pgx/v4"
ROUNDS = 20
MIB = 1 << 20


@pytest.fixture(scope="module")
def tight(cluster):
    config = base_config(cluster.port, tenants=tenants_config(size=1, prepared_statements=1))
    with Proxy(config) as daemon:
        yield daemon


@pytest.fixture
def acme(tight):
    with tight.wire_tenant("acme") as client:
        yield client


@pytest.fixture
def bravo(tight):
    with tight.wire_tenant("bravo") as client:
        yield client


def codes(answer):
    return [error["C"] for error in errors_of(answer)]


def types(answer):
    return "".join(message.type for message in answer if message.type != "S")


def use(statement, *values):
    return bind(values, statement) + execute() + sync()


def program(command, **environment):
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False,
                          env={**os.environ, **environment})
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


# Real drivers.


@pytest.fixture(scope="module")
def pgbench_tables(cluster):
    pgbench = os.path.join(cluster.bindir, "pgbench")
    program([pgbench, "-i", "-q", "-h", cluster.host, "-p", str(cluster.port), "-U", "postgres",
             "app"])
    cluster.run("GRANT ALL ON pgbench_accounts, pgbench_branches, pgbench_tellers, pgbench_history"
                " TO PUBLIC", "app")
    yield pgbench
    cluster.run("DROP TABLE pgbench_accounts, pgbench_branches, pgbench_tellers, pgbench_history",
                "app")


@pytest.mark.parametrize("protocol", ["simple", "extended", "prepared"])
def test_pgbench(tight, cluster, pgbench_tables, protocol):
    """A thread for each client: its PQprepare would wait for a connection that another of the same
    thread holds in a transaction."""
    cluster.run("TRUNCATE pgbench_history; UPDATE pgbench_branches SET bbalance = 0;"
                " UPDATE pgbench_accounts SET abalance = 0 WHERE abalance <> 0", "app")
    said = program([pgbench_tables, "-n", "-M", protocol, "-c", "4", "-j", "4", "-t", "50", "-h",
                    tight.host, "-p", str(tight.port), "-U", "app", "app"],
                   PGOPTIONS="-c app.tenant=acme")

    assert "number of transactions actually processed: 200/200" in said
    sums = cluster.run("SELECT (SELECT sum(bbalance) FROM pgbench_branches),"
                       " (SELECT sum(abalance) FROM pgbench_accounts),"
                       " (SELECT sum(delta) FROM pgbench_history),"
                       " (SELECT count(*) FROM pgbench_history)", "app")[0]
    assert sums[0] == sums[1] == sums[2]
    assert sums[3] == 200


def test_psycopg_with_its_statements_prepared_at_once(tight):
    with tight.tenant("acme", prepare_threshold=0) as one, \
            tight.tenant("bravo", prepare_threshold=0) as other:
        for number in range(ROUNDS):
            for tenant, conn in (("acme", one), ("bravo", other)):
                for text in ("SELECT %s::int, current_setting('app.tenant')",
                             "SELECT %s::int + 0, current_setting('app.tenant')"):
                    assert conn.execute(text, [number]).fetchone() == (number, tenant)


def test_psycopg_pipelines_of_prepared_statements(tight):
    with tight.tenant("acme", prepare_threshold=0) as conn, conn.pipeline() as pipeline:
        cursors = []
        for number in range(ROUNDS):
            cursors.append(conn.execute("SELECT %s::int", [number]))
            cursors.append(conn.execute("SELECT -%s::int", [number]))
            if number % 5 == 0:
                pipeline.sync()
        pipeline.sync()

        assert [c.fetchone()[0] for c in cursors] == [n * sign for n in range(ROUNDS)
                                                      for sign in (1, -1)]


def test_a_psycopg_pipeline_goes_on_behind_an_error(tight):
    with tight.tenant("acme", prepare_threshold=0) as conn:
        with pytest.raises(psycopg.errors.DivisionByZero), conn.pipeline():
            conn.execute("SELECT 1/%s::int", [0])
            conn.execute("SELECT 'skipped', %s::int", [1])

        assert conn.execute("SELECT %s::int", [2]).fetchone() == (2,)


def test_node_postgres_with_named_statements(tight):
    said = program(["node", os.path.join(HERE, "drivers_node", "prepared.js"), str(tight.port),
                    str(ROUNDS), "acme", "bravo"])

    assert said == f"ok {ROUNDS * 6}\n"


async def ask_with_asyncpg(asyncpg, daemon):
    pools = {tenant: await asyncpg.create_pool(host=daemon.host, port=daemon.port, user="app",
                                               database="app", min_size=2, max_size=2,
                                               server_settings={"app.tenant": tenant})
             for tenant in ("acme", "bravo")}
    texts = ["SELECT $1::int, current_setting('app.tenant')",
             "SELECT $1::int + 0, current_setting('app.tenant')"]
    for number in range(ROUNDS):
        for tenant, pool in pools.items():
            for text in texts:
                assert tuple(await pool.fetchrow(text, number)) == (number, tenant)
            async with pool.acquire() as conn, conn.transaction():
                assert await conn.fetchval("SELECT body FROM notes WHERE body = $1",
                                           f"of {tenant}") == f"of {tenant}"
    for pool in pools.values():
        await pool.close()


def test_asyncpg_with_its_statement_cache(tight):
    asyncpg = pytest.importorskip("asyncpg")
    asyncio.run(ask_with_asyncpg(asyncpg, tight))


def test_jdbc_that_prepares_at_once(tight):
    if not os.path.exists(JDBC) or shutil.which("javac") is None:
        pytest.skip("the packages libpostgresql-jdbc-java and default-jdk-headless are missing")
    with tempfile.TemporaryDirectory() as classes:
        program(["javac", "-d", classes, os.path.join(HERE, "drivers_jdbc", "Prepared.java")])
        said = program(["java", "-cp", f"{classes}:{JDBC}", "Prepared", str(tight.port),
                        str(ROUNDS), "acme", "bravo"])

    assert said == f"ok {ROUNDS * 6 + 20}\n"


def test_pgx(tight):
    if not os.path.exists(PGX) or shutil.which("go") is None:
        pytest.skip("the packages golang-github-jackc-pgx-v4-dev and golang-go are missing")
    with tempfile.TemporaryDirectory() as built:
        binary = os.path.join(built, "pgx")
        program(["go", "build", "-o", binary, os.path.join(HERE, "drivers_go", "main.go")],
                GO111MODULE="off", GOPATH="/usr/share/gocode", GOFLAGS="")
        said = program([binary, str(tight.port), str(ROUNDS), "acme", "bravo"])

    assert said == f"ok {ROUNDS * 12}\n"


# A statement that does not exist, exists already, or is none.


@pytest.mark.parametrize("message", [bind((), "none"), describe("S", "none")],
                         ids=["bind", "describe"])
def test_an_unknown_statement_is_26000_and_the_connection_goes_on(acme, message):
    answer = acme.ask(message + execute() + sync())

    assert types(answer) == "EZ"
    assert codes(answer) == ["26000"]
    assert acme.value("SELECT body FROM notes") == "of acme"


def test_an_unknown_statement_fails_the_transaction(acme):
    acme.ask(query("BEGIN"))
    acme.ask(use("none"))

    assert codes(acme.ask(query("SELECT 1"))) == ["25P02"]
    assert tags_of(acme.ask(query("COMMIT"))) == ["ROLLBACK"]


def test_a_name_in_use_is_42p05_and_keeps_its_statement(acme):
    acme.ask(parse("SELECT 'first'", "s"), sync())
    answer = acme.ask(parse("SELECT 'second'", "s") + use("s"))

    assert codes(answer) == ["42P05"]
    assert rows_of(acme.ask(use("s"))) == [["first"]]


def test_a_failed_parse_leaves_no_trace(acme, bravo):
    for _ in range(2):
        for client in (acme, bravo):
            assert codes(client.ask(parse("SELECT no_such_column", "s"), sync())) == ["42703"]
            assert codes(client.ask(use("s"))) == ["26000"]
    assert codes(acme.ask(parse("SELECT 'now', 1", "s") + use("s"))) == []
    assert rows_of(acme.ask(use("s"))) == [["now", "1"]]


def test_a_parse_that_failed_counts_for_nobody_as_prepared(tight, acme):
    """Another client of the tenant has the same statement, and finds it at the server no more."""
    late = parse("SELECT 'there' FROM late", "s")
    acme.ask(query("CREATE TEMP TABLE late AS SELECT 1"))
    assert rows_of(acme.ask(late + use("s"))) == [["there"]]
    with tight.wire_tenant("acme") as other:
        other.ask(query("DEALLOCATE ALL"), query("DROP TABLE late"), batches=2)
        assert codes(other.ask(late, sync())) == ["42P01"]
        other.ask(query("CREATE TEMP TABLE late AS SELECT 1"))

    assert rows_of(acme.ask(use("s"))) == [["there"]]
    acme.ask(query("DROP TABLE late"))


def test_a_parse_that_was_skipped_leaves_no_trace(acme):
    answer = acme.ask(parse("SELEC") + parse("SELECT 'skipped'", "s") + sync() + use("s"),
                      batches=2)

    assert codes(answer) == ["42601", "26000"]
    assert rows_of(acme.ask(parse("SELECT 'now'", "s") + use("s"))) == [["now"]]


def test_a_close_that_was_skipped_closes_nothing(acme):
    acme.ask(parse("SELECT 'kept'", "s"), sync())
    answer = acme.ask(parse("SELEC") + close("S", "s") + sync() + use("s"), batches=2)

    assert codes(answer) == ["42601"]
    assert rows_of(answer) == [["kept"]]


def test_what_a_failed_batch_would_have_closed_for_room_is_not_prepared_twice(acme):
    """The cache holds one: the second Parse closes the first, behind an error it does not."""
    acme.ask(parse("SELECT 'one'", "one") + sync())
    acme.ask(parse("SELEC") + parse("SELECT 'two'", "two") + sync())

    assert rows_of(acme.ask(parse("SELECT 'two'", "two") + use("two"))) == [["two"]]
    assert rows_of(acme.ask(use("one"))) == [["one"]]


def test_preparing_anew_tells_its_error(acme, cluster):
    """The statement was closed to make room, and its table has gone meanwhile."""
    cluster.run("CREATE TABLE passing (a int); GRANT SELECT ON passing TO PUBLIC", "app")
    acme.ask(parse("SELECT a FROM passing", "s"), parse("SELECT 1", "other"), sync())
    cluster.run("DROP TABLE passing", "app")
    answer = acme.ask(use("s"))

    assert types(answer) == "EZ"
    assert codes(answer) == ["42P01"]


def test_preparing_anew_in_a_failed_transaction_tells_its_error(acme):
    acme.ask(parse("SELECT 1", "s"), parse("SELECT 2", "other"), sync())
    acme.ask(query("BEGIN"))
    acme.ask(query("SELECT 1/0"))

    assert codes(acme.ask(use("s"))) == ["25P02"]
    assert tags_of(acme.ask(query("ROLLBACK"))) == ["ROLLBACK"]
    assert rows_of(acme.ask(use("s"))) == [["1"]]


# Names that SQL drops.


def prepare_two(client, other):
    client.ask(parse("SELECT 'a'", "a"), parse("SELECT 'b'", "b"), sync())
    other.ask(parse("SELECT 'a'", "a"), sync())


@pytest.mark.parametrize("sql", ["DEALLOCATE ALL", "DISCARD ALL", "deallocate prepare all;",
                                 "/* bye */ DEALLOCATE ALL"])
@pytest.mark.parametrize("protocol", ["simple", "extended"])
def test_dropping_all_drops_the_clients_names_and_nobody_elses(acme, bravo, sql, protocol):
    prepare_two(acme, bravo)
    answer = acme.ask(query(sql) if protocol == "simple"
                      else parse(sql) + bind() + execute() + sync())

    assert codes(answer) == []
    assert codes(acme.ask(use("a"))) == ["26000"]
    assert codes(acme.ask(use("b"))) == ["26000"]
    assert rows_of(bravo.ask(use("a"))) == [["a"]]
    assert rows_of(acme.ask(parse("SELECT 'again'", "a") + use("a"))) == [["again"]]


@pytest.mark.parametrize("sql", ["DEALLOCATE a", 'deallocate "a";', "DEALLOCATE PREPARE A",
                                 "-- bye\nDEALLOCATE a"])
@pytest.mark.parametrize("protocol", ["simple", "extended"])
def test_dropping_one_drops_that_name_of_that_client(acme, bravo, sql, protocol):
    prepare_two(acme, bravo)
    answer = acme.ask(query(sql) if protocol == "simple"
                      else parse(sql) + bind() + execute() + sync())

    assert tags_of(answer) == ["DEALLOCATE"]
    assert codes(acme.ask(use("a"))) == ["26000"]
    assert rows_of(acme.ask(use("b"))) == [["b"]]
    assert rows_of(bravo.ask(use("a"))) == [["a"]]


def test_a_drop_that_is_parsed_but_fails_to_be_bound_drops_nothing(acme):
    acme.ask(parse("SELECT 'a'", "a"), sync())
    answer = acme.ask(parse("DEALLOCATE a") + bind(("surplus",)) + execute() + sync())

    assert codes(answer) == ["08P01"]
    assert rows_of(acme.ask(use("a"))) == [["a"]]


def test_a_drop_drops_where_it_is_executed(acme):
    acme.ask(parse("SELECT 'a'", "a"), sync())
    answer = acme.ask(parse("DEALLOCATE a") + bind(portal="p") + use("a").removesuffix(sync())
                      + execute("p") + use("a"))

    assert rows_of(answer) == [["a"]]
    assert tags_of(answer) == ["SELECT 1", "DEALLOCATE"]
    assert codes(answer) == ["26000"]


def test_a_name_closed_and_prepared_behind_a_drop_within_a_transaction(acme):
    acme.ask(parse("SELECT 'a'", "a") + sync() + query("BEGIN") + query("DEALLOCATE a"), batches=3)
    answer = acme.ask(close("S", "b") + parse("SELECT 'b'", "b") + use("b"))

    assert rows_of(answer) == [["b"]]


def test_dropping_an_unknown_name_is_26000(acme):
    assert codes(acme.ask(query("DEALLOCATE none"))) == ["26000"]


@pytest.mark.parametrize("sql", ["DEALLOCATE a", "DEALLOCATE ALL"])
def test_dropping_in_a_failed_transaction_drops_nothing(acme, bravo, sql):
    prepare_two(acme, bravo)
    acme.ask(query("BEGIN"))
    acme.ask(query("SELECT 1/0"))
    assert codes(acme.ask(query(sql))) == ["25P02"]
    acme.ask(query("ROLLBACK"))

    assert rows_of(acme.ask(use("a"))) == [["a"]]


@pytest.mark.parametrize("sql", ["DEALLOCATE ALL", "DISCARD ALL", "DEALLOCATE a"])
def test_a_name_prepared_behind_a_drop_in_one_pipeline_is_kept(acme, sql):
    acme.ask(parse("SELECT 'old'", "a"), sync())
    answer = acme.ask(query(sql) + parse("SELECT 'new'", "a") + sync() + use("a") + use("a"),
                      batches=4)

    assert codes(answer) == []
    assert rows_of(answer) == [["new"], ["new"]]


def test_a_name_prepared_behind_a_drop_in_one_batch_is_kept(acme):
    acme.ask(parse("SELECT 'old'", "a"), sync())
    answer = acme.ask(parse("DEALLOCATE ALL") + bind() + execute() + parse("SELECT 'new'", "a")
                      + use("a"))

    assert codes(answer) == []
    assert rows_of(answer) == [["new"]]


def test_a_name_prepared_behind_a_drop_that_nobody_foresees_is_kept(acme):
    """Only the server's tag tells of it, when the name has long gone on its way."""
    answer = acme.ask(query("SELECT 1; DEALLOCATE ALL") + parse("SELECT 'new'", "b") + sync()
                      + use("b") + use("b"), batches=4)

    assert codes(answer) == []
    assert rows_of(answer) == [["1"], ["new"], ["new"]]


# Size, room and sharing.


@pytest.mark.parametrize("size", [10_000, 70_000, MIB, 4 * MIB])
def test_a_large_statement(acme, bravo, size):
    text = f"SELECT $1::text, length('{'x' * size}')"
    for client in (acme, bravo, acme):
        client.sock.settimeout(60)
        answer = client.ask(parse(text, "large") + use("large", "v") + close("S", "large") + sync(),
                            batches=2)
        assert codes(answer) == []
        assert rows_of(answer) == [["v", str(size)]]


def test_a_large_value_bound_to_a_named_statement(acme):
    acme.ask(parse("SELECT length($1)", "s"), sync())
    for size in (1, 65_000, 66_000, 5 * MIB):
        assert rows_of(acme.ask(use("s", "y" * size))) == [[str(size)]]


def test_a_bind_that_comes_in_two_segments_at_every_byte(acme):
    acme.ask(parse("SELECT $1::text", "split"), sync())
    data = use("split", "value")
    for at in range(1, len(data)):
        acme.send_apart(data[:at])
        acme.send(data[at:])
        assert rows_of(acme.read_until()) == [["value"]]


def test_a_client_has_more_statements_than_the_connection_holds(acme, bravo):
    for client in (acme, bravo):
        client.ask(*(parse(f"SELECT '{n}'", f"s{n}") for n in range(10)), sync())
    for _ in range(2):
        for n in range(10):
            for client in (acme, bravo):
                answer = client.ask(describe("S", f"s{n}") + use(f"s{n}"))
                assert types(answer) == "tT2DCZ"
                assert rows_of(answer) == [[str(n)]]


def server_statements(client):
    names = client.rows("SELECT name FROM pg_prepared_statements")
    return [name for name, in names if re.fullmatch(r"fahrend_\d+", name)]


def test_the_connection_holds_no_more_than_it_may(acme):
    acme.ask(*(parse(f"SELECT '{n}'", f"s{n}") for n in range(10)), sync())

    assert len(server_statements(acme)) == 1


def test_clients_of_one_tenant_share_a_statement(start):
    daemon = start(tenants=tenants_config(size=1))
    clients = [daemon.wire_tenant("acme") for _ in range(5)]
    for number, client in enumerate(clients):
        answer = client.ask(parse("SELECT 'shared'", f"own{number}") + use(f"own{number}"))
        assert types(answer) == "12DCZ"

    assert len(server_statements(clients[0])) == 1
    for client in clients:
        client.close()


def test_the_same_text_is_another_statement_under_another_schema(tight):
    with tight.wire_tenant("carol") as carol, tight.wire_tenant("delta") as delta:
        for _ in range(3):
            for tenant, client in (("carol", carol), ("delta", delta)):
                client.ask(parse("SELECT body FROM notes WHERE body LIKE 'of %'", "s"), sync())
                assert rows_of(client.ask(use("s"))) == [[f"of {tenant}"]]


@pytest.mark.parametrize("reset", ["tenant", "client", "never"])
def test_statements_survive_every_reset(start, reset):
    daemon = start(tenants={**tenants_config(size=1), "acme": {"reset": reset},
                            "bravo": {"reset": reset}})
    with daemon.wire_tenant("acme") as acme, daemon.wire_tenant("bravo") as bravo:
        for client in (acme, bravo):
            client.ask(parse("SELECT current_setting('app.tenant')", "s"), sync())
        for _ in range(3):
            assert rows_of(acme.ask(use("s"))) == [["acme"]]
            assert rows_of(bravo.ask(use("s"))) == [["bravo"]]


# Messages in the order that nobody expects.


def test_answers_made_up_and_real_ones_keep_their_order(acme):
    acme.ask(parse("SELECT 'a'", "a"), sync())
    answer = acme.ask(describe("S", "a") + parse("SELECT 'a'", "b") + describe("S", "b")
                      + close("S", "a") + bind((), "b") + close("S", "b") + execute()
                      + close("S", "none") + sync())

    assert types(answer) == "tT1tT323DC3Z"


def test_answers_come_at_a_flush(acme):
    acme.send(parse("SELECT 'a'", "flushed"), bind((), "flushed"), execute(), flush())
    assert types(acme.read_until("C")) == "12DC"
    acme.send(close("S", "flushed"), flush())
    assert types(acme.read_until("3")) == "3"
    assert types(acme.ask(sync())) == "Z"


def test_a_pipeline_of_batches_with_errors_between(acme):
    batches = [parse("SELECT 'ok'", "s") + use("s"), use("none"), use("s"),
               parse("SELEC", "t") + use("t"), use("t"), parse("SELECT 't'", "t") + use("t"),
               close("S", "s") + sync(), use("s")]
    answer = acme.ask(b"".join(batches), batches=len(batches))

    assert types(answer) == "12DCZ" "EZ" "2DCZ" "EZ" "EZ" "12DCZ" "3Z" "EZ"
    assert codes(answer) == ["26000", "42601", "26000", "26000"]


@pytest.mark.parametrize("in_block", [False, True])
def test_a_changed_result_type_is_healed_at_the_next_attempt(acme, bravo, cluster, in_block):
    cluster.run("DROP TABLE IF EXISTS shape; CREATE TABLE shape AS SELECT 1 AS a;"
                " GRANT SELECT ON shape TO PUBLIC", "app")
    for client in (acme, bravo):
        client.ask(parse("SELECT * FROM shape", "s") + use("s"))
    cluster.run("ALTER TABLE shape ADD b int DEFAULT 2", "app")
    for client in (bravo, acme):
        if in_block:
            client.ask(query("BEGIN"))
        first = client.ask(use("s"))
        if in_block:
            client.ask(query("ROLLBACK"))

        assert codes(first) in ([], ["0A000"])
        assert rows_of(client.ask(use("s"))) == [["1", "2"]]


def test_a_changed_result_type_is_healed_where_it_is_described(start, cluster):
    daemon = start(tenants=tenants_config(size=1))
    cluster.run("DROP TABLE IF EXISTS shape; CREATE TABLE shape AS SELECT 1 AS a;"
                " GRANT SELECT ON shape TO PUBLIC", "app")
    with daemon.wire_tenant("acme") as client:
        client.ask(parse("SELECT * FROM shape", "s"), describe("S", "s"), sync())
        cluster.run("ALTER TABLE shape ADD b int DEFAULT 2", "app")
        assert codes(client.ask(describe("S", "s") + sync())) == ["0A000"]

        assert types(client.ask(describe("S", "s") + sync())) == "tTZ"
        assert rows_of(client.ask(use("s"))) == [["1", "2"]]


def described(name):
    """Executes as drivers do that ask for the columns each time: libpq, psycopg, node-postgres, pgx."""
    return bind((), name) + describe("P", "") + execute() + sync()


@pytest.fixture
def reshape(cluster):
    """Changes the columns of a table, and tells how many there are now."""
    cluster.run("DROP TABLE IF EXISTS shape; CREATE TABLE shape AS SELECT 1 AS a;"
                " GRANT SELECT ON shape TO PUBLIC", "app")
    names = iter("bcdefgh")

    def change():
        cluster.run(f"ALTER TABLE shape ADD {next(names)} int DEFAULT 2", "app")
    return change


def test_a_changed_result_type_does_not_show_where_the_columns_are_asked_for(start, reshape):
    """The batch behind a switch is there to be sent again; the others are kept once one was stale."""
    with start(tenants=tenants_config(size=1)).wire_tenant("acme") as client:
        client.ask(parse("SELECT * FROM shape", "s"), parse("SELECT a.*, 1 FROM shape a", "t"), sync())
        client.ask(described("s"))
        client.ask(described("t"))
        reshape()
        client.ask(query("SET TimeZone = 'Asia/Tokyo'"))  # a tag that makes the next link switch
        assert types(client.ask(described("s"))) == "2TDCZ"
        assert types(client.ask(described("t"))) == "2TDCZ"
        for columns in (3, 4):
            reshape()
            answer = client.ask(described("s") + described("t"), batches=2)
            assert types(answer) == "2TDCZ" "2TDCZ"
            assert [len(row) for row in rows_of(answer)] == [columns, columns + 1]


def test_in_a_transaction_a_changed_result_type_is_an_error(start, reshape):
    with start(tenants=tenants_config(size=1)).wire_tenant("acme") as client:
        client.ask(parse("SELECT * FROM shape", "s"), sync())
        for _ in range(2):
            client.ask(described("s"))
            reshape()
            client.ask(query("BEGIN"))
            assert codes(client.ask(described("s"))) == ["0A000"]
            assert types(client.ask(query("ROLLBACK"))) == "CZ"
        assert types(client.ask(described("s"))) == "2TDCZ"


def test_a_listen_refused_in_a_pipeline_keeps_the_order(acme):
    answer = acme.ask(query("LISTEN x") + query("SELECT 1") + parse("SELEC") + query("LISTEN x")
                      + sync() + query("SELECT 2"), batches=4)

    assert types(answer) == "EZ" "TDCZ" "EZ" "TDCZ"
    assert codes(answer) == ["0A000", "42601"]
