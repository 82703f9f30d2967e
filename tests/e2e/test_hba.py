# SPDX-License-Identifier: MIT
"""auth.method hba: rules in PostgreSQL's format decide, clients of every kind; maps; faults refuse."""

import os
import pwd
import shutil
import subprocess

import psycopg
import pytest

from proxy import ROOT, Proxy, base_config, binary
from wirepeer import LoginFailed, error_fields, md5_verifier, scram_verifier
from world import tenants_config

PASSWORD = "correct horse"
SECRETS = {
    "plainuser": PASSWORD,
    "md5stored": md5_verifier("md5stored", PASSWORD),
    "scramuser": scram_verifier(PASSWORD),
    "mapped": PASSWORD,
    "app": "app-secret",
    "admin": "admin-secret",
}
ME = pwd.getpwuid(os.geteuid()).pw_name
RULES = """\
# the console
host fahrend admin 127.0.0.1/32 scram-sha-256
local fahrend admin trust
local all mapped peer map=mine
local all all peer
host "forbidden" all all reject
host all "/^plain" samehost scram-sha-256 tenant=acme
host all "/^plain" 127.0.0.0 255.0.0.0 password tenant=bravo
include_if_exists more.conf
host all md5stored,scramuser \\
     all md5
host app app ::1/128 trust
hostssl all all all trust
"""
MAPS = f"""\
mine /^(.*)$ nobody_\\1
mine {ME} mapped
"""


def write(daemon, name, text):
    with open(os.path.join(daemon.directory, name), "w", encoding="utf-8") as file:
        file.write(text)


def hba_config(cluster, **changes):
    return base_config(
        cluster.port, auth={"method": "hba", "hba_file": "hba.conf", "ident_file": "ident.conf"},
        users={name: {"password": secret, "tenants": ["*"]} for name, secret in SECRETS.items()},
        tenants=tenants_config(), **changes)


@pytest.fixture(scope="module")
def daemon(cluster):
    daemon = Proxy(hba_config(cluster))
    text = open(daemon.file, encoding="utf-8").read()
    daemon.write(text.replace('"unix_dir": ""', f'"unix_dir": "{daemon.directory}"'))
    write(daemon, "hba.conf", RULES)
    write(daemon, "ident.conf", MAPS)
    with daemon:
        yield daemon


def method_asked(daemon, user, tenant="acme", database="app"):
    """The number of the authentication request that this client is answered first."""
    with daemon.wire() as client, pytest.raises(LoginFailed) as refusal:
        client.login("wrong", user=user, database=database, app__tenant=tenant)
    asked = [m.body for m in refusal.value.seen if m.type == "R"]
    return int.from_bytes(asked[0][:4], "big") if asked else None


def error_of(daemon, user, tenant="acme", database="app"):
    with daemon.wire() as client, pytest.raises(LoginFailed) as refusal:
        client.login("wrong", user=user, database=database, app__tenant=tenant)
    return error_fields(refusal.value.seen[-1].body)


@pytest.mark.parametrize("user,tenant,request_code", [
    ("plainuser", "acme", 10), ("plainuser", "bravo", 3), ("md5stored", "acme", 5),
    ("scramuser", "acme", 10)])
def test_the_rule_decides_what_is_asked(daemon, user, tenant, request_code):
    assert method_asked(daemon, user, tenant) == request_code


@pytest.mark.parametrize("user,tenant", [("plainuser", "acme"), ("plainuser", "bravo"),
                                         ("md5stored", "acme"), ("scramuser", "acme")])
def test_the_right_password_enters(daemon, user, tenant):
    with daemon.tenant(tenant, user=user, password=PASSWORD) as conn:
        assert conn.execute("SELECT body FROM notes").fetchall() == [(f"of {tenant}",)]


@pytest.mark.parametrize("user,tenant", [("plainuser", "acme"), ("plainuser", "bravo"),
                                         ("md5stored", "acme"), ("scramuser", "acme")])
def test_a_wrong_password_is_refused(daemon, user, tenant):
    assert error_of(daemon, user, tenant)["C"] == "28P01"


def test_where_no_rule_fits_nobody_enters(daemon):
    error = error_of(daemon, "app")

    assert error["C"] == "28000"
    assert error["M"] == ('no authentication method is found: no pg_hba.conf entry for host '
                          '"127.0.0.1", user "app", database "app", no encryption')


