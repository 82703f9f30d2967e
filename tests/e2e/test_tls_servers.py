# SPDX-License-Identifier: MIT
"""TLS to servers: modes, certificates, names, cancel requests, direct TLS, channel binding; and
servers that cheat, with TLS and in the login."""

import base64
import os
import threading

import psycopg
import pytest

from certificates import Authority
from cluster import unprivileged_user
from deadline import wait_until
from proxy import ROOT
from securecluster import make_cluster
from tlsserver import GREETING, READY, HandServer, read_message, read_packet
from wirepeer import cancel_request, cstring, message

MODES = ["disable", "allow", "prefer", "require", "verify-ca", "verify-full"]
SERVERS = os.path.join(ROOT, "tests", "isolation", "servers", "node_modules")

@pytest.fixture(scope="module")
def authority():
    with Authority(unprivileged_user()) as made:
        made.issue("server", cn="127.0.0.1", hosts=["127.0.0.1"])
        made.issue("certified").issue("mine", hosts=["127.0.0.1"])
        made.issue("lost", hosts=["127.0.0.1"]).revoke("lost")
        os.chmod(made.key("certified"), 0o600)
        give_to_us(made.key("certified"))
        yield made


def give_to_us(path):
    os.chown(path, os.geteuid(), os.getegid())


@pytest.fixture(scope="module")
def elsewhere():
    with Authority() as made:
        yield made


@pytest.fixture(scope="module")
def secured(authority):
    server = make_cluster(authority)
    yield server
    server.stop()


def point_at(port, user="app", password=None, **tls):
    """What makes a proxy log in to the server on `port`."""
    login = {"user": user, **({"password": password} if password else {})}
    return {"servers": {"main": {"port": port, "connect_timeout": "2s", "tls": tls}},
            "tenants": {"defaults": {"login": login, "strategy": "none"}, "acme": {}}}


ENCRYPTED = "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()"


def is_encrypted(daemon, **options):
    with daemon.tenant("acme", **options) as conn:
        return conn.execute(ENCRYPTED).fetchone()[0]


def refusal(daemon, **options):
    with pytest.raises(psycopg.OperationalError) as caught:
        daemon.tenant("acme", **options)
    return str(caught.value)


@pytest.mark.parametrize("mode", MODES)
def test_each_mode_at_a_server_with_tls(start, secured, authority, mode):
    trust = {"ca": authority.ca} if mode.startswith("verify") else {}

    daemon = start(**point_at(secured.port, mode=mode, **trust))

    assert is_encrypted(daemon) == (mode not in ("disable", "allow"))
    shown = [row["tls"] for row in daemon.console("SHOW SERVERS")]
    assert shown == ["" if mode in ("disable", "allow") else "TLSv1.3/TLS_AES_256_GCM_SHA384"]


@pytest.mark.parametrize("mode", MODES)
def test_each_mode_at_a_server_without_tls(start, cluster, authority, mode):
    trust = {"ca": authority.ca} if mode.startswith("verify") else {}

    daemon = start(**point_at(cluster.port, mode=mode, **trust))

    if mode in ("disable", "allow", "prefer"):
        assert not is_encrypted(daemon)
    else:
        assert "server does not support TLS, but it was required" in refusal(daemon)


def test_allow_uses_tls_where_the_server_insists(start, secured):
    daemon = start(**point_at(secured.port, user="ssl_only", mode="allow"))

    assert is_encrypted(daemon)


def test_a_server_of_another_authority_is_refused(start, secured, elsewhere):
    daemon = start(**point_at(secured.port, mode="verify-ca", ca=elsewhere.ca))

    assert "certificate" in refusal(daemon)


def test_a_revoked_server_is_refused(start, authority):
    def play(server, sock, _):
        server.answer_ssl(sock)

    with HandServer(play, authority.pair("lost")) as server:
        daemon = start(**point_at(server.port, mode="verify-ca", ca=authority.ca,
                                  crl=authority.crl))
        assert "certificate revoked" in refusal(daemon)


