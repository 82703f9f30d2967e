# SPDX-License-Identifier: MIT
"""TLS from clients: modes, certificates, names, direct TLS, reloads, and what must be refused."""

import os
import shutil
import socket
import ssl
import subprocess

import psycopg
import pytest

from certificates import Authority
from deadline import wait_until
from proxy import binary
from wirepeer import message, packet, query, startup

SSL_REQUEST = packet(80877103)
MODES = ["disable", "allow", "prefer", "require", "verify-ca", "verify-full"]
CLIENT_MODES = ["disable", "prefer", "require"]


@pytest.fixture(scope="module")
def authority():
    with Authority() as made:
        made.issue("server", hosts=["localhost", "127.0.0.1"])
        made.issue("other", hosts=["*.db.example.com", "acme.test"])
        made.issue("app").issue("stranger").issue("old", cn="app", days=-1)
        made.issue("lost", cn="app").revoke("lost")
        made.issue("acme", hosts=["acme"])
        with Authority() as foreign:
            foreign.issue("foreign", cn="app")
            for kind in ("crt", "key"):
                shutil.copy(foreign.path(f"foreign.{kind}"), made.path(f"foreign.{kind}"))
        yield made


def listen_tls(authority, mode, **more):
    return {"tls": {"mode": mode, **authority.pair("server"), **more}}


def encrypted(conn):
    return conn.pgconn.ssl_in_use


def tls_of_clients(daemon):
    return [row["tls"] for row in daemon.console("SHOW CLIENTS") if row["user"] == "app"]


@pytest.mark.parametrize("mode", MODES)
def test_each_mode_takes_the_clients_that_it_should(start, authority, mode):
    daemon = start(listen=listen_tls(authority, mode, ca=authority.ca) if mode != "disable" else {})
    shown = {"sslcert": authority.certificate("app"), "sslkey": authority.key("app")}

    for client_mode in CLIENT_MODES:
        takes = {"disable": client_mode != "require",
                 "allow": True, "prefer": True}.get(mode, client_mode != "disable")
        if takes:
            with daemon.tenant("acme", sslmode=client_mode, **shown) as conn:
                assert conn.execute("SELECT 1").fetchone() == (1,)
                assert bool(encrypted(conn)) == (mode != "disable" and client_mode != "disable")
        else:
            with pytest.raises(psycopg.OperationalError, match="SSL"):
                daemon.tenant("acme", sslmode=client_mode, **shown)


def test_what_is_encrypted_is_shown(start, authority):
    daemon = start(listen=listen_tls(authority, "prefer"))

    with daemon.tenant("acme", sslmode="require"):
        assert tls_of_clients(daemon) == ["TLSv1.3/TLS_AES_128_GCM_SHA256"]
    with daemon.tenant("acme", sslmode="disable"):
        assert tls_of_clients(daemon) == [""]


def test_a_client_that_checks_everything_is_satisfied(start, authority):
    daemon = start(listen=listen_tls(authority, "require"))

    with daemon.tenant("acme", sslmode="verify-full", sslrootcert=authority.ca) as conn:
        assert conn.execute("SELECT 1").fetchone() == (1,)


# ---- certificates of clients ----

@pytest.mark.parametrize("name, reason", [
    ("", "certificate required"), ("foreign", "unknown ca"), ("old", "expired"),
    ("lost", "revoked")])
def test_wrong_certificates_are_refused(start, authority, name, reason):
    daemon = start(listen=listen_tls(authority, "verify-ca", ca=authority.ca, crl=authority.crl))
    shown = {"sslcert": authority.certificate(name), "sslkey": authority.key(name)} if name else {}

    with pytest.raises(psycopg.OperationalError, match=f"(?i){reason}"):
        daemon.tenant("acme", sslmode="require", **shown)

    with daemon.tenant("acme", sslmode="require", sslcert=authority.certificate("app"),
                       sslkey=authority.key("app")) as conn:
        assert conn.execute("SELECT 1").fetchone() == (1,)


