# SPDX-License-Identifier: MIT
"""CREATE TENANT: made on a real server, used through the proxy, with a password of its own."""

import os
import re
import stat
import time
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest

from deadline import wait_until
from proxy import ConsoleError
from tenants import ask, begin, objects_of, server  # noqa: F401 - fixtures

@pytest.mark.parametrize("strategy", ["schema", "database"])
def test_a_tenant_is_made_and_used(begin, server, tmp_path, strategy):
    daemon = begin()
    name = f"made_{strategy}"

    daemon.console(f"CREATE TENANT {name} WITH (strategy = {strategy})")
    ask(daemon, name, "CREATE TABLE words (body text)")
    ask(daemon, name, "INSERT INTO words VALUES ('mine')")

    assert ask(daemon, name, "SELECT body, current_user FROM words") == [("mine", f"tenant_{name}")]
    kept = tmp_path / f"tenant_{name}"
    assert stat.S_IMODE(os.stat(kept).st_mode) == 0o600
    verifier = server.run("SELECT rolpassword FROM pg_authid WHERE rolname = %s",
                          params=[f"tenant_{name}"])[0][0]
    assert verifier.startswith("SCRAM-SHA-256$")
    assert kept.read_text().strip() not in server.log + daemon.log


@pytest.mark.parametrize("strategy", ["schema", "database"])
def test_a_tenant_with_data_goes_only_by_cascade(begin, server, tmp_path, strategy):
    daemon = begin()
    name = f"gone_{strategy}"
    daemon.console(f"CREATE TENANT {name} WITH (strategy = {strategy})")
    ask(daemon, name, "CREATE TABLE words (body text)")
    ask(daemon, name, "INSERT INTO words VALUES ('mine')")

    with daemon.tenant(name) as idle:
        with pytest.raises(ConsoleError, match=r"has data: table \w+\.words is not empty"):
            daemon.console(f"DROP TENANT {name}")
        assert idle.execute("SELECT body FROM words").fetchall() == [("mine",)]
        daemon.console(f"DROP TENANT {name} CASCADE")
        with pytest.raises(psycopg.OperationalError, match="is being removed|does not exist"):
            idle.execute("SELECT 1")

    assert objects_of(server, name) == []
    assert not (tmp_path / f"tenant_{name}").exists()
    with pytest.raises(psycopg.OperationalError, match="does not exist"):
        daemon.tenant(name)
    daemon.console(f"CREATE TENANT {name} WITH (strategy = {strategy})")
    ask(daemon, name, "CREATE TABLE words (body text)")
    daemon.console(f"DROP TENANT {name}")
    assert objects_of(server, name) == []


def test_rows_of_a_tenant_among_others_go_by_cascade(begin, server):
    server.run("CREATE TABLE parents (tenant_id text, id int, PRIMARY KEY (tenant_id, id));"
               "CREATE TABLE children (tenant_id text, id int,"
               " FOREIGN KEY (tenant_id, id) REFERENCES parents);"
               "INSERT INTO parents VALUES ('rowy', 1), ('other', 1);"
               "INSERT INTO children VALUES ('rowy', 1), ('other', 1);"
               "GRANT ALL ON parents, children TO app", "app")
    daemon = begin(tenants={"defaults": {"login": "client"}})
    daemon.console("CREATE TENANT rowy WITH (strategy = rls)")

    with pytest.raises(ConsoleError, match="has data: table public.children is not empty"):
        daemon.console("DROP TENANT rowy")
    daemon.console("DROP TENANT rowy CASCADE")

    assert server.run("SELECT tenant_id FROM parents", "app") == [("other",)]
    assert server.run("SELECT tenant_id FROM children", "app") == [("other",)]
    server.run("DROP TABLE children, parents", "app")


