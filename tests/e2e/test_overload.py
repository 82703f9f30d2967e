# SPDX-License-Identifier: MIT
"""More than there is room for: descriptors run out, connections come in a storm. Who is served
already stays so, who cannot be is told why, and afterwards all is as before."""

import os
import resource
import select

import psycopg
import pytest

from deadline import wait_until
from wirepeer import errors_of

SPARE = 6  # descriptors that are left when they run out


@pytest.fixture
def scarce(start):
    """A daemon that may open only a few descriptors more, and a session on it."""
    daemon = start(workers=1)
    session = daemon.wire_tenant("acme")
    assert session.value("SELECT 1") == "1"
    pid = daemon.process.pid
    numbers = [int(n) for n in os.listdir(f"/proc/{pid}/fd")]
    soft, hard = resource.prlimit(pid, resource.RLIMIT_NOFILE)
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (max(numbers) + 1 + SPARE, hard))
    yield daemon, session
    session.close()


def refused(client):
    """What a client was told unasked, or None."""
    if not select.select([client.sock], [], [], 0)[0]:
        return None
    errors = errors_of(client.read_all())
    return errors[0] if errors else None


def login(daemon):
    """Whether a client gets in; where it does not, it is for want of descriptors."""
    try:
        with daemon.tenant("acme", sslmode="disable") as connection:
            return connection.execute("SELECT 1").fetchone() == (1,)
    except psycopg.OperationalError as error:
        assert "out of file descriptors" in str(error)
        return False


def test_without_descriptors_clients_are_refused_and_sessions_go_on(scarce):
    daemon, session = scarce
    clients = [daemon.wire() for _ in range(3 * SPARE)]
    told = []

    def some_are_refused():
        for client in clients[:]:
            error = refused(client)
            if error is not None:
                told.append(error)
                clients.remove(client)
                client.close()
        return len(told) >= SPARE

    wait_until(some_are_refused, "clients are told that descriptors ran out")
    assert {e["C"] for e in told} == {"53300"}
    assert session.value("SELECT 2") == "2"

    for client in clients:
        client.close()

    wait_until(lambda: login(daemon), "there is room again")
    assert session.value("SELECT 3") == "3"


def test_a_storm_of_connections_starves_no_session(start, figure):
    daemon = start(workers=1)
    session = daemon.wire_tenant("acme")
    storm = []

    for n in range(40):
        storm += [daemon.wire() for _ in range(20)]
        assert session.value(f"SELECT {n}") == str(n)

    figure(f"{len(storm)} connections that say nothing, a query between each 20: none refused")
    assert login(daemon)
    for client in storm:
        client.close()
    session.close()