def test_verify_full_wants_the_certificate_in_the_users_name(start, authority):
    daemon = start(listen=listen_tls(authority, "verify-full", ca=authority.ca))

    with pytest.raises(psycopg.OperationalError, match="certificate authentication failed"):
        daemon.tenant("acme", sslmode="require", sslcert=authority.certificate("stranger"),
                      sslkey=authority.key("stranger"))


# ---- tenants ----

def sni_socket(daemon, host, context, alpn=None):
    """A socket with TLS, asked for with SSLRequest where there is no ALPN."""
    raw = socket.create_connection((daemon.host, daemon.port), timeout=20)
    if alpn:
        context.set_alpn_protocols(alpn)
    else:
        raw.sendall(SSL_REQUEST)
        assert raw.recv(1) == b"S"
    return context.wrap_socket(raw, server_hostname=host)


def trusting(authority, name=None):
    context = ssl.create_default_context(cafile=authority.ca)
    context.check_hostname = False
    if name:
        context.load_cert_chain(authority.certificate(name), authority.key(name))
    return context


def log_in(sock, **parameters):
    sock.sendall(startup(user="app", database="app", **parameters))
    received = b""
    while b"Z\0\0\0\5I" not in received:
        more = sock.recv(65536)
        if not more:
            break
        received += more
    return received


SNI_RULES = {"resolve": [{"parameter": "app.tenant"}, {"sni": "{tenant}.db.example.com"}]}


def test_the_host_that_a_client_asks_for_names_its_tenant(start, authority):
    daemon = start(listen=listen_tls(authority, "prefer"), tenancy=SNI_RULES)

    with sni_socket(daemon, "acme.db.example.com", trusting(authority)) as sock:
        assert b"Z\0\0\0\5I" in log_in(sock)
        tenants = [row["tenant"] for row in daemon.console("SHOW CLIENTS") if row["user"] == "app"]
        assert tenants == ["acme"]


def test_a_host_and_a_parameter_that_disagree_are_both_named(start, authority):
    daemon = start(listen=listen_tls(authority, "require"), tenancy=SNI_RULES)

    with sni_socket(daemon, "acme.db.example.com", trusting(authority)) as sock:
        answer = log_in(sock, **{"app.tenant": "globex"})
    assert b"C08004\0" in answer
    assert b"globex" in answer and b"acme" in answer


@pytest.mark.parametrize("rule", ["cn", "san"])
def test_the_certificate_names_its_tenant(start, authority, rule):
    daemon = start(listen=listen_tls(authority, "verify-ca", ca=authority.ca),
                   tenancy={"resolve": [{"certificate": rule}]})

    with daemon.connect(sslmode="require", sslcert=authority.certificate("acme"),
                        sslkey=authority.key("acme")) as conn:
        assert conn.execute("SHOW app.tenant").fetchone() == ("acme",)


def test_one_of_several_certificates_is_chosen_by_name(start, authority):
    more = [{"certificate": authority.certificate("other"), "key": authority.key("other")}]
    daemon = start(listen=listen_tls(authority, "require", certificates=more))

    shown = {}
    for host in ("acme.db.example.com", "acme.test", "localhost", "elsewhere.test"):
        with sni_socket(daemon, host, trusting(authority)) as sock:
            shown[host] = dict(pair[0] for pair in sock.getpeercert()["subject"])["commonName"]
    assert shown == {"acme.db.example.com": "other", "acme.test": "other", "localhost": "server",
                     "elsewhere.test": "server"}


# ---- direct TLS ----

def test_direct_tls_needs_the_name_of_the_protocol(start, authority):
    daemon = start(listen=listen_tls(authority, "require"))

    with sni_socket(daemon, "localhost", trusting(authority), alpn=["postgresql"]) as sock:
        assert b"Z\0\0\0\5I" in log_in(sock, **{"app.tenant": "acme"})
    with pytest.raises(ssl.SSLError, match="(?i)no.application.protocol"):
        sni_socket(daemon, "localhost", trusting(authority), alpn=["h2"])
    raw = socket.create_connection((daemon.host, daemon.port), timeout=20)
    with trusting(authority).wrap_socket(raw, server_hostname="localhost") as sock:
        sock.sendall(startup(user="app", database="app"))
        try:
            assert b"ALPN" not in sock.recv(1000)
        except OSError:
            pass
    wait_until(lambda: "without ALPN" in daemon.log, "the log says why")