def test_verify_full_wants_the_name_of_the_host(start, secured, authority):
    change = point_at(secured.port, mode="verify-full", ca=authority.ca)
    change["servers"]["main"]["host"] = "localhost"
    daemon = start(**change)

    assert "hostname mismatch" in refusal(daemon)


def test_we_show_a_certificate_where_the_server_wants_one(start, secured, authority):
    daemon = start(**point_at(secured.port, user="certified", mode="require",
                              **authority.pair("certified")))

    assert is_encrypted(daemon)


# ---- channel binding, pass-through ----

def test_a_login_with_scram_binds_the_channel(start, secured):
    daemon = start(**point_at(secured.port, user="pw_scram", password="scram-secret",
                              mode="require"))

    assert is_encrypted(daemon)
    wait_until(lambda: "method=SCRAM-SHA-256-PLUS" in daemon.log, "the log tells")


def test_keys_that_a_client_proved_log_in_with_tls_on_both_sides(start, secured, authority):
    verifier = secured.run("SELECT rolpassword FROM pg_authid WHERE rolname = 'through'")[0][0]
    change = point_at(secured.port, mode="require")
    change["tenants"]["defaults"]["login"] = "client"
    authority.issue("front", hosts=["127.0.0.1"])
    give_to_us(authority.key("front"))
    daemon = start(auth={"method": "scram-sha-256"},
                   listen={"tls": {"mode": "require", **authority.pair("front")}},
                   users={"through": {"password": verifier}}, **change)

    assert is_encrypted(daemon, user="through", password="through-secret", sslmode="require",
                        channel_binding="require")
    wait_until(lambda: "method=SCRAM-SHA-256-PLUS" in daemon.log, "the log tells")
    assert "password authentication failed" in refusal(
        daemon, user="through", password="wrong", sslmode="require")


# ---- direct TLS ----

@pytest.mark.parametrize("version", [17, 18])
def test_direct_tls_to_a_server(start, authority, version):
    bindir = os.path.join(SERVERS, f"postgres-{version}", "native", "bin")
    if not os.path.exists(bindir):
        pytest.skip(f"PostgreSQL {version} is not installed")
    server = make_cluster(authority, bindir)
    try:
        daemon = start(**point_at(server.port, mode="verify-full", ca=authority.ca,
                                  negotiation="direct"))
        assert is_encrypted(daemon)
    finally:
        server.stop()


# ---- servers that cheat ----

def test_bytes_in_clear_behind_the_answer_are_refused(start, authority):
    """CVE-2021-3935 of PgBouncer, towards the server: what an attacker puts behind the S would be
    taken for the server's."""
    def play(server, sock, _):
        server.answer_ssl(sock, behind=GREETING + READY)

    with HandServer(play, authority.pair("mine")) as server:
        daemon = start(**point_at(server.port, mode="prefer"))
        assert "received unencrypted data after SSL response" in refusal(daemon)


@pytest.mark.parametrize("answer", [b"S", b"S\x15\x03\x01\x00\x02\x02\x28", b"E", b"X"])
def test_after_a_handshake_that_failed_nothing_is_said_in_clear(start, authority, answer):
    codes = []

    def play(_, sock, __):
        codes.append(read_packet(sock)[0])
        sock.sendall(answer)
        if answer == b"S":
            sock.close()

    with HandServer(play, authority.pair("mine")) as server:
        daemon = start(**point_at(server.port, mode="prefer"))
        refusal(daemon, connect_timeout=20)
        assert set(codes) == {80877103}


