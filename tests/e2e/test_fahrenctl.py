# SPDX-License-Identifier: MIT
"""The console from a shell."""

import json
import os
import subprocess

import pytest

from cluster import free_port
from proxy import Proxy, base_config, binary
from world import tenants_config


@pytest.fixture(scope="module")
def daemon(cluster):
    config = base_config(cluster.port, tenants=tenants_config(), auth={"method": "scram-sha-256"})
    with Proxy(config) as proxy:
        yield proxy


def run(*arguments, **environment):
    program = os.path.join(os.path.dirname(binary()), "fahrenctl")
    done = subprocess.run([program, *arguments], capture_output=True, text=True, timeout=60,
                          env=dict(os.environ, **environment), stdin=subprocess.DEVNULL,
                          check=False)
    assert "runtime error" not in done.stderr and "Sanitizer" not in done.stderr, done.stderr
    return done


def test_a_table_with_what_the_file_says(daemon):
    done = run("-c", daemon.file, "show", "tenants")

    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0].split()[:3] == ["name", "strategy", "server"]
    assert set(lines[1]) == {"-", " "}
    assert lines[2].split()[:3] == ["acme", "rls", "main"]


def test_json_can_be_read(daemon):
    done = run("-c", daemon.file, "--json", "show", "tenants")

    assert done.returncode == 0, done.stderr
    rows = {row["name"]: row for row in json.loads(done.stdout)}
    assert rows["carol"]["strategy"] == "schema"
    assert rows["carol"]["clients"] == 0


def test_a_command_says_its_tag(daemon):
    assert run("-c", daemon.file, "reconnect").stdout == "RECONNECT\n"
    done = run("-c", daemon.file, "--json", "reload")
    assert json.loads(done.stdout)["command"] == "RELOAD"


def test_the_help_of_the_console_is_shown(daemon):
    assert "PAUSE TENANT name" in run("-c", daemon.file, "show", "help").stdout


def test_ping_needs_no_user(daemon, cluster):
    where = ("-h", "127.0.0.1", "-p", str(daemon.port))

    done = run(*where, "ping")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    done = run("-h", "127.0.0.1", "-p", str(free_port()), "ping")
    assert (done.returncode, done.stderr) == (1, "fahrenctl: fahrend does not answer\n")
    assert run("ping", "me").returncode == 2
    assert "login" not in daemon.log.splitlines()[-1]


def test_host_port_and_user_serve_without_a_file(daemon):
    where = ("-h", "127.0.0.1", "-p", str(daemon.port), "-U", "admin")

    assert "fahrend" in run(*where, "show", "version", PGPASSWORD="admin-secret").stdout
    refused = run(*where, "show", "version", PGPASSWORD="wrong")
    assert refused.returncode == 1 and "password" in refused.stderr


def test_what_fails_is_told(daemon):
    done = run("-c", daemon.file, "resume")

    assert (done.returncode, done.stdout) == (1, "")
    assert "pooler is not paused/suspended" in done.stderr


def test_nobody_listening_is_a_failure():
    assert run("-h", "127.0.0.1", "-p", "1", "show", "version").returncode == 1


@pytest.mark.parametrize("arguments", [
    (), ("--json",), ("--nonsense", "show", "version"), ("-c", "/nonexistent", "show", "version")])
def test_bad_usage_exits_with_2(arguments):
    done = run(*arguments)

    assert done.returncode == 2
    assert done.stderr and not done.stdout


def test_help_teaches():
    done = run("--help")

    assert done.returncode == 0
    assert "fahrenctl show tenants" in done.stdout