def test_direct_tls_is_not_taken_where_there_is_no_tls(start):
    daemon = start()

    with socket.create_connection((daemon.host, daemon.port), timeout=20) as sock:
        sock.sendall(bytes([0x16, 3, 1, 2, 0, 1, 0, 1]))
        assert b"invalid length of startup packet" in sock.recv(1000)
    daemon.assert_alive()


# ---- what came in clear ----

def test_bytes_in_clear_behind_the_request_are_refused(start, authority):
    """CVE-2021-3935 of PgBouncer: what an attacker put there would be taken for the client's."""
    daemon = start(listen=listen_tls(authority, "require"))

    with socket.create_connection((daemon.host, daemon.port), timeout=20) as sock:
        sock.sendall(SSL_REQUEST + startup(user="app", database="app"))
        assert b"received unencrypted data after SSL request" in sock.recv(1000)
        assert sock.recv(1000) == b""


def test_bytes_in_clear_behind_the_answer_are_no_startup_packet(start, authority):
    daemon = start(listen=listen_tls(authority, "prefer"))

    with socket.create_connection((daemon.host, daemon.port), timeout=20) as sock:
        sock.sendall(SSL_REQUEST)
        assert sock.recv(1) == b"S"
        sock.sendall(startup(user="app", database="app", **{"app.tenant": "acme"}))
        answer = sock.recv(1000)
    assert b"R\0\0\0" not in answer
    daemon.assert_alive()


def test_a_request_within_tls_is_refused(start, authority):
    daemon = start(listen=listen_tls(authority, "require"))

    with sni_socket(daemon, "localhost", trusting(authority)) as sock:
        sock.sendall(SSL_REQUEST)
        assert b"received unencrypted data after SSL request" in sock.recv(1000)


def test_a_cancel_request_may_come_with_tls(start, authority):
    daemon = start(listen=listen_tls(authority, "prefer"))

    with sni_socket(daemon, "localhost", trusting(authority)) as sock:
        welcome = log_in(sock, **{"app.tenant": "acme"})
        at = welcome.index(b"K\0\0\0\x0c") + 5
        sock.sendall(query("SELECT pg_sleep(60)"))
        wait_until(lambda: any(row["state"] == "active" for row in daemon.console("SHOW SERVERS")),
                   "it runs")
        with sni_socket(daemon, "localhost", trusting(authority)) as other:
            other.sendall(packet(80877102, welcome[at:at + 8]))
        assert b"C57014\0" in sock.recv(1000)


# ---- in pieces ----

class ByteByByte:
    """TLS whose records go out, and are taken in, one byte at a time."""

    def __init__(self, sock, context):
        self.sock, self.into, self.out = sock, ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = context.wrap_bio(self.into, self.out, server_hostname="localhost")
        self.until_done(self.tls.do_handshake)

    def flush(self):
        for byte in self.out.read():
            self.sock.sendall(bytes([byte]))

    def until_done(self, step):
        while True:
            try:
                done = step()
                self.flush()
                return done
            except ssl.SSLWantReadError:
                self.flush()
                self.into.write(self.sock.recv(1))

    def sendall(self, data):
        self.until_done(lambda: self.tls.write(data))

    def recv(self, size):
        return self.until_done(lambda: self.tls.read(size))


def test_a_session_cut_at_every_byte(start, authority):
    daemon = start(listen=listen_tls(authority, "require"))

    with socket.create_connection((daemon.host, daemon.port), timeout=20) as raw:
        raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        raw.sendall(SSL_REQUEST)
        assert raw.recv(1) == b"S"
        sock = ByteByByte(raw, trusting(authority))
        log_in(sock, **{"app.tenant": "acme"})
        sock.sendall(query("SELECT body FROM notes"))
        answer = b""
        while b"Z\0\0\0\5I" not in answer:
            answer += sock.recv(65536)
    assert b"of acme" in answer


