# SPDX-License-Identifier: MIT
"""Bad input ends in an error or a close, and never in a crash."""

import itertools
import random
import socket
import ssl
import struct

import pytest

from certificates import Authority
from proxy import Proxy, base_config
from scripted import ScriptedServer
from wirepeer import (CANCEL_REQUEST, GSSENC_REQUEST, PROTOCOL_3, SSL_REQUEST, LoginFailed, bind,
                      cstring, errors_of, execute, message, packet, parse, query, rows_of, startup,
                      sync)
from world import tenants_config

FRONTEND = "BCDEFHPQSXcdfp"
BACKEND = "123AGIKNRTVWZnstv"
LENGTHS = [0, 3, 2**31 - 1, 2**32 - 1]
LOGIN = {"user": "app", "database": "app", "app__tenant": "acme"}


class Secured:
    """A daemon whose raw clients come with TLS."""

    def __init__(self, daemon):
        self.daemon = daemon
        self.trust = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        self.trust.check_hostname, self.trust.verify_mode = False, ssl.CERT_NONE

    def __getattr__(self, name):
        return getattr(self.daemon, name)

    def wire(self):
        client = self.daemon.wire()
        client.send(packet(SSL_REQUEST))
        assert client.take(1) == b"S"
        client.sock = self.trust.wrap_socket(client.sock)
        return client


@pytest.fixture(scope="module")
def daemons(cluster):
    """By how clients come, and by method: one that trusts, one that asks for SCRAM."""
    with Authority() as authority:
        authority.issue("server")
        listen = {"clear": {}, "tls": {"tls": {"mode": "prefer", **authority.pair("server")}}}
        started = {}
        for way, method in itertools.product(listen, ("trust", "scram-sha-256")):
            config = base_config(cluster.port, auth={"method": method}, listen=listen[way],
                                 tenants=tenants_config())
            started[way, method] = Proxy(config)
            started[way, method].start()
        yield started
    for daemon in started.values():
        daemon.stop()


def ready(daemons, way, method):
    """Alive and without a word from a sanitizer after each test."""
    daemon = daemons[way, method]
    yield Secured(daemon) if way == "tls" else daemon
    daemon.assert_alive()


@pytest.fixture(params=["clear", "tls"])
def daemon(daemons, request):
    yield from ready(daemons, request.param, "trust")


@pytest.fixture
def plain(daemons):
    yield from ready(daemons, "clear", "trust")


@pytest.fixture(params=["clear", "tls"])
def asking(daemons, request):
    yield from ready(daemons, request.param, "scram-sha-256")


def end_sending(client):
    """Half of the connection closes, under TLS without its own goodbye."""
    socket.socket.shutdown(client.sock, socket.SHUT_WR)


def refused(client, data, half_close=False):
    """Sends, and reads until the close that must come. Returns the codes of errors on the way and
    asserts that nothing else was said that only a served client hears."""
    try:
        client.send(data)
        if half_close:
            end_sending(client)
    except (BrokenPipeError, ConnectionResetError):
        pass
    seen = client.read_all()
    assert not [m for m in seen if m.type in "DTCKZ"], seen
    return [fields["C"] for fields in errors_of(seen)]


@pytest.mark.parametrize("kind", FRONTEND + BACKEND)
def test_any_message_in_place_of_a_startup(daemon, kind):
    with daemon.wire() as client:
        refused(client, message(kind, b"\0" * 16))


@pytest.mark.parametrize("size", [0, 1, 3, 4, 7, 10_001, 2**31 - 1, 2**31, 2**32 - 1])
def test_a_startup_of_a_wrong_length(daemon, size):
    with daemon.wire() as client:
        refused(client, struct.pack("!II", size, PROTOCOL_3) + b"user\0app\0\0")


def test_a_startup_of_10001_bytes(daemon):
    value = b"x" * (10_001 - 8 - len(b"user\0app\0p\0\0\0"))
    data = packet(PROTOCOL_3, b"user\0app\0p\0" + value + b"\0\0")
    assert len(data) == 10_001

    with daemon.wire() as client:
        assert refused(client, data) in ([], ["08P01"])


def test_a_startup_of_10000_bytes_is_served(daemon):
    start = b"user\0app\0database\0app\0app.tenant\0acme\0my.x\0"
    data = packet(PROTOCOL_3, start + b"x" * (10_000 - 8 - len(start) - 2) + b"\0\0")
    assert len(data) == 10_000

    with daemon.wire() as client:
        client.send(data)
        assert client.read_until("ZE")[-1].type == "Z"


