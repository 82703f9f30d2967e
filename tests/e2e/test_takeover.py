# SPDX-License-Identifier: MIT
"""A restart that loses nothing: a new process takes the sockets over, the old one drains.

$TAKEOVER_SECONDS makes the load last longer; there are as many takeovers in it as there is time for.
"""

import contextlib
import os
import re
import signal
import socket
import subprocess
import tempfile
import time
import urllib.request

import psycopg
import pytest

from cluster import find_bindir, free_port
from deadline import wait_until
from proxy import Proxy, base_config, merge
from wirepeer import LoginFailed, WireClient, cancel_request, errors_of, query
from world import tenants_config

SECONDS = int(os.environ.get("TAKEOVER_SECONDS", "4"))
SCRIPT = "BEGIN;\nSELECT count(*) FROM notes;\nSELECT body FROM notes LIMIT 1;\nCOMMIT;\n"


class Line:
    """Processes of one configuration, each taking over from the one before."""

    def __init__(self, stack, cluster, folder, **changes):
        self.stack = stack
        self.config = merge(base_config(cluster.port, tenants=tenants_config()),
                            merge({"listen": {"unix_dir": folder}}, changes))
        self.first = self.add(())

    def add(self, arguments, **changes):
        proxy = Proxy(merge(self.config, changes), arguments=arguments)
        self.stack.callback(lambda: proxy.process and proxy.kill())
        proxy.start()
        wait_until(lambda: "ready version" in proxy.log, "it is ready")
        return proxy

    def succeed(self, old, **changes):
        """A process that has taken over from `old`."""
        new = self.add(("--takeover",), **changes)
        wait_until(lambda: "another process has taken over" in old.log, "it is taken over")
        return new


@pytest.fixture
def folder():
    """For sockets, whose paths must be short."""
    with tempfile.TemporaryDirectory(prefix="line-") as path:
        yield path


@pytest.fixture(name="line")
def make_line(cluster, folder):
    with contextlib.ExitStack() as stack:
        yield lambda **changes: Line(stack, cluster, folder, **changes)


def end_well(proxy):
    """Its clients have left, so it ends without being told."""
    proxy.expect_end()


def pgbench(host, port, *options):
    with tempfile.NamedTemporaryFile("w", suffix=".sql", delete=False) as script:
        script.write(SCRIPT)
    environment = dict(os.environ, PGOPTIONS="-c app.tenant=acme")
    return subprocess.Popen([os.path.join(find_bindir(), "pgbench"), "-n", "-f", script.name, "-h",
                             host, "-p", str(port), "-U", "app", "-c", "4", "-T", str(SECONDS),
                             *options, "app"], env=environment, stdout=subprocess.PIPE,
                            stderr=subprocess.STDOUT, text=True)


def expect_no_failure(process):
    out, _ = process.communicate(timeout=SECONDS + 60)
    assert process.returncode == 0, out
    assert re.search(r"number of failed transactions: 0 ", out), out
    assert int(re.search(r"actually processed: (\d+)", out)[1]) > 0, out
    assert "aborted" not in out and "fatal" not in out.lower(), out


@pytest.mark.parametrize("workers", [1, 2])
def test_under_load_no_transaction_fails(line, workers, figure):
    daemons = line(workers=workers)
    old, passed = daemons.first, []
    lasting = pgbench("127.0.0.1", old.port)
    coming = [pgbench("127.0.0.1", old.port, "-C"),
              pgbench(daemons.config["listen"]["unix_dir"], old.port, "-C")]
    wait_until(lambda: len(old.console("SHOW CLIENTS")) > 4, "there is load")

    until = time.monotonic() + SECONDS - 1
    while time.monotonic() < until:
        passed.append(old)
        old = daemons.succeed(old)
    for process in (lasting, *coming):
        expect_no_failure(process)

    for proxy in passed:
        end_well(proxy)
    figure(f"{len(passed)} takeovers under load with {workers} workers, no transaction failed")
    old.stop()


def running(cluster, marker):
    return cluster.run("SELECT 1 FROM pg_stat_activity WHERE state = 'active' AND query LIKE %s"
                       " AND pid <> pg_backend_pid()", params=(f"%{marker}%",))


@pytest.mark.parametrize("workers", [1, 2])
def test_a_cancel_finds_the_process_of_its_client(line, cluster, workers):
    daemons = line(workers=workers)
    proxies = [daemons.first]
    with contextlib.ExitStack() as stack:
        clients = []
        for number in range(3):
            if number > 0:
                proxies.append(daemons.succeed(proxies[-1]))
            client = stack.enter_context(proxies[-1].wire_tenant("acme"))
            client.send(query(f"SELECT pg_sleep(120), 'of process {number}'"))
            clients.append(client)
        for number, client in enumerate(clients):
            wait_until(lambda n=number: running(cluster, f"of process {n}"), "the query runs")

        for number, client in enumerate(clients):
            with WireClient(daemons.first.port) as requester:  # only the last one listens
                requester.send(cancel_request(*client.cancel_key))
                assert requester.at_end()
            assert errors_of(client.read_until())[0]["C"] == "57014"
            for other in range(number + 1, len(clients)):
                assert running(cluster, f"of process {other}")
    for proxy in proxies[:-1]:
        end_well(proxy)
    proxies[-1].stop()