def test_a_schema_with_more_tables_than_locks_is_dropped(begin, server):
    daemon = begin()
    daemon.console("CREATE TENANT many WITH (strategy = schema)")
    server.run("DO $$ BEGIN FOR i IN 1..220 LOOP"
               " EXECUTE format('CREATE TABLE tenant_many.t%s (id int PRIMARY KEY)', i);"
               " END LOOP; END $$", "app")

    rows = daemon.console("DROP TENANT many CASCADE")

    assert {"kind": "note", "object": "tenant_many",
            "text": "its tables were dropped in parts"} in rows
    assert objects_of(server, "many") == []


def test_a_dry_run_tells_and_changes_nothing(begin, server):
    daemon = begin()
    made = daemon.console("CREATE TENANT dry WITH (strategy = database) DRY RUN")
    assert [row["text"].split(" ")[:2] for row in made if row["kind"] == "sql"][:3] == [
        ["CREATE", "ROLE"], ["COMMENT", "ON"], ["CREATE", "DATABASE"]]
    assert objects_of(server, "dry") == []

    daemon.console("CREATE TENANT dry WITH (strategy = schema)")
    before = objects_of(server, "dry")
    dropped = daemon.console("DROP TENANT dry DRY RUN")

    assert 'DROP SCHEMA "tenant_dry" CASCADE' in [row["text"] for row in dropped]
    assert objects_of(server, "dry") == before
    daemon.console("DROP TENANT dry")


def test_a_template_is_run_in_the_new_schema(begin, server, tmp_path):
    template = tmp_path / "schema.sql"
    template.write_text("CREATE TABLE words (body text); CREATE TABLE more (id int);\n")
    daemon = begin(tenants={"defaults": {"schema": {"template": str(template)},
                                         "owner": "owner_{tenant}"}})

    daemon.console("CREATE TENANT templated WITH (strategy = schema)")
    ask(daemon, "templated", "INSERT INTO words VALUES ('mine')")

    assert server.run("SELECT tablename, tableowner FROM pg_tables WHERE schemaname ="
                      " 'tenant_templated' ORDER BY 1", "app") == [
        ("more", "owner_templated"), ("words", "owner_templated")]
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        ask(daemon, "templated", "CREATE TABLE others (id int)")
    daemon.console("DROP TENANT templated CASCADE")
    assert objects_of(server, "templated") == []


def test_a_template_that_fails_leaves_nothing(begin, server, tmp_path):
    template = tmp_path / "schema.sql"
    template.write_text("CREATE TABLE words (body text); SELECT nonsense;\n")
    daemon = begin(tenants={"defaults": {"schema": {"template": str(template)}}})

    with pytest.raises(ConsoleError, match="nonsense"):
        daemon.console("CREATE TENANT broken WITH (strategy = schema)")

    assert objects_of(server, "broken") == []
    template.write_text("CREATE TABLE words (body text);\n")
    daemon.console("CREATE TENANT broken WITH (strategy = schema)")
    assert ask(daemon, "broken", "SELECT count(*) FROM words") == [(0,)]
    daemon.console("DROP TENANT broken")


def test_what_is_there_and_not_the_tenants_is_not_touched(begin, server):
    server.run('CREATE SCHEMA tenant_foreign; CREATE TABLE tenant_foreign.t (id int)', "app")
    daemon = begin()

    with pytest.raises(ConsoleError, match='"tenant_foreign" is there and was not made for'):
        daemon.console("CREATE TENANT foreign WITH (strategy = schema)")
    with pytest.raises(ConsoleError, match="does not exist"):
        daemon.console("DROP TENANT foreign CASCADE")

    assert objects_of(server, "foreign") == ["tenant_foreign"]
    server.run("DROP SCHEMA tenant_foreign CASCADE", "app")