# ---- stalling ----

def test_a_handshake_that_stalls_ends_with_the_login_timeout(start, authority):
    daemon = start(listen=listen_tls(authority, "require"), limits={"login_timeout": "300ms"})

    with socket.create_connection((daemon.host, daemon.port), timeout=20) as sock:
        sock.sendall(SSL_REQUEST)
        assert sock.recv(1) == b"S"
        sock.sendall(bytes([0x16, 3, 1, 2, 0]))
        assert sock.recv(1000) == b""
    wait_until(lambda: "client_login_timeout" in daemon.log, "the log says why")


# ---- reloads ----

def serial_of(daemon, authority):
    with sni_socket(daemon, "localhost", trusting(authority)) as sock:
        return sock.getpeercert()["serialNumber"]


def test_a_reload_shows_the_new_certificate_and_touches_nobody(start, authority):
    authority.issue("changing", hosts=["localhost"])
    daemon = start(listen={"tls": {"mode": "prefer", **authority.pair("changing")}})
    before = serial_of(daemon, authority)

    with daemon.tenant("acme", sslmode="prefer") as conn:
        authority.issue("changing", hosts=["localhost"])
        daemon.console("RELOAD")
        wait_until(lambda: serial_of(daemon, authority) != before, "the new certificate is shown")
        assert conn.execute("SELECT 1").fetchone() == (1,)


def test_a_broken_certificate_refuses_the_reload_with_its_place(start, authority):
    authority.issue("breaking", hosts=["localhost"])
    daemon = start(listen={"tls": {"mode": "prefer", **authority.pair("breaking")}})
    before = serial_of(daemon, authority)

    with open(authority.certificate("breaking"), "w", encoding="ascii") as file:
        file.write("no certificate")
    with pytest.raises(Exception, match="RELOAD failed"):
        daemon.console("RELOAD")

    assert serial_of(daemon, authority) == before
    with open(daemon.file, encoding="utf-8") as file:
        lines = file.read().splitlines()
    line = next(i for i, text in enumerate(lines, 1) if '"certificate"' in text)
    wait_until(lambda: f"{daemon.file}:{line}:" in daemon.log, "the log tells")
    checked = subprocess.run([binary(), "--check", "-c", daemon.file], capture_output=True,
                             text=True, check=False)
    assert checked.returncode == 2
    assert f"{daemon.file}:{line}:" in checked.stdout
    assert "listen.tls.certificate" in checked.stdout


def test_a_key_that_others_can_read_is_refused(start, authority):
    authority.issue("open", hosts=["localhost"])
    os.chmod(authority.key("open"), 0o644)

    with pytest.raises(AssertionError, match="0644"):
        start(listen={"tls": {"mode": "require", **authority.pair("open")}})


# ---- what is offered ----

VERSIONS = ["TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3"]


def s_client(daemon, *options):
    """Whether openssl s_client comes through with these options, and what it says."""
    done = subprocess.run(
        ["openssl", "s_client", "-connect", f"{daemon.host}:{daemon.port}", "-starttls", "postgres",
         *options], input="", capture_output=True, text=True, check=False, timeout=20)
    return done.returncode == 0 and "Cipher is (NONE)" not in done.stdout, done.stdout


@pytest.mark.parametrize("lowest", VERSIONS)
def test_the_lowest_protocol_is_what_was_asked_for(start, authority, figure, lowest):
    daemon = start(listen=listen_tls(authority, "require", min_protocol=lowest))

    offered = []
    for version in VERSIONS:
        name = "-" + version.replace("TLSv", "tls").replace(".", "_")
        good, said = s_client(daemon, name, "-cipher", "ALL:@SECLEVEL=0")
        if good:
            offered.append(version)
            assert "Compression: NONE" in said
            assert "Secure Renegotiation IS NOT supported" not in said or version == "TLSv1.3"
    figure(f"min_protocol {lowest}: {' '.join(offered)}")
    assert offered == VERSIONS[VERSIONS.index(lowest):]