def test_who_waits_in_the_queue_is_served_by_the_next(line):
    daemons = line(workers=1)
    old = daemons.first
    os.kill(old.pid, signal.SIGSTOP)  # it accepts nobody
    early = [WireClient(old.port) for _ in range(20)]
    os.kill(old.pid, signal.SIGCONT)
    new = daemons.succeed(old)

    for client in early:  # whoever has it
        client.login(user="app", database="app", app__tenant="acme")
        assert client.value("SELECT body FROM notes") == "of acme"
        client.close()
    end_well(old)
    new.stop()


@pytest.mark.parametrize("before, after", [(1, 3), (3, 1)])
def test_the_number_of_workers_may_change(line, before, after):
    daemons = line(workers=before)

    new = daemons.succeed(daemons.first, workers=after)

    end_well(daemons.first)
    for _ in range(30):
        with new.tenant("acme") as conn:
            assert conn.execute("SELECT body FROM notes").fetchall() == [("of acme",)]
    new.stop()


def test_an_address_that_is_no_more_is_left_and_a_new_one_is_opened(line):
    daemons = line()
    port = free_port()

    new = daemons.succeed(daemons.first, listen={"address": ["127.0.0.2"]},
                          http={"address": "127.0.0.1", "port": port})

    end_well(daemons.first)
    socket.create_connection(("127.0.0.2", new.port)).close()
    with pytest.raises(OSError):
        socket.create_connection(("127.0.0.1", new.port))
    new.host = "127.0.0.2"
    new.stop()


@pytest.mark.parametrize("where", ["tcp", "unix"])
def test_the_http_endpoint_goes_along(line, folder, where):
    port = free_port()
    path = os.path.join(folder, "http")
    daemons = line(http={"address": path if where == "unix" else "127.0.0.1", "port": port})

    new = daemons.succeed(daemons.first)
    end_well(daemons.first)

    if where == "tcp":
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/livez") as answer:
            assert answer.status == 200
    else:
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(path)
            client.sendall(b"GET /livez HTTP/1.0\r\n\r\n")
            assert client.recv(100).startswith(b"HTTP/1.1 200")
    new.stop()


def test_without_a_process_before_it_starts_as_usual(line):
    daemons = line()
    daemons.first.stop()

    alone = daemons.add(("--takeover",))

    alone.assert_alive()
    alone.stop()


def test_a_process_that_cannot_start_takes_nothing(line, folder):
    daemons = line()
    blocker = socket.create_server(("127.0.0.1", 0))
    with pytest.raises(AssertionError, match="cannot start"):
        proxy = Proxy(merge(daemons.config, {"http": {
            "address": "127.0.0.1", "port": blocker.getsockname()[1]}}), arguments=("--takeover",))
        try:
            proxy.start()
            wait_until(lambda: proxy.process.poll() is not None, "it ends")
            raise AssertionError(proxy.log)
        finally:
            proxy.kill()
    blocker.close()

    with psycopg.connect(host=folder, port=daemons.first.port, user="app", dbname="app",
                         options="-c app.tenant=acme") as conn:
        assert conn.execute("SELECT body FROM notes").fetchall() == [("of acme",)]
    new = daemons.succeed(daemons.first)
    end_well(daemons.first)
    new.stop()


def test_one_that_drains_keeps_its_clients_and_its_cancels(line, cluster):
    """SIGTERM first, then the new process: it finds nothing to take, but the way to the old."""
    daemons = line()
    old = daemons.first
    with old.wire_tenant("acme") as client:
        old.signal(signal.SIGTERM)
        wait_until(lambda: "draining" in old.log, "it drains")
        new = daemons.add(("--takeover",))
        client.send(query("SELECT pg_sleep(120), 'of the old one'"))
        wait_until(lambda: running(cluster, "of the old one"), "the query runs")

        with WireClient(new.port) as requester:
            requester.send(cancel_request(*client.cancel_key))
            assert requester.at_end()

        assert errors_of(client.read_until())[0]["C"] == "57014"
    end_well(old)
    with psycopg.connect(host=daemons.config["listen"]["unix_dir"], port=new.port, user="app",
                         dbname="app", options="-c app.tenant=acme") as conn:
        assert conn.execute("SELECT 1").fetchone() == (1,)
    new.stop()


def test_the_old_one_lets_nobody_wait_beyond_the_drain_timeout(line):
    daemons = line(drain_timeout="300ms")
    with daemons.first.wire_tenant("acme") as client:
        new = daemons.succeed(daemons.first)

        assert errors_of(client.read_all())[0]["C"] == "57P01"
    end_well(daemons.first)
    new.stop()


def test_a_stranger_at_the_place_is_not_understood(line, folder):
    daemons = line()
    path = os.path.join(folder, f".s.fahrend.{daemons.first.port}")
    assert os.stat(path).st_mode & 0o777 == 0o600

    for junk in (b"", b"?", b"R", b"C123", b"C" + b"\xff" * 64, b"x" * 500):
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as stranger:
            stranger.connect(path)
            stranger.send(junk)
            assert stranger.recv(10) == b""

    daemons.first.assert_alive()
    with pytest.raises(LoginFailed):
        daemons.first.wire_tenant("nobody", user="nobody")
    daemons.first.stop()


def test_takeover_needs_a_folder(cluster):
    proxy = Proxy(base_config(cluster.port, tenants=tenants_config()), arguments=("--takeover",))
    try:
        with pytest.raises(AssertionError, match="listen.unix_dir must name a folder"):
            proxy.start()
    finally:
        proxy.kill()
