# SPDX-License-Identifier: MIT
"""ALTER TENANT … ROTATE PASSWORD: another password on the server and in the store, while clients go
on; what fails leaves the old one."""

import hashlib
import hmac
import os
import threading

import psycopg
import pytest

from deadline import wait_until
from proxy import ConsoleError
from tenants import ask, begin, server  # noqa: F401 - fixtures

KEY = "a master key of the tests"


def verifier_of(server, role):
    return server.run("SELECT rolpassword FROM pg_authid WHERE rolname = %s", params=[role])[0][0]


def opens(server, role, password, dbname):
    """Does the password open the server, without any proxy?"""
    try:
        psycopg.connect(host="127.0.0.1", port=server.port, user=role, password=password,
                        dbname=dbname).close()
    except psycopg.OperationalError as error:
        assert "password authentication failed" in str(error)
        return False
    return True


def test_a_password_is_rotated_under_clients_that_work(begin, server, tmp_path):
    daemon = begin()
    daemon.console("CREATE TENANT turning WITH (strategy = schema)")
    file = tmp_path / "tenant_turning"
    before, former = file.read_text(), verifier_of(server, "tenant_turning")
    failures, rounds, stop = [], [], threading.Event()

    def work():
        with daemon.tenant("turning") as conn:
            while not stop.is_set():
                try:
                    rounds.append(conn.execute("SELECT current_user").fetchone())
                except psycopg.Error as error:
                    failures.append(error)
                    return

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    wait_until(lambda: len(rounds) > 20, "clients work")
    pids = {row["remote_pid"] for row in daemon.console("SHOW SERVERS")}
    rows = daemon.console("ALTER TENANT turning ROTATE PASSWORD")
    wait_until(lambda: pids.isdisjoint(row["remote_pid"] for row in daemon.console("SHOW SERVERS"))
               and len(daemon.console("SHOW SERVERS")) > 0, "connections are new")
    stop.set()
    for thread in threads:
        thread.join()

    assert failures == []
    after = file.read_text()
    assert after != before and verifier_of(server, "tenant_turning") != former
    assert opens(server, "tenant_turning", after, "app")
    assert not opens(server, "tenant_turning", before, "app")
    told = str(rows) + daemon.log + server.log
    assert "SCRAM-SHA-256$..." in str(rows) and after not in told and before not in told
    daemon.console("DROP TENANT turning")


def test_another_proxy_finds_the_new_password(begin, server):
    one, two = begin(), begin()
    one.console("CREATE TENANT shared WITH (strategy = schema)")
    wait_until(lambda: ("shared", "active") in
               {(row["name"], row["state"]) for row in two.console("SHOW TENANTS")},
               "the other proxy lets it in")
    with two.tenant("shared") as conn:
        assert conn.execute("SELECT 1").fetchone() == (1,)
        one.console("ALTER TENANT shared ROTATE PASSWORD")
        two.console("RECONNECT")

        assert conn.execute("SELECT current_user").fetchone() == ("tenant_shared",)
    one.console("DROP TENANT shared")


def test_a_derived_password_goes_to_the_next_epoch(begin, server):
    daemon = begin(secrets={"store": "master", "providers": {
        "kept": None, "master": {"type": "derive", "key": KEY}}})
    daemon.console("CREATE TENANT derived WITH (strategy = schema)")
    role = "tenant_derived"

    with daemon.tenant("derived") as conn:
        assert conn.execute("SELECT 1").fetchone() == (1,)
        daemon.console("ALTER TENANT derived ROTATE PASSWORD")
        assert conn.execute("SELECT current_user").fetchone() == (role,)
    daemon.console("ALTER TENANT derived ROTATE PASSWORD")
    daemon.console("CREATE TENANT derived WITH (strategy = schema)")  # is safe to repeat

    second = hmac.new(KEY.encode(), role.encode() + b"\x002", hashlib.sha256).hexdigest()
    assert opens(server, role, second, "app")
    ask(daemon, "derived", "SELECT 1")
    daemon.console("DROP TENANT derived")


def test_a_store_that_cannot_be_written_leaves_the_old_password(begin, server, tmp_path):
    daemon = begin()
    daemon.console("CREATE TENANT stuck WITH (strategy = schema)")
    former = verifier_of(server, "tenant_stuck")
    os.chmod(tmp_path, 0o777)  # nobody may trust such a folder

    with pytest.raises(ConsoleError, match='secret store "kept": tenant_stuck@next: .* lets others write'):
        daemon.console("ALTER TENANT stuck ROTATE PASSWORD")
    os.chmod(tmp_path, 0o700)

    assert verifier_of(server, "tenant_stuck") == former
    ask(daemon, "stuck", "SELECT 1")
    daemon.console("DROP TENANT stuck")


@pytest.mark.parametrize("command, words", [
    ("ALTER TENANT nobody ROTATE PASSWORD", "not in the registry"),
    ("ALTER TENANT plain ROTATE PASSWORD", "does not log in with a role of its own"),
    ("ALTER TENANT plain ROTATE", "needs PASSWORD"),
    ("ALTER TENANT plain ROTATE PASSWORD now", "now"),
])
def test_what_cannot_be_rotated_is_refused(begin, command, words):
    daemon = begin(tenants={"plain": {"login": "client"}})

    with pytest.raises(ConsoleError, match=words):
        daemon.console(command)
