# SPDX-License-Identifier: MIT
"""pam and ldap of the HBA file: whom PAM or a directory knows enters, others are told the same as
everywhere, and a directory that hangs holds up nobody else."""

import contextlib
import glob
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time

import psycopg
import pytest

from certificates import Authority
from cluster import free_port
from deadline import wait_until
from proxy import Proxy, base_config
from wirepeer import LoginFailed, error_fields, startup
from world import tenants_config

WRAPPER = next(iter(glob.glob("/usr/lib/*/libpam_wrapper.so")), None)
MATRIX = next(iter(glob.glob("/usr/lib/*/pam_wrapper/pam_matrix.so")), None)
SLAPD = shutil.which("slapd", path="/usr/sbin:/usr/bin")
USERS = {name: {"tenants": ["*"]} for name in ("joe", "mail", "strange")}
USERS["app"] = {"password": "app-secret", "tenants": ["*"]}


def made(cluster, rules, release=False, **changes):
    """A daemon with these rules; the console's among them."""
    users = {**USERS, **changes.pop("users", {})}
    daemon = Proxy(base_config(cluster.port, auth={"method": "hba", "hba_file": "hba.conf"},
                               users=users, tenants=tenants_config(), **changes), release)
    with open(os.path.join(daemon.directory, "hba.conf"), "w", encoding="utf-8") as file:
        file.write("host fahrend all all scram-sha-256\n" + rules
                   + "\nhost all app all scram-sha-256\n")
    return daemon


def refusal(daemon, user, password, tenant="acme"):
    with daemon.wire() as client, pytest.raises(LoginFailed) as failed:
        client.login(password, user=user, database="app", app__tenant=tenant)
    fields = error_fields(failed.value.seen[-1].body)
    return fields["C"], fields["M"].replace(user, "?")


WRONG = ("28P01", 'password authentication failed for user "?"')


def notes(daemon, tenant, user, password):
    with daemon.tenant(tenant, user=user, password=password) as conn:
        return conn.execute("SELECT body FROM notes").fetchall()


# ---- PAM ----


@pytest.fixture
def pam(cluster, monkeypatch, tmp_path):
    """PAM with a folder of services of the test's own."""
    if WRAPPER is None or MATRIX is None:
        pytest.skip("pam_wrapper is not installed")
    passwords = tmp_path / "passdb"
    passwords.write_text("joe:right:mine\nmail:right:mine\nunlisted:right:mine\n")
    services = tmp_path / "services"
    services.mkdir()
    (services / "mine").write_text(
        f"auth required {MATRIX} passdb={passwords}\naccount required {MATRIX} passdb={passwords}\n")
    (services / "late").write_text("auth required pam_permit.so\naccount required pam_deny.so\n")
    (services / "broken").write_text("auth required pam_of_nowhere.so\naccount required pam_permit.so\n")
    os.mkfifo(tmp_path / "never")
    os.chmod(tmp_path / "never", 0o666)
    stuck = tmp_path / "stuck.sh"
    stuck.write_text(f"#!/bin/sh\nread line <{tmp_path}/never\n")
    stuck.chmod(0o755)
    (services / "stuck").write_text(f"auth required pam_exec.so quiet {stuck}\n")
    for name, value in (("LD_PRELOAD", WRAPPER), ("PAM_WRAPPER", "1"),
                        ("PAM_WRAPPER_SERVICE_DIR", str(services))):
        monkeypatch.setenv(name, value)
    # The sanitizers' library would have to be the first to be loaded.
    daemon = made(cluster, "host all joe,mail,unlisted,nobody all pam pamservice=mine tenant=acme\n"
                           "host all joe all pam pamservice=late tenant=bravo\n"
                           "host all joe all pam pamservice=broken tenant=carol\n"
                           "host all joe all pam pamservice=stuck tenant=delta,echo\n",
                  release=True, workers=1, limits={"login_timeout": "3s"})
    daemon.start()
    for name in ("LD_PRELOAD", "PAM_WRAPPER"):
        monkeypatch.delenv(name)
    yield daemon
    if daemon.process is not None:
        daemon.assert_alive()
        daemon.stop()
    os.close(os.open(tmp_path / "never", os.O_RDWR))  # lets those go that wait for a writer


def test_whom_pam_knows_enters(pam):
    assert notes(pam, "acme", "joe", "right") == [("of acme",)]
    assert refusal(pam, "joe", "wrong") == WRONG
    assert refusal(pam, "joe", "") == ("28P01", "empty password returned by client")
    assert refusal(pam, "nobody", "right") == WRONG
    assert refusal(pam, "unlisted", "right") == WRONG, "fahrend must know it as well"


def test_the_account_must_be_open(pam):
    assert refusal(pam, "joe", "right", "bravo") == WRONG
    wait_until(lambda: "tenant=bravo user=joe reason=\"PAM: " in pam.log, "the log says why")


def test_a_service_that_is_broken_lets_nobody_in(pam):
    assert refusal(pam, "joe", "right", "carol") == WRONG
    notes(pam, "acme", "app", "app-secret")