BODIES = {
    "nothing": b"",
    "no last zero": b"user\0app\0",
    "a name without a value": b"user\0",
    "a name without a zero": b"user",
    "no zero at all": b"user" * 20,
    "bytes behind the end": b"user\0app\0database\0app\0app.tenant\0acme\0\0more",
    "only zeros": b"\0" * 50,
    "no user": b"database\0app\0app.tenant\0acme\0\0",
    "an empty user": b"user\0\0database\0app\0app.tenant\0acme\0\0",
    "a user of high bytes": b"user\0\xff\xfe\x80\0database\0app\0\0",
    "options of another kind": b"user\0app\0app.tenant\0acme\0options\0-d 5\0\0",
    "options without a value": b"user\0app\0app.tenant\0acme\0options\0-c work_mem\0\0",
    "an option without a name": b"user\0app\0app.tenant\0acme\0options\0-c =5\0\0",
    "options that end early": b"user\0app\0app.tenant\0acme\0options\0-c\0\0",
}


@pytest.mark.parametrize("body", BODIES)
def test_a_startup_with(daemon, body):
    with daemon.wire() as client:
        refused(client, packet(PROTOCOL_3, BODIES[body]), half_close=True)


def test_options_that_end_in_a_backslash(daemon):
    with daemon.wire() as client:
        client.login(**LOGIN, options="-c x.y=\\")

        assert client.value("SHOW x.y") == ""


@pytest.mark.parametrize("version", [0, 1, 2 << 16, 4 << 16, (3 << 16) + 9999, 0xFFFFFFFF,
                                     (1234 << 16) + 1, (1234 << 16) + 9999])
def test_another_version_is_refused_or_negotiated(daemon, version):
    body = b"user\0app\0database\0app\0app.tenant\0acme\0\0"
    with daemon.wire() as client:
        client.send(packet(version, body))
        if version >> 16 == 3:
            assert [m.type for m in client.read_until("EZ")][0] in "vR"
        else:
            refused(client, b"")


def test_a_minor_version_is_negotiated_down(daemon):
    body = b"user\0app\0database\0app\0app.tenant\0acme\0_pq_.new\x001\0\0"
    with daemon.wire() as client:
        client.send(packet(PROTOCOL_3 + 9, body))
        seen = client.read_until("EZ")

    assert seen[-1].type == "Z"
    told = [m.body for m in seen if m.type == "v"]
    assert told == [struct.pack("!II", PROTOCOL_3 + 2, 1) + b"_pq_.new\0"]


@pytest.mark.parametrize("length", [63, 64, 200, 5000])
@pytest.mark.parametrize("name", ["user", "app__tenant"])
def test_a_name_of_many_bytes_is_refused(asking, name, length):
    with asking.wire() as client, pytest.raises(LoginFailed) as refusal:
        client.login("app-secret", **{**LOGIN, name: "n" * length})

    assert refusal.value.fields["S"] == "FATAL"


@pytest.mark.parametrize("length", [63, 64, 200, 5000])
@pytest.mark.parametrize("name", ["database", "application_name"])
def test_a_name_of_many_bytes_is_served_or_refused(daemon, name, length):
    """The tenant decides on the database, and PostgreSQL cuts an application's name."""
    with daemon.wire() as client:
        try:
            client.login(**{**LOGIN, name: "n" * length})
            assert client.rows("SELECT body FROM notes") == [["of acme"]]
        except LoginFailed as refusal:
            assert refusal.fields["S"] == "FATAL"


def test_a_parameter_name_of_64_bytes(daemon):
    with daemon.wire() as client:
        try:
            client.login(**LOGIN, **{"x." + "n" * 62: "1"})
        except LoginFailed as refusal:
            assert refusal.fields["S"] == "FATAL"


def test_thousands_of_parameters(daemon):
    pairs = "".join(f"p{n}\0v\0" for n in range(1100)).encode()
    data = packet(PROTOCOL_3, b"user\0app\0app.tenant\0acme\0" + pairs + b"\0")
    assert len(data) < 10_000

    with daemon.wire() as client:
        client.send(data)
        assert client.read_until("EZ")


def test_a_parameter_twice(daemon):
    data = packet(PROTOCOL_3, b"user\0app\0database\0app\0app.tenant\0acme\0app.tenant\0bravo\0\0")
    with daemon.wire() as client:
        client.send(data)
        if client.read_until("EZ")[-1].type == "Z":
            assert client.value("SELECT current_setting('app.tenant')") in ("acme", "bravo")