def test_options_are_changed_and_what_was_made_is_not(begin):
    daemon = begin()
    daemon.console("CREATE TENANT altered WITH (strategy = schema, settings.work_mem = '5MB')")
    assert ask(daemon, "altered", "SHOW work_mem") == [("5MB",)]

    daemon.console("ALTER TENANT altered SET (settings.work_mem = '6MB', limits.clients = 1)")

    with daemon.tenant("altered") as conn:
        assert conn.execute("SHOW work_mem").fetchone() == ("6MB",)
        with pytest.raises(psycopg.OperationalError, match="too many clients"):
            daemon.tenant("altered")
    daemon.console("ALTER TENANT altered SET (settings.work_mem = DEFAULT)")
    assert ask(daemon, "altered", "SHOW work_mem") == [("4MB",)]
    for options, fault in (("strategy = rls", "strategy cannot be changed"),
                           ("role = other", "role cannot be changed"),
                           ("pool.sise = 5", 'did you mean "pool.size"'),
                           ("pool.min_size = 21", "pool.min_size: 21 is more than pool.size")):
        with pytest.raises(ConsoleError, match=fault):
            daemon.console(f"ALTER TENANT altered SET ({options})")
    with pytest.raises(ConsoleError, match="not in the registry"):
        daemon.console("ALTER TENANT nobody SET (pool.size = 5)")
    daemon.console("DROP TENANT altered")


def states(daemon, name):
    return [row["state"] for row in daemon.console("SHOW TENANTS") if row["name"] == name]


def test_one_proxy_makes_and_the_other_knows(begin):
    here, there = begin(), begin()
    here.console("CREATE TENANT shared WITH (strategy = schema)")

    wait_until(lambda: states(there, "shared") == ["active"], "the tenant is known there")
    with there.tenant("shared") as conn:
        here.console("SUSPEND TENANT shared")
        wait_until(lambda: states(there, "shared") == ["suspended"], "it is suspended there")
        with pytest.raises(psycopg.OperationalError):
            conn.execute("SELECT 1")
    for daemon in (here, there):
        with pytest.raises(psycopg.OperationalError, match="is suspended"):
            daemon.tenant("shared")
    there.console("RESUME TENANT shared")
    assert ask(there, "shared", "SELECT 1") == [(1,)]
    wait_until(lambda: states(here, "shared") == ["active"], "it is resumed here")
    assert ask(here, "shared", "SELECT 1") == [(1,)]
    there.console("DROP TENANT shared")
    wait_until(lambda: states(here, "shared") == [], "it is gone here")


def test_a_change_is_in_force_elsewhere_within_100_ms(begin, figure):
    here, there = begin(), begin()
    here.console("CREATE TENANT quick WITH (strategy = none)")
    took = []
    for state, command in (("suspended", "SUSPEND"), ("active", "RESUME")) * 5:
        here.console(f"{command} TENANT quick")
        start = time.monotonic()
        wait_until(lambda: states(there, "quick") == [state], "the change is known there", step=0)
        took.append(time.monotonic() - start)

    figure(f"a tenant's state reaches another proxy in {sorted(took)[5] * 1000:.0f} ms (median)")
    assert sorted(took)[5] < 0.1
    here.console("DROP TENANT quick")


def test_of_two_that_make_the_same_tenant_one_wins(begin, server):
    daemons = [begin(), begin()]
    for round in range(3):
        name = f"raced{round}"
        with ThreadPoolExecutor(2) as pool:
            results = list(pool.map(lambda d: attempt(d, f"CREATE TENANT {name} WITH (strategy = schema)"),
                                    daemons))
        assert None in results
        for fault in results:
            assert fault is None or "by another command" in fault
        for daemon in daemons:
            wait_until(lambda: states(daemon, name) == ["active"], "the tenant is known")
            assert ask(daemon, name, "SELECT 1") == [(1,)]
        daemons[0].console(f"DROP TENANT {name}")
        assert objects_of(server, name) == []


def attempt(daemon, command):
    try:
        daemon.console(command)
        return None
    except ConsoleError as fault:
        return str(fault)


