# SPDX-License-Identifier: MIT
"""The memory of a daemon is searched for what it has no use for any more: passwords that clients
sent, what stood in a configuration that was exchanged, passwords that were rotated."""

import base64
import hashlib
import hmac
import os

import pytest

from cluster import free_port
from deadline import wait_until
from proxy import Proxy, base_config, merge
from secret_services import Vault, make_certificate
from tenants import asking_server
from test_http import ask
from test_secret_canary import memory_holds, private
from wirepeer import LoginFailed

pytestmark = pytest.mark.skipif(os.geteuid() != 0,
                                reason="memory of a hidden process is root's to read")
CANARY = "canary8f14e45fceea167a"


def is_gone(daemon, word):
    wait_until(lambda: memory_holds(daemon.pid, word) == 0, f"{word} is cleared", patience=5)


class Place:
    """A daemon without sanitizers, whose configuration is changed."""

    def __init__(self, folder, server, vault, certificate):
        self.folder, self.vault = folder, vault
        self.config = base_config(
            server.port, auth={"method": "password"}, log={"level": "info"},
            http={"port": free_port(), "user": "monitor", "password": f"{CANARY}-http"},
            tenancy={"registry": {"server": "main", "database": "app"}},
            secrets={"store": "vault", "providers": {"vault": {
                "type": "vault", "address": vault.url, "mount": "kv", "ca": certificate[0],
                "token": "root-token"}}})
        self.config["listen"]["tls"] = {"mode": "allow", "certificate": certificate[0],
                                        "key": certificate[1]}
        self.config["servers"]["main"]["admin"] = {"user": "postgres"}
        self.config["tenants"] = {
            "defaults": {"server": "main", "database": "app", "strategy": "schema",
                         "login": "tenant"},
            "plain": {"strategy": "none", "login": {"user": "app"}}}
        self.daemon = Proxy(self.config, release=True)

    def user(self, password):
        """The user `changing` gets this password, by a reload."""
        self.config = merge(self.config, {"users": {"changing": None}})
        self.config = merge(self.config, {"users": {"changing": {"password": password,
                                                                 "tenants": ["*"]}}})
        self.daemon.write(self.config)
        self.daemon.console("RELOAD")


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    folder = tmp_path_factory.mktemp("memory")
    certificate = make_certificate(folder)
    with asking_server() as server, Vault(certificate) as vault:
        place = Place(folder, server, vault, certificate)
        with place.daemon:
            yield place


@pytest.mark.parametrize("kind", ["text", "file", "exec"])
def test_what_a_reload_exchanged_is_gone(place, kind):
    secret = f"{CANARY}-{kind}"
    path = private(place.folder / "secret", secret)
    place.user({"text": secret, "file": {"file": path}, "exec": {"exec": ["cat", path]}}[kind])
    with place.daemon.tenant("plain", user="changing", password=secret) as conn:
        assert conn.execute("SELECT 1").fetchone() == (1,)
    assert memory_holds(place.daemon.pid, secret) > 0

    place.user("another")
    place.daemon.console("RECONNECT")  # a server connection keeps what it was made under

    is_gone(place.daemon, secret)


def scram(password):
    """The verifier of a password, as PostgreSQL keeps it."""
    salt = b"0123456789abcdef"
    salted = hashlib.pbkdf2_hmac("sha256", password.encode(), salt, 4096)
    client = hmac.new(salted, b"Client Key", hashlib.sha256).digest()
    server = hmac.new(salted, b"Server Key", hashlib.sha256).digest()
    return ("SCRAM-SHA-256$4096:" + base64.b64encode(salt).decode() + "$"
            + base64.b64encode(hashlib.sha256(client).digest()).decode() + ":"
            + base64.b64encode(server).decode())


def test_the_right_password_of_a_client_is_gone(place):
    secret = f"{CANARY}-right"
    place.user(scram(secret))

    place.daemon.tenant("plain", user="changing", password=secret).close()

    is_gone(place.daemon, secret)


def test_the_wrong_password_of_a_client_is_gone(place):
    secret = f"{CANARY}-wrong"
    place.user("another")

    with place.daemon.wire() as client, pytest.raises(LoginFailed):
        client.login(secret, user="changing", database="app", app__tenant="plain")

    is_gone(place.daemon, secret)


def test_a_password_that_came_by_tls_is_gone(place):
    secret = f"{CANARY}-encrypted"
    place.user(scram(secret))

    place.daemon.tenant("plain", user="changing", password=secret, sslmode="require").close()

    is_gone(place.daemon, secret)


def test_what_a_browser_sent_is_gone(place):
    word = base64.b64encode(f"monitor:{CANARY}-page".encode()).decode()

    assert ask(place.config["http"]["port"], "/metrics", Authorization=f"Basic {word}")[0] == 401

    is_gone(place.daemon, word)
    is_gone(place.daemon, f"{CANARY}-page")


def test_a_rotated_password_is_gone(place):
    daemon = place.daemon
    daemon.console("CREATE TENANT turning")
    place.user("client-secret")
    with daemon.tenant("turning", user="changing", password="client-secret") as conn:
        assert conn.execute("SELECT session_user").fetchone() == ("tenant_turning",)
        before = place.vault.secrets["tenant_turning"]["password"]
        assert memory_holds(daemon.pid, before) > 0

        daemon.console("ALTER TENANT turning ROTATE PASSWORD")
        assert conn.execute("SELECT session_user").fetchone() == ("tenant_turning",)

    after = place.vault.secrets["tenant_turning"]["password"]
    is_gone(daemon, before)
    daemon.console("DROP TENANT turning CASCADE")
    is_gone(daemon, after)