@pytest.mark.parametrize("cipher", ["NULL", "aNULL", "RC4", "3DES", "MD5", "kRSA"])
def test_weak_ciphers_are_not_offered(start, authority, cipher):
    daemon = start(listen=listen_tls(authority, "require"))

    good, _ = s_client(daemon, "-tls1_2", "-cipher", f"{cipher}:@SECLEVEL=0")

    assert not good


@pytest.mark.parametrize("asked, chosen", [(None, "TLS_AES_128_GCM_SHA256"),
                                           ("TLS_AES_256_GCM_SHA384", "TLS_AES_256_GCM_SHA384")])
def test_the_cipher_of_tls13_is_what_was_asked_for(start, authority, asked, chosen):
    more = {} if asked is None else {"tls13_ciphers": asked}
    daemon = start(listen=listen_tls(authority, "require", **more))

    good, said = s_client(daemon, "-tls1_3")

    assert good and f"Cipher is {chosen}" in said


def test_sessions_are_resumed_by_tickets(start, authority):
    daemon = start(listen=listen_tls(authority, "require"))
    context = trusting(authority)
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    with sni_socket(daemon, "localhost", context) as sock:
        session = sock.session

    raw = socket.create_connection((daemon.host, daemon.port), timeout=20)
    raw.sendall(SSL_REQUEST)
    assert raw.recv(1) == b"S"
    with context.wrap_socket(raw, server_hostname="localhost", session=session) as sock:
        assert sock.session_reused


# ---- certificates instead of passwords ----

def test_cert_takes_the_user_from_the_certificate(start, authority):
    daemon = start(auth={"method": "cert"},
                   listen=listen_tls(authority, "verify-ca", ca=authority.ca))

    with daemon.tenant("acme", sslmode="require", sslcert=authority.certificate("app"),
                       sslkey=authority.key("app")) as conn:
        assert conn.execute("SELECT 1").fetchone() == (1,)
    with pytest.raises(psycopg.OperationalError, match="certificate authentication failed"):
        daemon.tenant("acme", sslmode="require", sslcert=authority.certificate("stranger"),
                      sslkey=authority.key("stranger"))


# ---- channel binding ----

def test_scram_binds_the_channel(start, authority):
    daemon = start(auth={"method": "scram-sha-256"}, listen=listen_tls(authority, "require"))

    with daemon.tenant("acme", password="app-secret", sslmode="require",
                       channel_binding="require") as conn:
        assert conn.execute("SELECT 1").fetchone() == (1,)
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        daemon.tenant("acme", password="wrong", sslmode="require", channel_binding="require")


def test_without_tls_there_is_no_channel_to_bind(start, authority):
    daemon = start(auth={"method": "scram-sha-256"}, listen=listen_tls(authority, "prefer"))

    with pytest.raises(psycopg.OperationalError, match="channel binding"):
        daemon.tenant("acme", password="app-secret", sslmode="disable", channel_binding="require")


def test_a_client_that_was_lied_to_about_the_mechanisms_is_refused(start, authority):
    """A client that could bind, and was told that the server cannot, says so; somebody in between
    has taken SCRAM-SHA-256-PLUS out of the list."""
    daemon = start(auth={"method": "scram-sha-256"}, listen=listen_tls(authority, "require"))

    with sni_socket(daemon, "localhost", trusting(authority)) as sock:
        sock.sendall(startup(user="app", database="app", **{"app.tenant": "acme"}))
        assert b"SCRAM-SHA-256-PLUS\0SCRAM-SHA-256\0\0" in sock.recv(1000)
        first = b"y,,n=,r=abcdefghijklmnopqrstuvwx"
        body = b"SCRAM-SHA-256\0" + len(first).to_bytes(4, "big") + first
        sock.sendall(message("p", body))
        answer = sock.recv(1000)
    assert b"C08P01\0" in answer or b"C28P01\0" in answer
