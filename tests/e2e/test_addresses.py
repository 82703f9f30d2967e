# SPDX-License-Identifier: MIT
"""Where a client comes from: through a load balancer that says so, and what an address may do."""

import os
import struct

import pytest

from deadline import wait_until
from proxy import Proxy, base_config
from wirepeer import LoginFailed, error_fields, errors_of
from world import tenants_config

LOGIN = {"user": "app", "database": "app", "app__tenant": "acme"}
SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"
V1 = b"PROXY TCP4 192.0.2.7 10.0.0.1 56324 443\r\n"
V2 = (SIGNATURE + b"\x21\x11" + struct.pack("!H", 19) + bytes([192, 0, 2, 8, 10, 0, 0, 1])
      + struct.pack("!HH", 1234, 443) + b"\x04\0\x04abcd")
LOCAL = SIGNATURE + b"\x20\0\0\0"
RULES = """\
host all all 127.0.0.1/32 trust
host all all 192.0.2.7/32 trust
host all all 192.0.2.8/32 reject
"""


@pytest.fixture(scope="module")
def balanced(cluster):
    config = base_config(cluster.port, listen={"proxy_protocol": True,
                                               "proxy_networks": ["10.0.0.0/8", "127.0.0.1"]},
                         auth={"method": "hba", "hba_file": "hba.conf"},
                         limits={"clients_per_address": 3}, tenants=tenants_config())
    config["tenancy"]["resolve"].append({"user": "{user}.{tenant}"})
    daemon = Proxy(config)
    with open(os.path.join(daemon.directory, "hba.conf"), "w", encoding="utf-8") as file:
        file.write(RULES)
    with daemon:
        yield daemon


@pytest.mark.parametrize("header", [V1, LOCAL, b"PROXY UNKNOWN\r\n"])
def test_a_client_behind_a_balancer_is_served(balanced, header):
    with balanced.wire() as client:
        client.send(header)
        client.login(**LOGIN)

        assert client.value("SELECT body FROM notes") == "of acme"


@pytest.mark.parametrize("header", [V1, LOCAL])
def test_a_header_byte_by_byte(balanced, header):
    with balanced.wire() as client:
        for byte in header:
            client.send(bytes([byte]))
        client.login(**LOGIN)


def test_the_clients_address_counts_in_the_rules(balanced):
    with balanced.wire() as client, pytest.raises(LoginFailed) as refusal:
        client.send(V2)
        client.login(**LOGIN)

    error = error_fields(refusal.value.seen[-1].body)
    assert error["M"].startswith('pg_hba.conf rejects connection for host "192.0.2.8"')
    wait_until(lambda: "peer=192.0.2.8:1234" in balanced.log, "the log says where it came from")


def test_the_clients_address_is_shown(balanced):
    with balanced.wire() as client, balanced.wire() as console:
        client.send(V1)
        client.login(**LOGIN)
        console.send(LOCAL)
        console.login(user="admin", database="fahrend")
        assert "192.0.2.7" in {row.decode() if isinstance(row, bytes) else row
                               for rows in console.rows("SHOW CLIENTS") for row in rows}


def test_the_clients_address_counts_in_the_limits(balanced):
    clients = [balanced.wire() for _ in range(3)]
    for client in clients:
        client.send(V1)
        client.login(**LOGIN)
    with balanced.wire() as more, balanced.wire() as other:
        more.send(V1)
        assert errors_of(more.read_all())[0]["C"] == "53300"
        other.send(LOCAL)
        other.login(**LOGIN)
    for client in clients:
        client.close()


@pytest.mark.parametrize("start", [b"\0\0\0\x08\x04\xd2\x16\x2f", b"PROXY TCP4 x y 1 2\r\n",
                                   SIGNATURE + b"\x21\x11\xff\xff", b"\x16\x03\x01"])
def test_who_comes_without_a_header_is_refused(balanced, start):
    with balanced.wire() as client:
        client.send(start)
        assert errors_of(client.read_all())[0]["C"] == "08P01"


def test_a_header_that_stops_is_no_load(balanced):
    with balanced.wire() as client, balanced.wire() as other:
        client.send(V1[:20])
        other.send(LOCAL)
        other.login(**LOGIN)
        before = cpu(balanced)
        for _ in range(20):
            other.value("SELECT pg_sleep(0.05)")
        assert cpu(balanced) - before < 50


def cpu(daemon):
    """Ticks of a hundredth of a second that the daemon has used."""
    with open(f"/proc/{daemon.pid}/stat", encoding="ascii") as file:
        fields = file.read().rsplit(")", 1)[1].split()
    return int(fields[11]) + int(fields[12])


def test_from_elsewhere_a_header_is_refused(start):
    daemon = start(listen={"proxy_protocol": True, "proxy_networks": ["10.0.0.0/8"]})
    with daemon.wire() as client, daemon.wire() as liar:
        client.login(**LOGIN)
        liar.send(V1)
        assert errors_of(liar.read_all())[0]["C"] == "08P01"


def test_too_many_wrong_passwords_close_the_door(start):
    daemon = start(auth={"method": "scram-sha-256"}, limits={"failed_logins_per_address": 3},
                   listen={"proxy_protocol": True, "proxy_networks": ["127.0.0.1"]})
    for _ in range(3):
        assert knock(daemon, V1, "wrong") == "28P01"

    assert knock(daemon, V1, "app-secret") == "53300"
    assert knock(daemon, LOCAL, "app-secret") is None


def knock(daemon, header, password):
    """The code of the error that this login ends with; None for none."""
    with daemon.wire() as client:
        client.send(header)
        try:
            client.login(password, **LOGIN)
        except LoginFailed as refusal:
            return error_fields(refusal.seen[-1].body)["C"]
    return None
