# SPDX-License-Identifier: MIT
"""Passwords that come over a network and change while the daemon runs: each store's password opens
the tenant's role, one fetch serves all who wait, a store that is down stops nobody who is known, a
password that the server refuses is fetched again, and none is seen anywhere."""

import concurrent.futures
import contextlib
import re

import psycopg
import pytest

from deadline import wait_until
from secret_services import REGION, SecretsManager, Vault, make_certificate

CANARY = "canary-41d8cd98f00b204e"


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    return make_certificate(tmp_path_factory.mktemp("service"))


@pytest.fixture
def vault(certificate):
    with Vault(certificate) as service:
        yield service


@pytest.fixture
def set_password(cluster):
    """set_password(text): of the role `changing`, which the server asks for it."""
    cluster.run("CREATE ROLE changing LOGIN IN ROLE pw_asked")
    yield lambda password: cluster.run(f"ALTER ROLE changing PASSWORD '{password}'")
    cluster.run("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'changing'")
    cluster.run("DROP ROLE changing")


@pytest.fixture
def vault_config(vault, certificate):
    def make(cache="5m", **pool):
        return {
            "secrets": {"store": "kept", "cache": cache, "providers": {
                "kept": {"type": "vault", "address": vault.url, "mount": "kv",
                         "ca": certificate[0], "token": "root-token"}}},
            "tenants": {"acme": {"login": "tenant", "role": "changing", "pool": pool}}}
    return make


def session_user(daemon):
    with daemon.tenant("acme") as conn:
        return conn.execute("SELECT session_user").fetchone()[0]


def end_server_sessions(cluster):
    of_role = "FROM pg_stat_activity WHERE usename = 'changing'"
    cluster.run(f"SELECT pg_terminate_backend(pid) {of_role}")
    wait_until(lambda: cluster.run(f"SELECT count(*) {of_role}") == [(0,)], "they have ended")


def down(handler):
    """The connection ends without a word."""
    handler.close_connection = True


def test_each_networked_store_opens_a_tenants_role(
        start, cluster, certificate, vault, monkeypatch, set_password):
    set_password("kept-secret")
    vault.secrets["changing"] = {"password": "kept-secret"}
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDTEST")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "a/secret+key")
    with SecretsManager(certificate) as aws:
        aws.secrets["p/changing"] = {"SecretString": "kept-secret"}
        for provider in (
                {"type": "vault", "address": vault.url, "token": "root-token", "mount": "kv"},
                {"type": "aws-secrets-manager", "region": REGION, "prefix": "p/",
                 "endpoint": aws.url}):
            provider["ca"] = certificate[0]
            daemon = start(secrets={"store": "kept", "providers": {"kept": provider}},
                           tenants={"acme": {"login": "tenant", "role": "changing"}})
            assert session_user(daemon) == "changing"


def test_clients_that_arrive_together_cost_one_fetch(start, vault, vault_config, set_password):
    set_password("one")
    vault.secrets["changing"] = {"password": "one"}
    vault.delay = 0.3
    daemon = start(**vault_config())

    with concurrent.futures.ThreadPoolExecutor(20) as pool:
        assert set(pool.map(lambda _: session_user(daemon), range(20))) == {"changing"}

    assert vault.count("kv/data/changing") == 1


def test_a_store_that_is_down_stops_nobody_who_is_known(start, vault, vault_config, set_password):
    set_password("one")
    vault.secrets["changing"] = {"password": "one"}
    daemon = start(**vault_config(cache="0"))
    assert session_user(daemon) == "changing"

    vault.faults = [down] * 1000
    assert session_user(daemon) == "changing"
    wait_until(lambda: "secret store failed, what was read before is used provider=kept" in daemon.log, "the log tells")


def test_a_store_that_is_down_at_the_first_login_is_named(start, vault, vault_config, set_password):
    set_password("one")
    daemon = start(**vault_config())
    vault.faults = [down] * 1000

    with pytest.raises(psycopg.OperationalError) as refusal:
        session_user(daemon)

    assert 'secret store "kept": changing: 127.0.0.1' in str(refusal.value)


def test_a_password_that_the_server_refuses_is_fetched_again(
        start, cluster, vault, vault_config, set_password):
    set_password("one")
    vault.secrets["changing"] = {"password": "one"}
    daemon = start(**vault_config())
    with daemon.tenant("acme") as conn:
        assert conn.execute("SELECT 1").fetchone() == (1,)

        set_password("two")
        vault.secrets["changing"] = {"password": "two"}
        end_server_sessions(cluster)

        # The same client, without logging in again, and others.
        wait_until(lambda: not daemon.console("SHOW SERVERS"), "the proxy has noticed")
        assert conn.execute("SELECT session_user").fetchone() == ("changing",)
    assert session_user(daemon) == "changing"
    assert vault.count("kv/data/changing") == 2
    wait_until(lambda: re.search("password was changed .*server=main database=app role=changing", daemon.log), "the log tells")


def test_a_password_that_is_wrong_in_the_store_too_is_the_servers_error(
        start, vault, vault_config, set_password):
    set_password("one")
    vault.secrets["changing"] = {"password": "wrong"}
    daemon = start(**vault_config())
    for _ in range(3):
        with pytest.raises(psycopg.OperationalError) as refusal:
            session_user(daemon)
        assert "password authentication failed" in str(refusal.value)

    # Fetched again once, looked for a next one, and then not each time.
    assert vault.count("kv/data/changing") == 3

    vault.secrets["changing"] = {"password": "one"}
    wait_until(lambda: logs_in(daemon), "the right password is found")


def logs_in(daemon):
    with contextlib.suppress(psycopg.OperationalError):
        return session_user(daemon) == "changing"
    return False


def test_a_secret_of_the_configuration_is_fetched_again_too(
        start, cluster, vault, vault_config, set_password):
    set_password("one")
    vault.secrets["shared"] = {"pw": "one"}
    config = vault_config()
    config["tenants"]["acme"] = {"login": {"user": "changing", "password": {
        "store": "kept", "id": "shared", "key": "pw"}}}
    daemon = start(**config)
    assert session_user(daemon) == "changing"

    set_password("two")
    vault.secrets["shared"] = {"pw": "two"}
    end_server_sessions(cluster)

    wait_until(lambda: logs_in(daemon), "the new password is found")
    end_server_sessions(cluster)
    wait_until(lambda: logs_in(daemon), "it stays")


def test_what_is_remembered_is_asked_again_when_its_time_is_over(
        start, vault, vault_config, set_password):
    set_password("one")
    vault.secrets["changing"] = {"password": "one"}
    daemon = start(**vault_config(cache="1ms"))

    session_user(daemon)
    session_user(daemon)

    assert vault.count("kv/data/changing") == 2
