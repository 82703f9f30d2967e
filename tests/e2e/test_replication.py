# SPDX-License-Identifier: MIT
"""Replication through the proxy: a server connection of the client's own, and only where it shows
no other tenant's data."""

import os
import subprocess

import pytest

from cluster import Cluster, find_bindir
from deadline import wait_until
from proxy import Proxy, base_config

TENANTS = {
    "defaults": {"login": {"user": "postgres"}, "database": "postgres", "pool": {"size": 1}},
    "whole": {"strategy": "none"},
    "own": {"strategy": "database", "dedicated": {"name": "postgres"}},
    "rows": {"strategy": "rls"},
    "names": {"strategy": "schema"},
}


@pytest.fixture(scope="module")
def server():
    with Cluster(wal_level="logical") as cluster:
        hba = os.path.join(cluster.directory, "data", "pg_hba.conf")
        with open(hba, "a", encoding="utf-8") as file:
            file.write("host replication all 127.0.0.1/32 trust\n")
        cluster.run("SELECT pg_reload_conf()")
        yield cluster


@pytest.fixture(scope="module")
def daemon(server):
    with Proxy(base_config(server.port, tenants=TENANTS)) as proxy:
        yield proxy


def command(daemon, tenant, program, *arguments):
    environment = {**os.environ, "PGPASSWORD": "app-secret",
                   "PGOPTIONS": f"-c app.tenant={tenant}", "PGCONNECT_TIMEOUT": "10"}
    line = [os.path.join(find_bindir(), program), "-h", "127.0.0.1", "-p", str(daemon.port),
            "-U", "app", *arguments]
    return line, environment


def run(daemon, tenant, program, *arguments):
    line, environment = command(daemon, tenant, program, *arguments)
    return subprocess.run(line, env=environment, capture_output=True, text=True, timeout=60,
                          check=False)


def test_pg_basebackup_copies_the_server(daemon, tmp_path):
    result = run(daemon, "whole", "pg_basebackup", "-D", str(tmp_path / "copy"), "-X", "stream",
                 "-c", "fast")

    assert result.returncode == 0, result.stderr
    assert (tmp_path / "copy" / "PG_VERSION").exists()


@pytest.mark.parametrize("tenant", ["whole", "own"])
def test_pg_recvlogical_follows_the_changes(server, daemon, tenant):
    slot = f"of_{tenant}"
    assert run(daemon, tenant, "pg_recvlogical", "-d", "postgres", "--slot", slot,
               "--create-slot", "-P", "test_decoding").returncode == 0
    line, environment = command(daemon, tenant, "pg_recvlogical", "-d", "postgres", "--slot", slot,
                                "--start", "-f", "-", "--no-loop")
    server.run(f"CREATE TABLE {slot} (a int)")
    server.run(f"INSERT INTO {slot} VALUES (42)")
    with subprocess.Popen(line, env=environment, stdout=subprocess.PIPE, text=True) as process:
        try:
            while f"table public.{slot}: INSERT: a[integer]:42" not in process.stdout.readline():
                assert process.poll() is None
        finally:
            process.terminate()


def test_the_server_connection_ends_with_its_client(server, daemon):
    for _ in range(2):
        assert run(daemon, "whole", "pg_recvlogical", "-d", "postgres", "--slot", "short",
                   "--create-slot", "--if-not-exists", "-P", "test_decoding").returncode == 0

    wait_until(lambda: server.run("SELECT count(*) FROM pg_stat_replication") == [(0,)],
               "no replication is left")


@pytest.mark.parametrize("tenant", ["own", "rows", "names"])
def test_physical_replication_is_refused_where_tenants_share_a_server(daemon, tenant, tmp_path):
    result = run(daemon, tenant, "pg_basebackup", "-D", str(tmp_path / "copy"))

    assert result.returncode != 0
    assert "would show other tenants' data" in result.stderr


@pytest.mark.parametrize("tenant", ["rows", "names"])
def test_logical_replication_is_refused_where_tenants_share_a_database(daemon, tenant):
    result = run(daemon, tenant, "pg_recvlogical", "-d", "postgres", "--slot", "stolen",
                 "--create-slot", "-P", "test_decoding")

    assert result.returncode != 0
    assert "would show other tenants' data" in result.stderr
