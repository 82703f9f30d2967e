# SPDX-License-Identifier: MIT
"""Large messages, slow peers and small segments: right answers, and memory that stays flat."""

import hashlib
import threading

import pytest

from deadline import wait_until
from proxy import Proxy, base_config
from scripted import ScriptedServer, complete, row, row_description
from wirepeer import (bind, errors_of, execute, extended, message, parse, query, rows_of, startup,
                      sync, tags_of)
from world import tenants_config

MIB = 1 << 20
LARGE = 100 * MIB
FLAT = 8 * MIB
BATCHES = 1000


@pytest.fixture(scope="module")
def daemon(cluster):
    """The build without sanitizers: its memory is what users have."""
    config = base_config(cluster.port, tenants=tenants_config(), log={"level": "info"},
                         limits={"message_size": "256MiB"})
    with Proxy(config, release=True) as proxy:
        with proxy.wire_tenant("acme") as client:
            client.value("SELECT 1")
        yield proxy


class Peak:
    """Measures by how much the daemon's memory grew at most while the block ran."""

    def __init__(self, daemon):
        self.daemon = daemon

    def __enter__(self):
        self.before = self.daemon.rss()
        self.daemon.reset_peak()
        return self

    def __exit__(self, *exc):
        self.growth = self.daemon.rss(peak=True) - self.before

    def __str__(self):
        return f"{self.growth / MIB:.2f} MiB"