@pytest.mark.parametrize("garbage", [b"\0", b"garbage" * 10, b"\x16\x03\x01\x02\x00\x01\x00",
                                     b"\xff" * 8, b"\0\0\0\x08" + b"\0" * 4])
def test_garbage_behind_an_ssl_request(plain, garbage):
    with plain.wire() as client:
        client.send(packet(SSL_REQUEST), garbage)
        end_sending(client)
        while True:
            if not client.sock.recv(65536):
                break


def test_an_ssl_and_a_gssenc_request_are_answered_no_and_the_login_goes_on(plain):
    with plain.wire() as client:
        for code in (GSSENC_REQUEST, SSL_REQUEST):
            client.send(packet(code))
            assert client.take(1) == b"N"
        client.login(**LOGIN)

        assert client.rows("SELECT body FROM notes") == [["of acme"]]


def test_endless_ssl_requests_come_to_an_end(plain):
    with plain.wire() as client:
        client.send(packet(SSL_REQUEST) * 1000)
        end_sending(client)
        answer = b""
        while True:
            try:
                data = client.sock.recv(65536)
            except ConnectionResetError:
                break
            if not data:
                break
            answer += data

    assert answer.count(b"N") < 1000


@pytest.mark.parametrize("body", [b"", b"\0\0\0\1", b"\0\0\0\1abc", b"\0" * 300, b"\xff" * 8])
def test_a_cancel_request_that_fits_nothing(daemon, body):
    with daemon.wire() as client:
        assert refused(client, packet(CANCEL_REQUEST, body), half_close=True) in ([], ["08P01"])


# While the password is asked for.


@pytest.mark.parametrize("kind", FRONTEND.replace("p", "") + BACKEND)
def test_any_message_in_place_of_a_password(asking, kind):
    with asking.wire() as client:
        client.send(startup(**LOGIN))
        client.read_until("R")
        refused(client, message(kind, b"\0" * 16))


@pytest.mark.parametrize("size", LENGTHS + [65_536 + 5, 10_000_000])
def test_a_password_of_a_wrong_length(asking, size):
    with asking.wire() as client:
        client.send(startup(**LOGIN))
        client.read_until("R")
        refused(client, b"p" + struct.pack("!I", size) + b"x" * 100)


SASL = {
    "nothing": b"",
    "no zero": b"SCRAM-SHA-256",
    "another mechanism": cstring("PLAIN") + struct.pack("!i", 3) + b"n,,",
    "no response": cstring("SCRAM-SHA-256") + struct.pack("!i", -1),
    "a length too large": cstring("SCRAM-SHA-256") + struct.pack("!i", 1000) + b"n,,n=,r=abc",
    "a length below -1": cstring("SCRAM-SHA-256") + struct.pack("!i", -5) + b"n,,n=,r=abc",
    "channel binding": cstring("SCRAM-SHA-256") + struct.pack("!i", 18) + b"p=tls-unique,,n=,r",
    "no nonce": cstring("SCRAM-SHA-256") + struct.pack("!i", 8) + b"n,,n=,r=",
    "zeros": b"\0" * 40,
}


@pytest.mark.parametrize("body", SASL)
def test_a_broken_sasl_response(asking, body):
    with asking.wire() as client:
        client.send(startup(**LOGIN))
        client.read_until("R")
        refused(client, message("p", SASL[body]), half_close=True)


@pytest.mark.parametrize("final", [b"", b"c=biws", b"c=biws,r=,p=", b"c=biws,r=x,p=AAAA", b"\0" * 99,
                                   b"c=biws,r=" + b"x" * 5000 + b",p=" + b"A" * 44])
def test_a_broken_sasl_proof(asking, final):
    first = b"n,,n=,r=abcdefghijklmnop"
    with asking.wire() as client:
        client.send(startup(**LOGIN))
        client.read_until("R")
        client.send(message("p", cstring("SCRAM-SHA-256") + struct.pack("!i", len(first)) + first))
        client.read_until("R")
        refused(client, message("p", final), half_close=True)


# After the login.


@pytest.mark.parametrize("size", LENGTHS)
@pytest.mark.parametrize("kind", FRONTEND)
def test_a_message_of_a_wrong_length_after_the_login(daemon, kind, size):
    with daemon.wire() as client:
        client.login(**LOGIN)
        refused(client, kind.encode() + struct.pack("!I", size) + b"SELECT 1\0")