def ask_pam(client, tenant):
    client.send(startup(user="joe", database="app", app__tenant=tenant))
    assert client.read().type == "R"
    client.send(b"p\0\0\0\x0aright\0")


def test_a_module_that_never_answers_is_left_alone(pam):
    """It has two threads of its tenant, and four of all; who asked is told in time, those who ask
    nobody go on, and so does the end."""
    with contextlib.ExitStack() as stack:
        clients = [stack.enter_context(pam.wire()) for _ in range(6)]
        for client in clients[:3]:
            ask_pam(client, "delta")
        assert notes(pam, "acme", "joe", "right") == [("of acme",)], "another service, two threads free"
        for client in clients[3:]:
            ask_pam(client, "echo")
        assert notes(pam, "acme", "app", "app-secret") == [("of acme",)]
        for client in clients:
            answer = error_fields(client.read().body)
            assert (answer["S"], answer["C"]) == ("FATAL", "57014"), answer
            assert "client_login_timeout" in answer["M"], answer
    assert notes(pam, "acme", "app", "app-secret") == [("of acme",)]
    pam.signal(signal.SIGQUIT)
    assert "ending although a login hangs" in pam.expect_end(patience=30)


# ---- LDAP ----

SLAPD_CONF = """\
include /etc/ldap/schema/core.schema
include /etc/ldap/schema/cosine.schema
include /etc/ldap/schema/inetorgperson.schema
modulepath /usr/lib/ldap
moduleload back_mdb
pidfile {0}/pid
TLSCertificateFile {1}
TLSCertificateKeyFile {2}
database mdb
suffix "dc=example,dc=net"
directory {0}/db
access to attrs=userPassword by anonymous auth
access to dn.subtree="ou=open,dc=example,dc=net" by * read
access to * by dn.exact="cn=reader,dc=example,dc=net" read
"""
ENTRIES = """\
dn: dc=example,dc=net
objectClass: organization
objectClass: dcObject
dc: example
o: example

dn: cn=reader,dc=example,dc=net
objectClass: person
cn: reader
sn: reader
userPassword: reader-secret

dn: ou=open,dc=example,dc=net
objectClass: organizationalUnit
ou: open

dn: uid=joe,ou=open,dc=example,dc=net
objectClass: inetOrgPerson
uid: joe
cn: joe
sn: joe
mail: mail
userPassword: right

dn: uid=twice,ou=open,dc=example,dc=net
objectClass: inetOrgPerson
uid: twice
uid: double
cn: one
sn: one
userPassword: right

dn: uid=double,ou=open,dc=example,dc=net
objectClass: inetOrgPerson
uid: double
cn: two
sn: two
userPassword: right
"""


@pytest.fixture(scope="module")
def ldap():
    """Debian's slapd, without TLS and with StartTLS; (port, file of the authority)."""
    if SLAPD is None:
        pytest.skip("slapd is not installed")
    folder = tempfile.mkdtemp(prefix="slapd-")
    port = free_port()
    with Authority() as authority, contextlib.ExitStack() as stack:
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        authority.issue("server", hosts=["127.0.0.1"])
        os.mkdir(f"{folder}/db")
        for name, text in (("conf", SLAPD_CONF.format(folder, *authority.pair("server").values())),
                           ("entries", ENTRIES)):
            with open(f"{folder}/{name}", "w", encoding="utf-8") as file:
                file.write(text)
        subprocess.run([SLAPD, "-T", "add", "-f", f"{folder}/conf", "-l", f"{folder}/entries"],
                       check=True, capture_output=True)
        with open(f"{folder}/log", "wb") as log, \
                subprocess.Popen([SLAPD, "-d", "0", "-f", f"{folder}/conf", "-h",
                                  f"ldap://127.0.0.1:{port}"], stdout=log, stderr=log) as process:
            stack.callback(process.terminate)

            def listens():
                with contextlib.suppress(OSError):
                    socket.create_connection(("127.0.0.1", port), timeout=1).close()
                    return True
                return False
            wait_until(listens, "slapd listens")
            yield port, authority.ca
            process.terminate()


BASE = 'ldapbasedn="ou=open,dc=example,dc=net"'


def rules_for(port):
    """A tenant for each way to ask."""
    at = f"ldapserver=127.0.0.1 ldapport={port}"
    return f"""\
host all all all ldap {at} {BASE} tenant=acme
host all all all ldap {at} ldapprefix="uid=" ldapsuffix=",ou=open,dc=example,dc=net" tenant=bravo
host all all all ldap {at} ldaptls=1 {BASE} ldapsearchattribute=mail tenant=carol
host all all all ldap {at} ldapbasedn="dc=example,dc=net" \\
  ldapbinddn="cn=reader,dc=example,dc=net" ldapbindpasswd=reader-secret \\
  ldapsearchfilter="(|(uid=$username)(mail=$username))" tenant=delta
host all all all ldap ldapurl="ldap://127.0.0.1:{port}/ou=open,dc=example,dc=net?uid?sub" tenant=golf
host all all all ldap {at} {BASE} ldapbinddn="cn=reader,dc=example,dc=net" ldapbindpasswd=x tenant=hotel
host all all all ldap ldapserver="127.0.0.1:1 127.0.0.1:{port}" {BASE} tenant=echo
"""


