# SPDX-License-Identifier: MIT
"""Protocol 3.2 of PostgreSQL 18, to clients and to servers: what is negotiated, long cancel keys.
libpq 18 is the client: Debian's psql with that library in its path."""

import os
import signal
import struct
import subprocess

import pytest

from certificates import Authority
from cluster import Cluster
from deadline import wait_until
from proxy import ROOT
from wirepeer import Closed, cancel_request, errors_of, packet, query

SERVERS = os.path.join(ROOT, "tests", "isolation", "servers", "node_modules")
POSTGRES_18 = os.path.join(SERVERS, "postgres-18", "native")
needs_18 = pytest.mark.skipif(not os.path.exists(os.path.join(POSTGRES_18, "bin")),
                              reason="PostgreSQL 18 is not installed")

V3_0, V3_2 = 3 << 16, 3 << 16 | 2


def start_session(client, version, **parameters):
    """Sends a startup packet of this version; every message up to ReadyForQuery, or the end."""
    pairs = b"".join(f"{name}\0{value}\0".encode() for name, value in
                     {"user": "app", "database": "app", "app.tenant": "acme",
                      **parameters}.items())
    client.send(packet(version, pairs + b"\0"))
    return client.read_until("Z")


def bodies(messages, kind):
    return [m.body for m in messages if m.type == kind]


@pytest.mark.parametrize("version, size", [(V3_0, 4), (V3_2, 32), (V3_2 + 1, 32)])
def test_a_cancel_key_is_as_long_as_the_protocol_allows(transaction_proxy, version, size):
    with transaction_proxy.wire() as client:
        seen = start_session(client, version)
        assert len(bodies(seen, "K")[0]) == 4 + size
        told = [struct.unpack_from("!II", body) for body in bodies(seen, "v")]
        assert told == ([(V3_2, 0)] if version > V3_2 else [])


def test_an_unknown_extension_is_named(transaction_proxy):
    with transaction_proxy.wire() as client:
        seen = start_session(client, V3_0, **{"_pq_.unheard": "1"})
        assert bodies(seen, "v") == [struct.pack("!II", V3_0, 1) + b"_pq_.unheard\0"]


def test_a_long_key_cancels_and_half_of_it_does_not(transaction_proxy):
    with transaction_proxy.wire() as client:
        body = bodies(start_session(client, V3_2), "K")[0]
        pid, key = struct.unpack_from("!I", body)[0], body[4:]
        client.send(query("SELECT pg_sleep(60)"))
        wait_until(lambda: any(row["state"] == "active"
                               for row in transaction_proxy.console("SHOW SERVERS")), "it runs")
        for wrong in (key[:4], key[:31], key + key, bytes(32)):
            with transaction_proxy.wire() as other:
                other.send(cancel_request(pid, wrong))
                other.at_end()
        with transaction_proxy.wire() as other:
            other.send(cancel_request(pid, key))
        assert errors_of(client.read_until("Z"))[0]["C"] == "57014"


def test_a_key_of_more_than_256_bytes_is_refused(transaction_proxy):
    with transaction_proxy.wire() as client:
        client.send(cancel_request(1, bytes(257)))
        try:
            client.read_until("E")
        except Closed:
            pass
    transaction_proxy.assert_alive()


# ---- libpq 18 ----

def psql_18(daemon, options, *commands, **more):
    where = f"host={daemon.host} port={daemon.port} user=app dbname=app {options}"
    return subprocess.Popen(["psql", "-X", "-At", where, *[f"-c{text}" for text in commands]],
                            env=dict(os.environ, PGOPTIONS="-c app.tenant=acme",
                                     LD_LIBRARY_PATH=os.path.join(POSTGRES_18, "lib")),
                            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **more)


@needs_18
def test_libpq_18_speaks_3_2(transaction_proxy):
    with psql_18(transaction_proxy, "min_protocol_version=3.2 max_protocol_version=latest",
                 "SELECT 1") as psql:
        assert psql.communicate(timeout=20)[0] == "1\n"


@needs_18
def test_libpq_18_cancels_with_a_long_key(transaction_proxy):
    with psql_18(transaction_proxy, "min_protocol_version=3.2", "SELECT pg_sleep(60)") as psql:
        wait_until(lambda: any(row["state"] == "active"
                               for row in transaction_proxy.console("SHOW SERVERS")), "it runs")
        psql.send_signal(signal.SIGINT)
        assert "canceling statement due to user request" in psql.communicate(timeout=20)[0]


@needs_18
def test_libpq_18_begins_with_tls(start):
    with Authority() as authority:
        authority.issue("server", hosts=["localhost", "127.0.0.1"])
        daemon = start(listen={"tls": {"mode": "require", **authority.pair("server")}})
        with psql_18(daemon, "sslnegotiation=direct sslmode=verify-full min_protocol_version=3.2 "
                     f"sslrootcert={authority.ca}", "SELECT 1") as psql:
            assert psql.communicate(timeout=20)[0] == "1\n"


# ---- servers ----

@needs_18
def test_a_server_of_18_is_cancelled_with_its_long_key(start):
    with Cluster(os.path.join(POSTGRES_18, "bin")) as server:
        server.run("CREATE ROLE app LOGIN")
        server.run("CREATE DATABASE app")
        daemon = start(servers={"main": {"port": server.port, "protocol": "3.2"}},
                       tenants={"acme": {"strategy": "none"}})
        with daemon.wire_tenant("acme") as client:
            client.send(query("SELECT pg_sleep(60)"))
            wait_until(lambda: server.run("SELECT 1 FROM pg_stat_activity "
                                          "WHERE query LIKE 'SELECT pg_sleep%'"), "it runs")
            with daemon.wire() as other:
                other.send(cancel_request(*client.cancel_key))
            assert errors_of(client.read_until("Z"))[0]["C"] == "57014"


def test_an_older_server_negotiates(start, cluster):
    daemon = start(servers={"main": {"port": cluster.port, "protocol": "3.2"}})

    with daemon.tenant("acme") as conn:
        assert conn.execute("SELECT 1").fetchone() == (1,)
