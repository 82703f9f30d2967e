# SPDX-License-Identifier: MIT
"""Passwords: of clients at fahrend by each method and form of secret, of fahrend at the server."""

import os
import re
import struct

import psycopg
import pytest

from cluster import free_port
from proxy import Proxy, base_config
from wirepeer import (LoginFailed, error_fields, errors_of, md5_verifier, query, scram_verifier,
                      startup)

PASSWORD = "correct horse"
# Users by the form in which the file keeps their password. Names of one length: answers are compared.
SECRETS = {
    "plainuser": PASSWORD,
    "md5stored": md5_verifier("md5stored", PASSWORD),
    "scramuser": scram_verifier(PASSWORD),
}
METHODS = ["password", "md5", "scram-sha-256"]
WORKING = [("password", "plainuser"), ("password", "md5stored"), ("password", "scramuser"),
           ("md5", "plainuser"), ("md5", "md5stored"),
           ("scram-sha-256", "plainuser"), ("scram-sha-256", "scramuser")]
SERVER_LOGINS = {
    "trust": {"user": "app"},
    "password": {"user": "pw_password", "password": "password-secret"},
    "md5": {"user": "pw_md5", "password": "md5-secret"},
    "scram": {"user": "pw_scram", "password": "scram-secret"},
}


@pytest.fixture(scope="module")
def daemons(cluster):
    """By method: a proxy that asks its clients so; started when first asked for."""
    users = {name: {"password": secret, "tenants": ["*"]} for name, secret in SECRETS.items()}
    tenants = {"defaults": {"login": {"user": "app"}}, "acme": {}}
    started = {}

    def of(method):
        if method not in started:
            config = base_config(cluster.port, auth={"method": method}, users=users,
                                 tenants=tenants)
            started[method] = Proxy(config)
            started[method].start()
        return started[method]

    yield of
    for daemon in started.values():
        daemon.stop()


def transcript(daemon, user, password):
    """All that a refused login was answered, with its random parts named instead of shown."""
    with daemon.wire() as client, pytest.raises(LoginFailed) as refusal:
        client.login(password, user=user, database="app", app__tenant="acme")
    return [(m.type, without_chance(m, user)) for m in refusal.value.seen]


def without_chance(message, user):
    if message.type == "E":
        return {k: v.replace(user, "?") for k, v in error_fields(message.body).items()}
    if message.body[:4] == b"\0\0\0\5":
        return ("salt", len(message.body))
    if message.body[:4] == b"\0\0\0\x0b":
        nonce, salt, iterations = message.body[4:].split(b",")
        return (len(nonce), salt[:2], len(salt), iterations)
    return message.body


def salts(daemon, user):
    """The SCRAM salt that each of two logins of this user was given."""
    found = []
    for _ in range(2):
        with daemon.wire() as client, pytest.raises(LoginFailed) as refusal:
            client.login("wrong", user=user, database="app", app__tenant="acme")
        first = [m.body for m in refusal.value.seen if m.body[:4] == b"\0\0\0\x0b"][0]
        found.append(re.search(rb"s=([^,]*)", first)[1])
    return found


def test_trust_asks_for_nothing(daemons):
    with daemons("trust").wire() as client:
        seen = client.login(user="plainuser", database="app", app__tenant="acme")

    assert [m.body for m in seen if m.type == "R"] == [b"\0\0\0\0"]


@pytest.mark.parametrize("method,user", WORKING)
def test_the_right_password_enters(daemons, method, user):
    with daemons(method).tenant("acme", user=user, password=PASSWORD) as conn:
        assert conn.execute("SELECT body FROM notes").fetchall() == [("of acme",)]


@pytest.mark.parametrize("method,user", WORKING)
def test_a_wrong_password_is_refused(daemons, method, user):
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        daemons(method).tenant("acme", user=user, password="wrong")


@pytest.mark.parametrize("method,user", WORKING)
def test_a_wrong_password_has_its_code(daemons, method, user):
    assert transcript(daemons(method), user, "wrong")[-1][1]["C"] == "28P01"


@pytest.mark.parametrize("method", METHODS)
def test_an_empty_password_is_refused(daemons, method):
    assert transcript(daemons(method), "plainuser", "")[-1][1]["S"] == "FATAL"


@pytest.mark.parametrize("method,user", WORKING)
def test_an_unknown_user_looks_like_a_wrong_password(daemons, method, user):
    known = transcript(daemons(method), user, "wrong")
    unknown = transcript(daemons(method), "nosuchone", "wrong")

    assert known == unknown


@pytest.mark.parametrize("user", ["plainuser", "scramuser"])
def test_an_unknown_users_salt_stays_as_a_known_ones_does(daemons, user):
    known = salts(daemons("scram-sha-256"), user)
    unknown = salts(daemons("scram-sha-256"), "nosuchone")

    assert (known[0] == known[1]) == (unknown[0] == unknown[1])


@pytest.mark.parametrize("method", METHODS)
def test_a_password_beyond_the_limit_ends_the_connection(daemons, method):
    """At its head: the rest is not taken in."""
    with daemons(method).wire() as client:
        client.send(startup(user="plainuser", database="app", app__tenant="acme"))
        assert client.read().type == "R"
        client.send(b"p" + struct.pack("!I", 70000) + b"x" * 100)
        assert errors_of(client.read_all())[0]["C"] == "08P01"
    daemons(method).assert_alive()