def test_a_user_that_nobody_knows_is_told_the_same_where_no_rule_fits(daemon):
    known, unknown = error_of(daemon, "app"), error_of(daemon, "nop")

    assert {k: v.replace("nop", "app") for k, v in unknown.items()} == known


def test_a_rule_of_a_tenant_fits_no_other(daemon):
    assert error_of(daemon, "plainuser", "carol")["C"] == "28000"


def test_reject_says_so(daemon):
    error = error_of(daemon, "scramuser", database="forbidden")

    assert error["C"] == "28000"
    assert error["M"].startswith('pg_hba.conf rejects connection for host "127.0.0.1"')


def local(daemon, user):
    return psycopg.connect(host=daemon.directory, port=daemon.port, user=user, dbname="app",
                           options="-c app.tenant=acme", autocommit=True, prepare_threshold=None)


def test_peer_takes_the_owner_of_the_process_by_a_map(daemon):
    with local(daemon, "mapped") as conn:
        assert conn.execute("SELECT body FROM notes").fetchall() == [("of acme",)]


def test_peer_refuses_another_name(daemon):
    with pytest.raises(psycopg.OperationalError,
                       match='peer authentication failed for user "plainuser"'):
        local(daemon, "plainuser")


def test_psql_over_the_socket(daemon):
    told = subprocess.run(
        ["psql", "-At", "-h", daemon.directory, "-p", str(daemon.port), "-U", "mapped", "-d", "app",
         "-c", "SELECT body FROM notes"], env=dict(os.environ, PGOPTIONS="-c app.tenant=acme"),
        capture_output=True, text=True, check=False)

    assert told.stdout == "of acme\n", told.stderr


def test_a_reload_takes_new_rules_and_refuses_broken_ones(daemon):
    write(daemon, "more.conf", "host all app all trust\n")
    daemon.console("RELOAD")
    with daemon.tenant("acme", user="app") as conn:
        assert conn.execute("SELECT 1").fetchone() == (1,)

    write(daemon, "more.conf", "host all app all reject\n\nhost all nobody all ident\n")
    with pytest.raises(Exception, match=r"more\.conf:3:21: method \"ident\" is not supported"):
        daemon.console("RELOAD")
    with daemon.tenant("acme", user="app") as conn:
        assert conn.execute("SELECT 1").fetchone() == (1,)

    os.unlink(os.path.join(daemon.directory, "more.conf"))
    daemon.console("RELOAD")
    assert error_of(daemon, "app")["C"] == "28000"


def test_check_tells_every_fault_with_its_place(cluster):
    daemon = Proxy(hba_config(cluster))
    write(daemon, "hba.conf", "host all all all md5\nhosts\nhost all +staff all md5\n"
                              "local all all peer map=none\n")
    write(daemon, "ident.conf", "m joe joe\n")

    told = subprocess.run([binary(), "--check", "-c", daemon.file], capture_output=True, text=True,
                          check=False)

    assert told.returncode == 2
    places = [line.split("hba.conf", 1)[1] for line in (told.stdout + told.stderr).splitlines()]
    assert places[0].startswith(':2:1: "hosts" is no type of connection')
    assert places[1].startswith(":3:1: +role and samerole need auth.query")
    assert len(places) == 2


def test_a_map_that_is_not_there_is_a_fault(cluster):
    daemon = Proxy(hba_config(cluster))
    write(daemon, "hba.conf", "\nlocal all all peer map=none\n")
    write(daemon, "ident.conf", "m joe joe\n")

    told = subprocess.run([binary(), "--check", "-c", daemon.file], capture_output=True, text=True,
                          check=False)

    assert told.returncode == 2
    assert "hba.conf:2:1: map=none: auth.ident_file has no such map" in told.stdout + told.stderr


def test_the_samples_are_taken(cluster):
    daemon = Proxy(hba_config(cluster))
    for name in ("hba.conf", "ident.conf"):
        shutil.copy(os.path.join(ROOT, "conf", name), daemon.directory)

    told = subprocess.run([binary(), "--check", "-c", daemon.file], capture_output=True, text=True,
                          check=False)

    assert (told.returncode, told.stdout + told.stderr) == (0, "")


def test_a_missing_file_is_a_fault(cluster):
    daemon = Proxy(hba_config(cluster))

    told = subprocess.run([binary(), "--check", "-c", daemon.file], capture_output=True, text=True,
                          check=False)

    assert told.returncode == 2
    assert "hba.conf:1:1:" in told.stdout + told.stderr
