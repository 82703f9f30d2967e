# SPDX-License-Identifier: MIT
"""No secret is seen where it does not belong: a canary in every place that a secret may come from,
then everything that the daemon shows: logs, errors, SHOW CONFIG, arguments, core dumps, and its
memory once a password is no longer in use."""

import glob
import os
import re
import resource
import signal
import subprocess

import psycopg
import pytest

from deadline import wait_until
from proxy import ConsoleError, Proxy, base_config, merge
from secret_services import Vault, make_certificate
from world import tenants_config

CANARY = "canary41d8cd98f00b204e"


@pytest.fixture
def vault(tmp_path):
    with Vault(make_certificate(str(tmp_path))) as service:
        service.certificate = str(tmp_path / "service.crt")
        yield service


@pytest.fixture
def changing(cluster):
    cluster.run("CREATE ROLE fading LOGIN IN ROLE pw_asked")
    yield
    cluster.run("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'fading'")
    cluster.run("DROP ROLE fading")


def private(path, text):
    path.write_text(text)
    path.chmod(0o600)
    return str(path)


def everywhere(vault, tmp_path):
    """A configuration with the canary, numbered, in every place."""
    return {
        "auth": {"method": "scram-sha-256"},
        "users": {
            "app": {"password": f"{CANARY}01"},
            "by_file": {"password": {"file": private(tmp_path / "pw", f"{CANARY}02")}},
            "by_env": {"password": {"env": "CANARY_ENV"}},
            "by_exec": {"password": {"exec": ["sh", "-c", f"cat {private(tmp_path / 'ex', CANARY + '04')}"]}},
            "by_store": {"password": {"store": "vault", "id": "user", "key": "pw"}},
        },
        "secrets": {"store": "vault", "providers": {
            "vault": {"type": "vault", "address": vault.url, "mount": "kv",
                      "ca": vault.certificate, "token": "root-token"},
            "wrong": {"type": "vault", "address": vault.url, "mount": "kv",
                      "ca": vault.certificate, "token": f"{CANARY}06"},
            "aws": {"type": "aws-secrets-manager", "region": "r", "endpoint": vault.url},
            "master": {"type": "derive", "key": f"{CANARY}07"}}},
        "tenants": {"acme": {"login": "tenant", "role": "fading"},
                    "bravo": {"login": {"user": "pw_scram", "password": f"{CANARY}08"}}},
    }


def test_a_canary_is_never_seen(start, cluster, vault, changing, tmp_path, monkeypatch):
    monkeypatch.setenv("CANARY_ENV", f"{CANARY}03")
    vault.secrets["user"] = {"pw": f"{CANARY}05"}
    vault.secrets["fading"] = {"password": f"{CANARY}09"}
    cluster.run(f"ALTER ROLE fading PASSWORD '{CANARY}09'")
    daemon = start(**everywhere(vault, tmp_path))
    seen = []

    with daemon.tenant("acme", password=f"{CANARY}01") as conn:
        assert conn.execute("SELECT current_user").fetchone() == ("fading",)
        arguments = [open(path, "rb").read().decode(errors="replace")
                     for path in glob.glob(f"/proc/{daemon.pid}/task/*/cmdline")]
    for user, number in (("by_file", 2), ("by_env", 3), ("by_exec", 4), ("by_store", 5)):
        with pytest.raises(psycopg.OperationalError) as refusal:
            daemon.tenant("acme", user=user, password=f"{CANARY}0{number}x")
        seen.append(str(refusal.value))
    with pytest.raises(psycopg.OperationalError) as refusal:  # the server refuses a fixed password
        daemon.tenant("bravo", password=f"{CANARY}01")
    seen.append(str(refusal.value))
    for command in ("SHOW CONFIG", "SHOW USERS", "SHOW POOLS", "SHOW SERVERS", "RELOAD"):
        seen.append(str(daemon.console(command)))
    broken = everywhere(vault, tmp_path)
    broken["users"]["by_store"]["password"] = {"store": "wrong", "id": "user"}
    broken["users"]["by_env"]["password"] = {"store": "master", "id": "u", "key": "no-json"}
    daemon.write(merge(base_config(cluster.port, tenants=tenants_config(),
                                   listen={"port": daemon.port}), broken))
    with pytest.raises(ConsoleError) as failed:
        daemon.console("RELOAD")
    seen.append(str(failed.value.fields))

    for text in (*seen, *arguments, daemon.log):
        assert CANARY not in text, re.findall(f".{{60}}{CANARY}..", text)
    assert "Vault answers 403" in daemon.log


def memory_holds(pid, word):
    """How often the word is in the memory of a process that may be read."""
    found = 0
    with open(f"/proc/{pid}/maps", encoding="ascii") as maps, \
            open(f"/proc/{pid}/mem", "rb", 0) as memory:
        for line in maps:
            span = re.match(r"([0-9a-f]+)-([0-9a-f]+) rw", line)
            if span:
                begin, end = (int(part, 16) for part in span.groups())
                memory.seek(begin)
                try:
                    found += memory.read(end - begin).count(word.encode())
                except OSError:
                    pass  # [vvar] and the like
    return found


@pytest.mark.skipif(os.geteuid() != 0, reason="memory of a hidden process is root's to read")
def test_a_password_that_is_not_used_any_more_is_not_in_memory(start, cluster, vault, changing):
    first, second = f"{CANARY}-first", f"{CANARY}-second"
    vault.secrets["fading"] = {"password": first}
    cluster.run(f"ALTER ROLE fading PASSWORD '{first}'")
    daemon = start(release=True, secrets={"store": "vault", "providers": {
        "vault": {"type": "vault", "address": vault.url, "mount": "kv", "ca": vault.certificate,
                  "token": "root-token"}}}, tenants={"acme": {"login": "tenant", "role": "fading"}})
    with daemon.tenant("acme") as conn:
        assert conn.execute("SELECT current_user").fetchone() == ("fading",)
        assert memory_holds(daemon.pid, first) > 0  # the test can see

        vault.secrets["fading"] = {"password": second}
        cluster.run(f"ALTER ROLE fading PASSWORD '{second}'")
        daemon.console("RECONNECT")
        assert conn.execute("SELECT current_user").fetchone() == ("fading",)

        wait_until(lambda: memory_holds(daemon.pid, first) == 0, "the old password is cleared")
        assert memory_holds(daemon.pid, second) > 0


@pytest.mark.parametrize("wanted", [False, True])
def test_a_core_dump_is_written_only_where_it_is_wanted(cluster, wanted):
    with open("/proc/sys/kernel/core_pattern", encoding="ascii") as file:
        if file.read(1) in "|/":
            pytest.skip("core dumps go elsewhere on this machine")
    limits = resource.getrlimit(resource.RLIMIT_CORE)
    resource.setrlimit(resource.RLIMIT_CORE, (limits[1], limits[1]))
    daemon = Proxy(base_config(cluster.port, core_dumps=wanted), release=True)
    try:
        daemon.start()
        daemon.signal(signal.SIGABRT)
        _, status = os.waitpid(daemon.pid, 0)
        daemon.process.returncode = -signal.SIGABRT
        assert os.WIFSIGNALED(status)
        if wanted and not os.WCOREDUMP(status):
            pytest.skip("this machine writes none")
        assert os.WCOREDUMP(status) == wanted
    finally:
        daemon.kill()
        resource.setrlimit(resource.RLIMIT_CORE, limits)