def test_100_mb_to_the_server(daemon, figure):
    data = b"0123456789abcdef" * (LARGE // 16)
    with daemon.wire_tenant("acme") as client, Peak(daemon) as peak:
        client.sock.settimeout(60)
        client.send(parse("SELECT length($1::text), md5($1::text)"), bind([data]), execute(),
                    sync())
        answer = client.read_until()

    assert rows_of(answer) == [[str(LARGE), hashlib.md5(data).hexdigest()]]
    figure(f"100 MB to the server: memory grew by {peak}")
    assert peak.growth < FLAT


def test_100_mb_to_the_client(daemon, figure):
    with daemon.wire_tenant("acme") as client, Peak(daemon) as peak:
        client.sock.settimeout(60)
        answer = client.ask(query(f"SELECT repeat('0123456789abcdef', {LARGE // 16})"))

    (value,) = rows_of(answer)[0]
    assert len(value) == LARGE
    assert value == "0123456789abcdef" * (LARGE // 16)
    figure(f"100 MB to the client: memory grew by {peak}")
    assert peak.growth < FLAT


def test_100_mb_in_one_simple_query(daemon, figure):
    with daemon.wire_tenant("acme") as client, Peak(daemon) as peak:
        client.sock.settimeout(60)
        answer = client.ask(query(f"SELECT length('{'x' * LARGE}')"))

    assert rows_of(answer) == [[str(LARGE)]]
    figure(f"100 MB in one Query: memory grew by {peak}")
    assert peak.growth < FLAT


def backend_waits_to_write(cluster, pid):
    return cluster.run("SELECT 1 FROM pg_stat_activity WHERE pid = %s"
                       " AND wait_event = 'ClientWrite'", params=(pid,))


def test_a_slow_reader_stops_the_server_and_not_the_memory(daemon, cluster, figure):
    rows = 200_000
    client = daemon.wire(receive_buffer=16384)
    client.login(user="app", database="app", app__tenant="acme")
    pid = int(client.value("SELECT pg_backend_pid()"))
    with client, Peak(daemon) as peak:
        client.send(query(f"SELECT n, repeat('x', 500) FROM generate_series(1, {rows}) n"))
        client.take(1000)
        wait_until(lambda: backend_waits_to_write(cluster, pid), "the server is held back")
        with daemon.wire_tenant("bravo") as other:
            assert other.value("SELECT body FROM notes") == "of bravo"
        client.sock.settimeout(60)
        size = client.discard_until(message("Z", b"I"))

    assert size > rows * 500
    figure(f"a reader that stops in 100 MB: memory grew by {peak}")
    assert peak.growth < FLAT


def test_a_slow_server_stops_the_client_and_not_the_memory(daemon, figure):
    """While the server works on the first batch, 100 MB of the second cannot all be taken."""
    data = b"y" * LARGE
    with daemon.wire_tenant("acme") as client, Peak(daemon) as peak:
        client.sock.settimeout(60)
        client.send(extended("SELECT pg_sleep(1)"),
                    parse("SELECT length($1::text)"), bind([data]), execute(), sync())
        answer = client.read_until("Z", 2)

    assert rows_of(answer)[-1] == [str(LARGE)]
    figure(f"a server that stops before 100 MB: memory grew by {peak}")
    assert peak.growth < FLAT


def test_1000_pipelined_batches(daemon, figure):
    data = b"".join(parse("SELECT $1::text, body FROM notes") + bind([n]) + execute() + sync()
                    for n in range(BATCHES))
    with daemon.wire_tenant("acme") as client, Peak(daemon) as peak:
        answer = client.ask(data, batches=BATCHES)

    assert rows_of(answer) == [[str(n), "of acme"] for n in range(BATCHES)]
    figure(f"{BATCHES} pipelined batches: memory grew by {peak}")
    assert peak.growth < FLAT


def test_1000_pipelined_batches_with_large_answers(daemon, figure):
    """The answers do not fit anywhere while the client still sends: it reads beside sending."""
    data = b"".join(extended(f"SELECT {n}, repeat('z', 50000)") for n in range(BATCHES))
    with daemon.wire_tenant("acme") as client, Peak(daemon) as peak:
        client.sock.settimeout(60)
        sender = threading.Thread(target=client.send, args=(data,))
        sender.start()
        answer = client.read_until("Z", BATCHES)
        sender.join()

    assert rows_of(answer) == [[str(n), "z" * 50000] for n in range(BATCHES)]
    figure(f"{BATCHES} pipelined batches of 50 kB answers: memory grew by {peak}")
    assert peak.growth < FLAT


def test_memory_is_back_after_many_connections(daemon, figure):
    def crowd():
        clients = [daemon.wire_tenant("acme") for _ in range(300)]
        for client in clients:
            client.close()

    crowd()
    with Peak(daemon) as peak:
        for _ in range(5):
            crowd()

    figure(f"1,500 connections after the first 300: memory grew by {peak}")
    assert peak.growth < FLAT


@pytest.fixture(scope="module")
def checked(cluster):
    """The build with sanitizers, one server connection: every switch is cut into segments too."""
    with Proxy(base_config(cluster.port, tenants=tenants_config(size=1))) as proxy:
        yield proxy


def one_by_one(client, data):
    for byte in data:
        client.send(bytes([byte]))


def test_one_byte_per_segment_from_the_client(checked):
    with checked.wire() as client:
        one_by_one(client, startup(user="app", database="app", app__tenant="acme"))
        client.read_until()
        one_by_one(client, query("SELECT body FROM notes"))
        assert rows_of(client.read_until()) == [["of acme"]]
        one_by_one(client, parse("SELECT $1::text, body FROM notes", "") + bind(["a"]) + execute()
                   + sync())
        assert rows_of(client.read_until()) == [["a", "of acme"]]
        one_by_one(client, query("SELECT 1/0") + query("SELECT 2"))
        answer = client.read_until("Z", 2)

        assert [e["C"] for e in errors_of(answer)] == ["22012"]
        assert rows_of(answer) == [["2"]]


def test_one_byte_per_segment_of_a_copy(checked, cluster):
    with checked.wire_tenant("carol") as client:
        client.send(query("COPY notes (body) FROM STDIN"))
        client.read_until("G")
        one_by_one(client, message("d", b"bytewise\n") * 3 + message("c"))
        assert tags_of(client.read_until()) == ["COPY 3"]

    assert len(cluster.run("DELETE FROM tenant_carol.notes WHERE body = 'bytewise' RETURNING 1",
                           "app")) == 3


def bytewise_answer(conn, sql, values):
    """A simple query's rows are described; those of a portal only where Describe asks for it."""
    if sql.startswith("SELECT 'row"):
        return row_description("v") + row(sql[8:-1]) + complete("SELECT 1")
    if sql.startswith("SELECT 'bound"):
        return row(sql[8:-1]) + complete("SELECT 1")
    return complete(sql.split()[0])


def test_one_byte_per_segment_from_the_server():
    with ScriptedServer(bytewise_answer) as server:
        server.one_byte_segments = True
        config = base_config(server.port, tenants=tenants_config(size=1))
        with Proxy(config) as daemon, daemon.wire_tenant("acme") as acme, \
                daemon.wire_tenant("bravo") as bravo:
            for number in range(3):
                for client in (acme, bravo):
                    assert client.rows(f"SELECT 'row{number}'") == [[f"row{number}"]]
                    answer = client.ask(extended(f"SELECT 'bound{number}'"))
                    assert rows_of(answer) == [[f"bound{number}"]]
