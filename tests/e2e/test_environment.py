# SPDX-License-Identifier: MIT
"""A configuration in environment variables: over a file, and without one."""

import os
import subprocess

import psycopg
import pytest

from cluster import free_port
from deadline import wait_until
from proxy import SANITIZER, base_config, binary, Proxy
from world import tenants_config

DEFAULT_FILE = "/etc/fahrend/fahrend.yaml"


@pytest.fixture
def run_alone(tmp_path):
    """run_alone(variables): a daemon that is told nothing but variables; ended with the test."""
    if os.path.exists(DEFAULT_FILE):
        pytest.skip(f"there is a {DEFAULT_FILE} on this machine")
    log = open(tmp_path / "log", "w+", encoding="utf-8")
    daemons = []

    def start(variables):
        daemons.append(subprocess.Popen([binary()], env=dict(os.environ, **variables), stderr=log,
                                        stdin=subprocess.DEVNULL))
    yield start
    for daemon in daemons:
        daemon.terminate()
        assert daemon.wait(timeout=15) == 0
    log.seek(0)
    assert not SANITIZER.search(log.read())
    log.close()


def fahrenctl(variables, *words):
    return subprocess.run([os.path.join(os.path.dirname(binary()), "fahrenctl"), *words],
                          env=dict(os.environ, **variables), capture_output=True, text=True,
                          timeout=60, stdin=subprocess.DEVNULL, check=False)


def test_variables_alone_serve_a_tenant(cluster, run_alone):
    port = free_port()
    variables = {
        "FAHREND_LISTEN__PORT": str(port),
        "FAHREND_LISTEN__UNIX_DIR": "",
        "FAHREND_SERVERS__MAIN__HOST": "127.0.0.1",
        "FAHREND_SERVERS__MAIN__PORT": str(cluster.port),
        "FAHREND_USERS__APP__PASSWORD": "app-secret",
        "FAHREND_USERS__APP__TENANTS": "[acme]",
        "FAHREND_USERS__ADMIN__PASSWORD": "admin-secret",
        "FAHREND_USERS__ADMIN__TENANTS": "[]",
        "FAHREND_ADMIN__USERS": "admin",
        "FAHREND_TENANCY__RESOLVE": '[{user: "{user}.{tenant}"}]',
        "FAHREND_TENANTS__DEFAULTS__DATABASE": "app",
        "FAHREND_TENANTS__ACME": "{}",
        "FAHREND_HTTP__PORT": "0",
        "FAHREND_SERVICE_HOST": "not ours",
    }

    run_alone(variables)
    wait_until(lambda: fahrenctl(variables, "ping").returncode == 0, "fahrend listens")
    with psycopg.connect(host="127.0.0.1", port=port, user="app.acme", password="app-secret",
                         dbname="app") as conn:
        assert conn.execute("SELECT current_setting('app.tenant')").fetchone() == ("acme",)
    shown = fahrenctl(variables, "show", "tenants")
    assert shown.returncode == 0, shown.stderr
    assert "acme" in shown.stdout


def test_a_fault_names_the_variable_and_the_file(cluster):
    daemon = Proxy(base_config(cluster.port, tenants=tenants_config(), workers="many"))
    done = subprocess.run([binary(), "--check", "-c", daemon.file], capture_output=True, text=True,
                          env=dict(os.environ, FAHREND_SERVERS__MAIN__PROT="1"), check=False)
    daemon.kill()

    assert done.returncode == 2
    assert done.stdout.splitlines()[0] == (
        "environment: FAHREND_SERVERS__MAIN__PROT: servers.main: unknown key \"prot\", "
        "did you mean \"port\"?")
    assert done.stdout.splitlines()[1].startswith(f"{daemon.file}:9:14: workers: ")
