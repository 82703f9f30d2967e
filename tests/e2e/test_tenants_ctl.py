# SPDX-License-Identifier: MIT
"""fahrenctl for tenants: many from a list, connection strings, SQL as a tenant, completion."""

import json
import os
import subprocess

import psycopg

from proxy import ROOT, binary
from tenants import ask, begin, objects_of, server  # noqa: F401 - fixtures

FAHRENCTL = os.path.join(os.path.dirname(binary()), "fahrenctl")


def run(daemon, *arguments, stdin=None):
    return subprocess.run([FAHRENCTL, "-c", daemon.file, *arguments], input=stdin, text=True,
                          capture_output=True, timeout=60, check=False)


def test_many_are_made_from_a_list_and_what_fails_is_told(begin, server):
    daemon = begin()
    lines = "# tenants of the test\n\n" + "".join(f"listed{n} pool.size={n}\n" for n in range(1, 6))

    made = run(daemon, "create", "tenants", "-f", "-", "strategy = schema", stdin=lines + "no/name\n")
    again = run(daemon, "--json", "create", "tenants", "-f", "-", "strategy = schema", stdin=lines)

    assert made.returncode == 1
    assert made.stdout.startswith("5 made, 1 failed in ")
    assert 'line 8: ERROR:  "no/name" cannot be a tenant\'s name' in made.stderr
    assert again.returncode == 0
    assert json.loads(again.stdout)["made"] == 5
    sizes = {row["name"]: row["pool_size"] for row in daemon.console("SHOW TENANTS")}
    assert sizes["listed3"] == "3"
    for number in range(1, 6):
        assert run(daemon, "drop", "tenant", f"listed{number}").returncode == 0
    assert objects_of(server, "listed") == []
    assert run(daemon, "create", "tenants", "-f", "/nonexistent").returncode == 2
    assert run(daemon, "create", "tenants").returncode == 2


def test_many_at_once_share_what_they_must(begin, server):
    """The way into the database that all share is one row of the catalog."""
    server.run("REVOKE CONNECT ON DATABASE app FROM PUBLIC")
    daemon = begin(servers={"main": {"admin": {"user": "postgres"}}})
    try:
        lines = "".join(f"crowd{number}\n" for number in range(24))
        made = run(daemon, "create", "tenants", "-f", "-", "strategy = schema", stdin=lines)

        assert (made.returncode, made.stderr.count("line")) == (0, 0), made.stderr
        assert made.stdout.startswith("24 made, 0 failed")
        assert ask(daemon, "crowd23", "SELECT current_user") == [("tenant_crowd23",)]
    finally:
        server.run("GRANT CONNECT ON DATABASE app TO PUBLIC")
    for number in range(24):
        daemon.console(f"DROP TENANT crowd{number}")
    assert objects_of(server, "crowd") == []


def test_a_connection_string_reaches_its_tenant(begin):
    daemon = begin()
    daemon.console("CREATE TENANT strung WITH (strategy = schema)")

    url = run(daemon, "url", "strung").stdout.strip()
    with psycopg.connect(url, autocommit=True) as conn:
        assert conn.execute("SELECT current_user").fetchone() == ("tenant_strung",)
    done = run(daemon, "--json", "exec", "strung", "SELECT current_user AS u, current_schema() AS s")
    assert json.loads(done.stdout) == [{"u": "tenant_strung", "s": "tenant_strung"}]
    assert run(daemon, "exec", "strung", "SELECT nonsense").returncode == 1
    assert run(daemon, "exec", "nobody", "SELECT 1").returncode == 1
    assert run(daemon, "exec", "strung").returncode == 2
    daemon.console("DROP TENANT strung")


def complete(daemon, line):
    script = (f". {ROOT}/conf/fahrenctl.bash; COMP_WORDS=({line}); COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1));"
              " _fahrenctl; echo ${COMPREPLY[@]}")
    path = os.path.dirname(FAHRENCTL) + os.pathsep + os.environ["PATH"]
    return subprocess.run(["bash", "-c", script], capture_output=True, text=True, timeout=60,
                          env=dict(os.environ, PATH=path), check=True).stdout.split()


def test_bash_completes_commands_and_tenants(begin):
    daemon = begin()
    daemon.console("CREATE TENANT completed WITH (strategy = none)")

    assert complete(daemon, "fahrenctl cr") == ["create"]
    assert complete(daemon, "fahrenctl create ten") == ["tenant", "tenants"]
    assert complete(daemon, f"fahrenctl -c {daemon.file} drop tenant comp") == ["completed"]
    daemon.console("DROP TENANT completed")
