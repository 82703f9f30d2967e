# SPDX-License-Identifier: MIT
"""`login: tenant`: the password of a tenant's own role comes from the store that is configured."""

import hashlib
import hmac
import os

import psycopg
import pytest

from wirepeer import startup

KEY = "a master key of the tests"


def tenants(role):
    return {"acme": {"login": "tenant", "role": role}}


def file_store(tmp_path, role, password, mode=0o600):
    path = tmp_path / role
    path.write_text(password + "\n")
    os.chmod(path, mode)
    return {"store": "kept", "providers": {"kept": {"type": "files", "directory": str(tmp_path)}}}


def session_user(daemon):
    with daemon.tenant("acme") as conn:
        return conn.execute("SELECT session_user").fetchone()[0]


def test_a_file_of_the_roles_name_has_its_password(start, tmp_path):
    daemon = start(tenants=tenants("pw_scram"),
                   secrets=file_store(tmp_path, "pw_scram", "scram-secret"))

    assert session_user(daemon) == "pw_scram"


@pytest.mark.parametrize("epoch, message", [(0, b"pw_wrong"), (3, b"pw_wrong\x003")])
def test_a_password_is_derived_from_master_key_role_and_epoch(start, cluster, epoch, message):
    derived = hmac.new(KEY.encode(), message, hashlib.sha256).hexdigest()
    cluster.run(f"ALTER ROLE pw_wrong PASSWORD '{derived}'")
    acme = {"login": "tenant", "role": "pw_wrong", "password_epoch": epoch}
    daemon = start(tenants={"acme": acme}, secrets={
        "store": "master", "providers": {"master": {"type": "derive", "key": KEY}}})

    assert session_user(daemon) == "pw_wrong"


@pytest.mark.parametrize("provider", [
    {"type": "env", "prefix": "PW_OF_"},
    {"type": "exec", "command": ["sh", "-c", '[ "$0 $1" = "read pw_scram" ] && echo scram-secret']},
], ids=["env", "exec"])
def test_a_password_comes_from_a_variable_or_a_program(start, monkeypatch, provider):
    monkeypatch.setenv("PW_OF_pw_scram", "scram-secret")
    daemon = start(tenants=tenants("pw_scram"),
                   secrets={"store": "kept", "providers": {"kept": provider}})

    assert session_user(daemon) == "pw_scram"


def test_a_secret_of_the_configuration_is_a_field_of_what_a_store_keeps(start, tmp_path):
    secrets = file_store(tmp_path, "shared", '{"user": "pw_scram", "password": "scram-secret"}')
    password = {"store": "kept", "id": "shared", "key": "password"}
    daemon = start(secrets=secrets,
                   tenants={"acme": {"login": {"user": "pw_scram", "password": password}}})

    assert session_user(daemon) == "pw_scram"


@pytest.mark.parametrize("mode, role", [(0o644, "pw_scram"), (0o600, "pw_wrong")],
                         ids=["others may read it", "it is another role's"])
def test_a_store_without_a_fit_secret_refuses_the_login_and_tells_no_secret(
        start, tmp_path, mode, role):
    daemon = start(tenants=tenants("pw_scram"),
                   secrets=file_store(tmp_path, role, "scram-secret", mode))
    with pytest.raises(psycopg.OperationalError) as refusal:
        session_user(daemon)

    assert "scram-secret" not in str(refusal.value)


def test_clients_that_arrive_together_and_leave_meanwhile_do_no_harm(start, tmp_path):
    daemon = start(tenants=tenants("pw_scram"),
                   secrets=file_store(tmp_path, "pw_scram", "scram-secret"))
    for _ in range(20):
        with daemon.wire() as client:
            client.send(startup(user="app", database="app", app__tenant="acme"))

    assert session_user(daemon) == "pw_scram"