@pytest.fixture(scope="module")
def asking(cluster, ldap):
    port, authority = ldap
    os.environ["LDAPTLS_CACERT"] = authority
    daemon = made(cluster, rules_for(port), users={name: {"tenants": ["*"]} for name in
                                                   ("twice", "double", "*", "joe,ou=open")})
    daemon.start()
    del os.environ["LDAPTLS_CACERT"]
    yield daemon
    daemon.assert_alive()
    daemon.stop()


@pytest.mark.parametrize("tenant,user", [
    ("acme", "joe"), ("bravo", "joe"), ("carol", "mail"), ("delta", "joe"), ("delta", "mail"),
    ("golf", "joe"), ("echo", "joe")])
def test_whom_a_directory_knows_enters(asking, tenant, user):
    daemon = asking
    with daemon.tenant(tenant, user=user, password="right") as conn:
        assert conn.execute("SELECT 1").fetchone() == (1,)
    assert refusal(daemon, user, "wrong", tenant) == WRONG


@pytest.mark.parametrize("tenant,user", [
    ("acme", "nobody"), ("acme", "double"), ("acme", "*"), ("acme", "strange"),
    ("bravo", "joe,ou=open"), ("bravo", "nobody"), ("hotel", "joe")])
def test_whom_a_directory_does_not_know_is_told_the_same(asking, tenant, user):
    """double are two entries, `*` would be all of them; and the reader's password is wrong once."""
    assert refusal(asking, user, "right", tenant) == WRONG


def test_a_directory_whose_certificate_is_not_trusted_is_not_asked(cluster, ldap):
    with made(cluster, rules_for(ldap[0])) as daemon:
        assert refusal(daemon, "mail", "right", "carol") == WRONG
        wait_until(lambda: "cannot begin TLS" in daemon.log, "the log says why")


def test_a_directory_that_hangs_holds_up_nobody_else(cluster, figure):
    """It takes connections and says nothing. Logins of its tenant wait; a hash, and another
    tenant's directory that refuses, do not."""
    with socket.create_server(("127.0.0.1", 0), backlog=50) as silent:
        port = silent.getsockname()[1]
        rules = (f"host all joe all ldap ldapserver=127.0.0.1 ldapport={port} {BASE} tenant=acme\n"
                 f"host all joe all ldap ldapserver=127.0.0.1 ldapport=1 {BASE} tenant=bravo\n")
        daemon = made(cluster, rules, workers=1, limits={"login_timeout": "30s"},
                      users={"plain": {"password": "right", "tenants": ["*"]}})
        with daemon, contextlib.ExitStack() as stack:
            for _ in range(8):
                client = stack.enter_context(daemon.wire())
                client.send(startup(user="joe", database="app", app__tenant="acme"))
                assert client.read().type == "R"
                client.send(b"p\0\0\0\x0aright\0")
            begun = time.monotonic()
            notes(daemon, "acme", "app", "app-secret")
            assert refusal(daemon, "joe", "right", "bravo") == WRONG
            took = time.monotonic() - begun
            figure(f"beside 8 logins at a directory that hangs: two others in {took * 1000:.0f} ms")
            assert took < 5
            silent.close()


def test_names_that_nobody_knows_leave_nothing(cluster):
    """Some hundreds of names, each with a password of 20 kB, at a directory that refuses."""
    rules = f"host all all all ldap ldapserver=127.0.0.1 ldapport=1 {BASE}\n"

    def try_names(daemon, first, count):
        for number in range(first, first + count):
            assert refusal(daemon, f"name_{number}", "guess" * 4000) == WRONG

    with made(cluster, rules, release=True, log={"level": "error"}) as daemon:
        try_names(daemon, 0, 200)
        before = daemon.rss()
        try_names(daemon, 200, 400)
        assert daemon.rss() - before < 1_000_000


@pytest.mark.parametrize("base,reason", [
    ("ou=people,dc=nowhere,dc=invalid", "DNS has no SRV records for nowhere.invalid"),
    ("ou=people", "ldapbasedn names no domain")])
def test_without_a_server_dns_is_asked_for_the_domains(cluster, base, reason):
    with made(cluster, f'host all joe all ldap ldapbasedn="{base}" tenant=acme\n') as daemon:
        assert refusal(daemon, "joe", "right") == WRONG
        wait_until(lambda: reason in daemon.log, "the log says why")


def test_a_rule_that_cannot_be_asked_refuses_the_file(cluster):
    with pytest.raises((AssertionError, psycopg.Error), match="ldap needs ldapserver"):
        with made(cluster, "host all all all ldap ldapprefix=x"):
            pass