def test_a_cancel_request_goes_with_tls(start, authority):
    heard = threading.Event()

    def play(server, sock, number):
        with server.answer_ssl(sock) as tls:
            code, rest = read_packet(tls)
            if code == 80877102:
                assert rest == (7).to_bytes(4, "big") + b"keys"
                heard.set()
                return
            tls.sendall(GREETING + READY)
            while True:
                kind, _ = read_message(tls)
                if kind == "Q" and number == 0:
                    heard.wait(20)
                    tls.sendall(message("E", b"SERROR\0VERROR\0C57014\0Mcanceled\0\0") + READY)

    with HandServer(play, authority.pair("mine")) as server:
        daemon = start(**point_at(server.port, mode="verify-full", ca=authority.ca))
        with daemon.wire() as client:
            client.login(user="app", database="app", app__tenant="acme")
            client.send(message("Q", cstring("SELECT slow")))
            wait_until(lambda: any(row["state"] == "active"
                                   for row in daemon.console("SHOW SERVERS")), "it runs")
            with daemon.wire() as other:
                other.send(cancel_request(*client.cancel_key))
                client.read_until("Z")
        assert heard.is_set()
        assert server.failures == []


LONG = "x" * 65536
CHALLENGES = {
    "a nonce of 64 KB": "r={nonce}" + LONG + ",s=c2FsdHNhbHQ=,i=4096",
    "a nonce that is not ours": "r=somebodyelses,s=c2FsdHNhbHQ=,i=4096",
    "a nonce that adds nothing": "r={nonce},s=c2FsdHNhbHQ=,i=4096",
    "no iterations": "r={nonce}more,s=c2FsdHNhbHQ=",
    "iterations 0": "r={nonce}more,s=c2FsdHNhbHQ=,i=0",
    "iterations 2^31": "r={nonce}more,s=c2FsdHNhbHQ=,i=2147483648",
    "iterations below 0": "r={nonce}more,s=c2FsdHNhbHQ=,i=-1",
    "no salt": "r={nonce}more,i=4096",
    "an empty salt": "r={nonce}more,s=,i=4096",
    "base64 cut short": "r={nonce}more,s=c2FsdHNhbHQ,i=4096",
    "no nonce": "s=c2FsdHNhbHQ=,i=4096",
    "nothing": "",
    "an extension that must be known": "m=x,r={nonce}more,s=c2FsdHNhbHQ=,i=4096",
}


def sasl(code, data):
    return message("R", code.to_bytes(4, "big") + data)


def challenge_with(text):
    """Plays a server up to its first SCRAM message, which says `text`."""
    def play(_, sock, __):
        read_packet(sock)
        sock.sendall(sasl(10, b"SCRAM-SHA-256\0\0"))
        _, body = read_message(sock)
        nonce = body[body.index(b"r=") + 2:].decode()
        sock.sendall(sasl(11, text.format(nonce=nonce).encode()))
        sock.recv(1)
    return play


@pytest.mark.parametrize("name", CHALLENGES)
def test_a_server_with_a_bad_challenge_is_left(start, name):
    with HandServer(challenge_with(CHALLENGES[name])) as server:
        daemon = start(**point_at(server.port, password="secret", mode="disable"))
        assert "SCRAM" in refusal(daemon) or "message of an impossible length" in refusal(daemon)
        daemon.assert_alive()


def test_a_server_that_does_not_know_the_password_is_left(start):
    def play(_, sock, __):
        read_packet(sock)
        sock.sendall(sasl(10, b"SCRAM-SHA-256\0\0"))
        _, body = read_message(sock)
        nonce = body[body.index(b"r=") + 2:].decode()
        sock.sendall(sasl(11, f"r={nonce}more,s=c2FsdHNhbHQ=,i=1".encode()))
        read_message(sock)
        sock.sendall(sasl(12, b"v=" + base64.b64encode(bytes(32))) + GREETING + READY)
        sock.recv(1)

    with HandServer(play) as server:
        daemon = start(**point_at(server.port, password="secret", mode="disable"))
        assert "server signature is wrong" in refusal(daemon)


def test_a_server_that_skips_its_own_proof_is_left(start):
    def play(_, sock, __):
        read_packet(sock)
        sock.sendall(sasl(10, b"SCRAM-SHA-256\0\0"))
        read_message(sock)
        sock.sendall(GREETING + READY)
        sock.recv(1)

    with HandServer(play) as server:
        daemon = start(**point_at(server.port, password="secret", mode="disable"))
        assert "did not prove that it knows the password" in refusal(daemon)
