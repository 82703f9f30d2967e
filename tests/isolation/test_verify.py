# SPDX-License-Identifier: MIT
"""fahrenctl verify finds at each level what the attacks themselves find, and changes nothing."""

import json
import os
import subprocess

import pytest

from attacks import Field, attacks, levels, make_places
from cluster import Cluster
from proxy import binary, merge

OPEN = {level: {attack["id"] for attack in attacks() if level in attack["open"]}
        for level in levels()}


@pytest.fixture(scope="module")
def cluster():
    """A PostgreSQL of its own: the attacks make the same places in the one that all share."""
    with Cluster() as server:
        server.run("CREATE ROLE app LOGIN")
        yield server


@pytest.fixture(scope="module")
def field(cluster):
    make_places(cluster)
    fields = {}

    def get(level):
        if level not in fields:
            fields[level] = Field(cluster, level, 1)
            name_tenants(fields[level].daemon)
        return fields[level]
    yield get
    for each in fields.values():
        each.stop()


def name_tenants(daemon):
    """verify reads the file: it is to name both tenants there."""
    with open(daemon.file, encoding="utf-8") as file:
        config = json.load(file)
    daemon.write(merge(config, {"tenants": {"mallory": {}, "victor": {}}}))
    daemon.console("RELOAD")


def verify(daemon, *words):
    program = os.path.join(os.path.dirname(binary()), "fahrenctl")
    return subprocess.run([program, "-c", daemon.file, *words], capture_output=True, text=True,
                          timeout=60, check=False)


def findings(daemon, *words):
    done = verify(daemon, "--json", *words, "verify", "mallory")
    assert not done.stderr
    return done.returncode, json.loads(done.stdout)


def open_ones(rows):
    return {row["id"] for row in rows if row["result"].startswith("open")} - {"trap"}


@pytest.mark.parametrize("level", levels())
def test_what_is_found_is_what_the_attacks_find(field, level):
    code, rows = findings(field(level).daemon)

    assert open_ones(rows) == OPEN[level]
    assert code == (1 if OPEN[level] - {"B17"} else 0), "B17 nothing closes: it is told only"
    for row in rows:
        assert row["tenant"] == "mallory"
        assert row["by" if row["result"].startswith("kept out") else "to do"], row


def test_what_is_allowed_to_be_open_does_not_fail(field):
    daemon = field("rls-sealed").daemon
    known = ",".join(OPEN["rls-sealed"])

    assert findings(daemon, "--allow", known)[0] == 1, "the catalogs tell of more"
    assert findings(daemon, "--allow", known + ",trap")[0] == 0


def test_the_traps_of_the_catalogs_are_told(field):
    _, rows = findings(field("rls-sealed").daemon)
    traps = {row["attack"]: row["to do"] for row in rows if row["id"] == "trap"}

    assert "does not begin with tenant_id" in traps["public.mails_mail_key"]
    assert "security_invoker" in traps["public.all_notes"]


@pytest.mark.parametrize("level", ["rls-sealed", "schema-tenant", "database"])
def test_what_everybody_has_of_databases_is_told(field, cluster, level):
    """Of those that fahrend has not made: the maintenance database is open to every role."""
    daemon = field(level).daemon
    with daemon.wire_tenant("mallory") as client:
        ours = client.value("SELECT current_database()")
    code, rows = findings(daemon, "--allow", ",".join(OPEN[level]) + ",trap")

    told = {(row["attack"], row["to do"].split()[0]) for row in rows
            if row["id"] == "trap" and row["attack"].startswith("database")}
    everybodys = {(f"database {name}", what) for name, what in cluster.run(
        "SELECT datname, a.privilege_type FROM pg_database,"
        " aclexplode(coalesce(datacl, acldefault('d', datdba))) a"
        " WHERE a.grantee = 0 AND datallowconn")}
    assert ("database postgres", "CONNECT") in everybodys
    assert told == {(name, what) for name, what in everybodys
                    if level != "rls-sealed" or name == f"database {ours}"}
    assert code == 0


def test_nothing_is_changed(field):
    """Rows, settings and connections are as they were."""
    daemon = field("rls-plain").daemon
    with daemon.wire_tenant("victor") as victor:
        before = victor.rows("SELECT * FROM notes"), victor.rows("SELECT * FROM mails")
        assert verify(daemon, "verify").returncode == 1
        assert (victor.rows("SELECT * FROM notes"), victor.rows("SELECT * FROM mails")) == before


def test_a_table_for_people_names_every_attack(field):
    done = verify(field("schema-tenant").daemon, "verify", "mallory")

    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0].split()[:3] == ["tenant", "id", "attack"]
    named = [line.split()[1] for line in lines[2:]]
    assert [name for name in named if name != "trap"] == [attack["id"] for attack in attacks()]


@pytest.mark.parametrize("words, code, text", [
    (("verify", "a", "b"), 2, "verify takes one tenant"),
    (("-U", "nobody", "verify", "mallory"), 1, "no user of the file may enter the tenant"),
    (("-c", "/nowhere.yaml", "verify"), 2, "/nowhere.yaml")])
def test_what_cannot_be_done_is_said(field, words, code, text):
    done = verify(field("rls-plain").daemon, *words)

    assert done.returncode == code
    assert text in done.stderr