def test_the_registry_survives_a_restart_and_its_own_absence(begin, server):
    daemon = begin()
    daemon.console("CREATE TENANT lasting WITH (strategy = schema)")
    daemon.console("SUSPEND TENANT lasting")
    daemon.stop()
    daemon = begin()
    assert states(daemon, "lasting") == ["suspended"]

    blind = begin(tenancy={"registry": {"database": "nowhere"}}, tenants={"filed": {}})
    assert states(blind, "filed") == ["active"]
    wait_until(lambda: "registry is out of reach" in blind.log, "the log tells")
    daemon.console("DROP TENANT lasting")


def test_only_what_was_missed_is_read_again(begin, server):
    daemon = begin()
    daemon.console("CREATE TENANT seen WITH (strategy = none)")
    looked = ("SELECT count(*) FROM pg_stat_activity WHERE application_name = 'fahrend registry'"
              " AND query LIKE '%%sum(change)%%'")

    wait_until(lambda: server.run(looked) == [(1,)], "it has looked for what it missed")
    assert daemon.log.count("registry read") == 1
    server.run("SET session_replication_role = replica;"
               "INSERT INTO fahrend.tenants (name, change) VALUES ('silent', 1000000)", "app")

    wait_until(lambda: states(daemon, "silent") == ["active"], "what nobody told is found")
    wait_until(lambda: daemon.log.count("registry read") == 2, "the log tells of it")
    daemon.console("DROP TENANT seen")
    daemon.console("DROP TENANT silent")


def test_the_file_wins_over_the_registry(begin):
    daemon = begin()
    daemon.console("CREATE TENANT both WITH (strategy = schema, settings.work_mem = '5MB')")
    filed = begin(tenants={"both": {"strategy": "schema", "settings": {"work_mem": "7MB"}}})

    assert ask(filed, "both", "SHOW work_mem") == [("7MB",)]
    with pytest.raises(ConsoleError, match="is in the configuration file"):
        filed.console("CREATE TENANT both WITH (strategy = schema)")
    daemon.console("DROP TENANT both")


PROVISION = {"unknown": "provision", "provision": {"rate": 5}}


def try_login(daemon, tenant):
    try:
        return ask(daemon, tenant, "SELECT current_user")[0][0]
    except psycopg.OperationalError as refusal:
        return str(refusal)


def test_the_first_login_makes_a_tenant_once(begin, server):
    daemon = begin(tenancy=PROVISION, users={"narrow": {"password": "x", "tenants": ["narrow_*"]}},
                   tenants={"defaults": {"strategy": "schema"}})
    with ThreadPoolExecutor(20) as pool:
        seen = list(pool.map(lambda _: try_login(daemon, "coming"), range(20)))

    assert seen == ["tenant_coming"] * 20
    assert len(re.findall("create tenant dry=0 .*tenant=coming", daemon.log)) == 1
    with pytest.raises(psycopg.OperationalError, match="may not enter tenant"):
        daemon.tenant("others", user="narrow")
    with pytest.raises(psycopg.OperationalError):
        daemon.tenant('a\\"b')
    assert objects_of(server, "others") == []
    daemon.console("DROP TENANT coming")


def test_logins_make_so_many_tenants_and_no_more(begin, server):
    daemon = begin(tenancy=PROVISION, tenants={"defaults": {"strategy": "none", "login": "client"}})

    seen = [try_login(daemon, f"rated{number}") for number in range(7)]

    assert seen[:5] == ["app"] * 5
    assert all("tenancy.provision.rate is reached" in text for text in seen[5:])
    full = begin(tenancy={"unknown": "provision", "provision": {"most": 1}},
                 tenants={"defaults": {"strategy": "none", "login": "client"}})
    assert "tenancy.provision.most is reached" in try_login(full, "rated9")
    for number in range(5):
        daemon.console(f"DROP TENANT rated{number}")


def test_a_tenant_that_cannot_be_made_refuses_its_logins(begin, server):
    daemon = begin(tenancy=PROVISION, tenants={"defaults": {
        "strategy": "schema", "schema": {"template": "/nonexistent"}}})

    assert "schema.template: /nonexistent" in try_login(daemon, "unmade")
    assert objects_of(server, "unmade") == []