def test_the_secret_may_come_from_a_file(start, tmp_path):
    (tmp_path / "secret").write_text(PASSWORD + "\n", encoding="utf-8")
    (tmp_path / "secret").chmod(0o600)
    daemon = start(auth={"method": "scram-sha-256"},
                   users={"filed": {"password": {"file": str(tmp_path / "secret")},
                                    "tenants": ["*"]}})

    with daemon.tenant("acme", user="filed", password=PASSWORD) as conn:
        assert conn.execute("SELECT 1").fetchone() == (1,)


def test_the_secret_may_come_from_the_environment(start, monkeypatch):
    monkeypatch.setenv("TEST_SECRET_OF_APP", PASSWORD)
    daemon = start(auth={"method": "scram-sha-256"},
                   users={"envied": {"password": {"env": "TEST_SECRET_OF_APP"},
                                     "tenants": ["*"]}})

    with daemon.tenant("acme", user="envied", password=PASSWORD) as conn:
        assert conn.execute("SELECT 1").fetchone() == (1,)


@pytest.fixture(scope="module")
def outgoing(cluster):
    """A proxy whose tenants log in to the server in each way."""
    verifier = cluster.run("SELECT rolpassword FROM pg_authid WHERE rolname = 'pw_scram'")[0][0]
    tenants = {name: {"login": login} for name, login in SERVER_LOGINS.items()}
    tenants["wrong"] = {"login": {"user": "pw_wrong", "password": "not this"}}
    tenants["rejected"] = {"login": {"user": "pw_reject"}}
    tenants["nobody"] = {"login": {"user": "no_such_role"}}
    tenants["nobase"] = {"login": {"user": "app"}, "database": "no_such_database"}
    tenants["unreachable"] = {"login": {"user": "app"}, "server": "down"}
    tenants["pass"] = {"login": "client"}
    config = base_config(
        cluster.port, auth={"method": "scram-sha-256"}, tenants=tenants,
        servers={"down": {"host": "127.0.0.1", "port": free_port(),
                          "connect_timeout": "1s"}},
        users={"pw_scram": {"password": verifier, "tenants": ["*"]},
               "pw_md5": {"password": "md5-secret", "tenants": ["*"]}})
    with Proxy(config) as daemon:
        yield daemon


def first_error(daemon, tenant, **login):
    """The fields of the error that a tenant's login or first query meets."""
    with pytest.raises(psycopg.Error) as refusal:
        with daemon.tenant(tenant, password="app-secret", **login) as conn:
            conn.execute("SELECT 1")
    return refusal.value


def first_sqlstate(daemon, tenant):
    with daemon.wire() as client:
        try:
            client.login("app-secret", user="app", database="app", app__tenant=tenant)
            client.send(query("SELECT 1"))
            seen = client.read_until("EZ")
        except LoginFailed as refusal:
            seen = refusal.seen
    return [error_fields(m.body)["C"] for m in seen if m.type == "E"]


@pytest.mark.parametrize("tenant", SERVER_LOGINS)
def test_fahrend_logs_in_to_the_server_by(outgoing, tenant):
    with outgoing.tenant(tenant, password="app-secret") as conn:
        user = conn.execute("SELECT session_user").fetchone()[0]

    assert user == SERVER_LOGINS[tenant]["user"]


def test_a_clients_scram_login_opens_the_servers_with_the_same_verifier(outgoing):
    with outgoing.tenant("pass", user="pw_scram", password="scram-secret") as conn:
        assert conn.execute("SELECT session_user").fetchone() == ("pw_scram",)


def test_a_clients_plain_secret_opens_the_server_as_that_client(outgoing):
    with outgoing.tenant("pass", user="pw_md5", password="md5-secret") as conn:
        assert conn.execute("SELECT session_user").fetchone() == ("pw_md5",)


@pytest.mark.parametrize("tenant,sqlstate", [
    ("wrong", "28P01"), ("rejected", "28000"), ("nobody", "28000"), ("nobase", "3D000"),
    ("unreachable", "08006")])
def test_a_refused_server_login_is_passed_on(outgoing, tenant, sqlstate):
    assert first_sqlstate(outgoing, tenant) == [sqlstate]


def test_the_servers_own_words_reach_the_client(outgoing):
    assert 'role "no_such_role" does not exist' in str(first_error(outgoing, "nobody"))


def test_one_tenants_failing_login_leaves_the_others_alone(outgoing):
    first_sqlstate(outgoing, "wrong")

    with outgoing.tenant("scram", password="app-secret") as conn:
        assert conn.execute("SELECT 1").fetchone() == (1,)


def test_a_new_password_of_the_configuration_is_what_new_connections_use(cluster):
    """Also of those whose clients came before."""
    cluster.run("SET password_encryption = 'scram-sha-256';"
                "CREATE ROLE pw_password_new LOGIN PASSWORD 'old'")
    hba = os.path.join(cluster.directory, "data", "pg_hba.conf")
    with open(hba, encoding="utf-8") as file:
        lines = file.read()
    with open(hba, "w", encoding="utf-8") as file:
        file.write("host all pw_password_new 127.0.0.1/32 scram-sha-256\n" + lines)
    cluster.run("SELECT pg_reload_conf()")

    def config(password):
        login = {"user": "pw_password_new", "password": password}
        return base_config(cluster.port, tenants={"acme": {"strategy": "none", "login": login}},
                           listen={"port": port})

    port = free_port()
    with Proxy(config("old")) as daemon, daemon.tenant("acme") as before:
        assert before.execute("SELECT 1").fetchone() == (1,)
        cluster.run("ALTER ROLE pw_password_new PASSWORD 'new'")
        daemon.write(config("new"))
        daemon.console("RELOAD")
        daemon.console("RECONNECT")

        assert before.execute("SELECT 2").fetchone() == (2,)
        with daemon.tenant("acme") as after:
            assert after.execute("SELECT 3").fetchone() == (3,)