@pytest.mark.parametrize("kind", sorted(set(BACKEND) - set(FRONTEND)) + ["\0", "\x7f", "!"])
def test_a_message_that_no_client_sends(daemon, kind):
    with daemon.wire() as client:
        client.login(**LOGIN)
        assert refused(client, message(kind, b"\0" * 8)) in ([], ["08P01"])


def test_a_password_after_the_login(daemon):
    with daemon.wire() as client:
        client.login(**LOGIN)
        refused(client, message("p", b"secret\0"), half_close=True)


BROKEN = {
    "Query without a zero": message("Q", b"SELECT 1"),
    "empty Query": message("Q"),
    "Query with bytes behind its zero": message("Q", b"SELECT 1\0SELECT 2\0"),
    "Parse without a zero": message("P", b"name"),
    "Parse without types": message("P", b"\0SELECT 1\0"),
    "Parse with too few types": message("P", b"\0SELECT 1\0\0\5"),
    "Bind without names": message("B"),
    "Bind without counts": message("B", b"\0\0"),
    "Bind with a length too large": message("B", b"\0\0\0\0\0\1\x7f\xff\xff\xff"),
    "Describe of nothing": message("D"),
    "Describe of an unknown kind": message("D", b"X\0"),
    "Describe without a zero": message("D", b"Sname"),
    "Close of nothing": message("C"),
    "Close without a zero": message("C", b"Sname"),
    "Execute without a zero": message("E", b"portal"),
    "Execute without a count": message("E", b"\0"),
    "Sync with a body": message("S", b"body"),
    "Flush with a body": message("H", b"body"),
    "a name of 64 bytes": parse("SELECT 1", "n" * 64) + sync(),
    "a name of 100,000 bytes": parse("SELECT 1", "n" * 100_000) + sync(),
    "CopyData outside of a COPY": message("d", b"data"),
    "CopyDone outside of a COPY": message("c"),
    "CopyFail outside of a COPY": message("f", b"\0"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_broken(daemon, case):
    """The client may be served on, be told an error or be closed; the next one is not harmed."""
    with daemon.wire() as client:
        client.login(**LOGIN)
        client.send(BROKEN[case], sync(), query("SELECT 1"))
        end_sending(client)
        client.read_all()
    with daemon.wire() as client:
        client.login(**{**LOGIN, "app__tenant": "bravo"})
        assert client.rows("SELECT body FROM notes") == [["of bravo"]]


def test_random_startups(daemon):
    """Bytes flipped in a good startup, always the same ones."""
    chance = random.Random(20)
    good = startup(options=r"-c work_mem=4MB --geqo=off", **LOGIN)
    for _ in range(300):
        data = bytearray(good)
        for _ in range(chance.randrange(1, 6)):
            data[chance.randrange(len(data))] = chance.randrange(256)
        with daemon.wire() as client:
            client.send(bytes(data))
            end_sending(client)
            client.read_all() if data[:4] == good[:4] else client.sock.recv(65536)


def test_random_messages(daemon):
    """Bytes flipped behind the login, always the same ones."""
    chance = random.Random(21)
    good = (query("SELECT 1") + parse("SELECT $1::text", "n") + bind(["x"], "n") + execute()
            + message("D", b"Sn\0") + message("C", b"Sn\0") + sync())
    for _ in range(300):
        data = bytearray(good)
        for _ in range(chance.randrange(1, 6)):
            data[chance.randrange(len(data))] = chance.randrange(256)
        with daemon.wire() as client:
            client.login(**LOGIN)
            client.send(bytes(data))
            end_sending(client)
            client.read_all()
    with daemon.wire() as client:
        client.login(**LOGIN)
        assert rows_of(client.ask(query("SELECT body FROM notes"))) == [["of acme"]]


# A server that misbehaves.


@pytest.mark.parametrize("data", [b"D" + struct.pack("!I", size) for size in LENGTHS]
                         + [message("\0", b"x"), message("?", b"x"), b"\xff" * 20,
                            message("E"), message("E", b"SERROR"), message("T", b"\xff\xff"),
                            message("Z"), message("Z", b"?"), message("S", b"name"),
                            message("C", b"no zero"), message("R", b"\0\0\0\0")])
def test_a_server_that_answers_nonsense(data):
    def nonsense(conn, sql, values):
        return data if "nonsense" in sql else message("C", b"OK\0")

    with ScriptedServer(nonsense) as server:
        config = base_config(server.port, tenants=tenants_config(size=1))
        with Proxy(config) as daemon:
            with daemon.wire_tenant("acme") as client:
                client.send(query("SELECT 'nonsense'"))
                end_sending(client)
                client.read_all()
            daemon.assert_alive()
