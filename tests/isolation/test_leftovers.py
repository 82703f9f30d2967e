# SPDX-License-Identifier: MIT
"""What one tenant leaves behind in a server connection is gone for the next one on it."""

import pytest

from proxy import Proxy, base_config
from wirepeer import errors_of, query, rows_of
from world import tenants_config

# By name: what a tenant does, what the next one looks at, what it must see, and what it would see
# if nobody cleaned up (None where even a plain change of tenant sets it right).
LEFTOVERS = {
    "setting": (["SET work_mem = '9MB'"],
                "SHOW work_mem", "4MB", "9MB"),
    "setting of its own": (["SET my.secret = 'x'"],
                           "SELECT NULLIF(current_setting('my.secret', true), '')", None, "x"),
    "setting by set_config": (["SELECT set_config('work_mem', '9MB', false)"],
                              "SHOW work_mem", "4MB", "9MB"),
    "setting by a DO block": (["DO $$ BEGIN PERFORM set_config('work_mem', '9MB', false); END $$"],
                              "SHOW work_mem", "4MB", "9MB"),
    "setting by a transaction": (["BEGIN; SET work_mem = '9MB'; COMMIT"],
                                 "SHOW work_mem", "4MB", "9MB"),
    "session characteristics": (
        ["SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY"],
        "SHOW default_transaction_read_only", "off", None),
    "temp table": (["CREATE TEMP TABLE left_over AS SELECT 1 AS x"],
                   "SELECT to_regclass('pg_temp.left_over')::text", None, "left_over"),
    "temp table over a real one": (["CREATE TEMP TABLE notes AS SELECT 'forged' AS body"],
                                   "SELECT body FROM notes", "of {}", "forged"),
    "prepared statement": (["PREPARE left_over AS SELECT 1"],
                           "SELECT count(*) FROM pg_prepared_statements WHERE from_sql", "0", "1"),
    # Said openly it is refused in transaction mode.
    "LISTEN": (["DO $$ BEGIN LISTEN left_over; END $$"],
               "SELECT count(*) FROM pg_listening_channels()", "0", "1"),
    "WITH HOLD cursor": (["DECLARE left_over CURSOR WITH HOLD FOR SELECT 1"],
                         "SELECT count(*) FROM pg_cursors WHERE is_holdable", "0", "1"),
    "advisory lock": (["SELECT pg_advisory_lock(42)"],
                      "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'"
                      " AND pid = pg_backend_pid()", "0", "1"),
    "shared advisory lock": (["SELECT pg_advisory_lock_shared(43)"],
                             "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'"
                             " AND pid = pg_backend_pid()", "0", "1"),
    "role": (["SET ROLE writer"], "SELECT current_user", "app", "writer"),
    "role by set_config": (["SELECT set_config('role', 'writer', false)"],
                           "SELECT current_user", "app", "writer"),
    "sequence": (["CREATE TEMP SEQUENCE s; SELECT nextval('s'); SELECT setval('s', 77)"],
                 "SELECT count(*) FROM pg_class WHERE relkind = 'S'"
                 " AND relnamespace = pg_my_temp_schema()", "0", "1"),
    "search_path": (["SET search_path = pg_temp, public"], "SHOW search_path", "{path}", None),
    "time zone": (["SET TimeZone = 'Asia/Tokyo'"], "SHOW TimeZone", "UTC", None),
    "row_security": (["SET row_security = off"], "SHOW row_security", "on", "off"),
}
PATHS = {"bravo": '"$user", public', "carol": "tenant_carol"}


@pytest.fixture(scope="module", params=["plain", "sealed"])
def daemon(request, cluster):
    """The default reset, one server connection for all; sealed tenants have a scrub of their own."""
    tenants = tenants_config(size=1)
    if request.param == "sealed":
        tenants["defaults"]["rls"] = {"seal": True, "key": "a key of the tests, 32 bytes or more"}
    with Proxy(base_config(cluster.port, tenants=tenants)) as proxy:
        yield proxy


def leave_and_look(daemon, next_tenant, statements, look):
    """acme leaves something; the next tenant looks. Returns what it sees, over the same backend."""
    pids = []
    with daemon.wire_tenant("acme") as client:
        pids.append(client.value("SELECT pg_backend_pid()"))
        for sql in statements:
            answer = client.ask(query(sql))
            assert not errors_of(answer), errors_of(answer)
    with daemon.wire_tenant(next_tenant) as client:
        seen = client.value(look)
        pids.append(client.value("SELECT pg_backend_pid()"))
    assert pids[0] == pids[1]
    return seen


@pytest.mark.parametrize("what", LEFTOVERS)
@pytest.mark.parametrize("next_tenant", ["bravo", "carol"])
def test_gone_for_the_next_tenant(daemon, next_tenant, what):
    statements, look, clean, _ = LEFTOVERS[what]
    seen = leave_and_look(daemon, next_tenant, statements, look)

    if clean is not None:
        clean = clean.format(next_tenant, path=PATHS[next_tenant])
    assert (seen.replace('"tenant_carol"', "tenant_carol") if seen else seen) == clean


@pytest.mark.parametrize("what", [name for name, case in LEFTOVERS.items() if case[3]])
def test_there_without_a_reset(cluster, what):
    """The control: with reset: never each of these is still there, so the test above can fail."""
    statements, look, _, left = LEFTOVERS[what]
    tenants = tenants_config(size=1)
    tenants["defaults"]["reset"] = "never"
    with Proxy(base_config(cluster.port, tenants=tenants)) as careless:
        assert leave_and_look(careless, "bravo", statements, look) == left


# Everything that DISCARD ALL clears, and what of it a session can see of itself.
EVERYTHING = [
    "SET work_mem = '9MB'; SET my.secret = 'x'; SET TimeZone = 'Asia/Tokyo'",
    "SET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL SERIALIZABLE, READ ONLY, DEFERRABLE",
    "BEGIN READ WRITE; CREATE TEMP TABLE notes AS SELECT 'forged' AS body;"
    " CREATE TEMP SEQUENCE s; CREATE TEMP VIEW v AS SELECT 1; CREATE TYPE pg_temp.t AS (x int);"
    " CREATE FUNCTION pg_temp.f() RETURNS int LANGUAGE sql AS 'SELECT 1'; COMMIT",
    "BEGIN READ WRITE; SELECT nextval('everybodys'); COMMIT",
    "PREPARE mine AS SELECT body FROM notes",
    "EXECUTE mine",
    "SELECT peek()",  # its plan is kept, and reads what is named notes
    "DECLARE mine CURSOR WITH HOLD FOR SELECT body FROM notes",
    "DO $$ BEGIN LISTEN mine; END $$",
    "SELECT pg_advisory_lock(1), pg_advisory_lock_shared(2), pg_advisory_lock(3, 4)",
    "SET ROLE writer",
]
STATE = {
    "settings": "SELECT name, setting, source FROM pg_settings ORDER BY name",
    "its own settings": "SELECT NULLIF(current_setting('my.secret', true), '')",
    "roles": "SELECT session_user, current_user",
    "statements": "SELECT name FROM pg_prepared_statements WHERE from_sql",
    "cursors": "SELECT name FROM pg_cursors WHERE is_holdable",
    "channels": "SELECT pg_listening_channels()",
    "locks": "SELECT objid FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()",
    "temporary relations": "SELECT relname FROM pg_class WHERE relnamespace = pg_my_temp_schema()",
    "temporary types": "SELECT typname FROM pg_type WHERE typnamespace = pg_my_temp_schema()",
    "temporary functions": "SELECT proname FROM pg_proc WHERE pronamespace = pg_my_temp_schema()",
    "lastval": "SELECT lastval()",
    "currval": "SELECT currval('everybodys')",
    "a plan": "SELECT peek()",
    "a name": "SELECT body FROM notes",
}


@pytest.fixture(scope="module")
def seen_by_all(cluster):
    """What every tenant may use: a sequence, and a function that keeps its plan."""
    cluster.run("CREATE SEQUENCE everybodys; GRANT USAGE, SELECT ON SEQUENCE everybodys TO PUBLIC;"
                "CREATE FUNCTION peek() RETURNS SETOF text LANGUAGE plpgsql AS"
                " 'BEGIN RETURN QUERY SELECT body FROM notes; END'", "app")
    yield
    cluster.run("DROP SEQUENCE everybodys; DROP FUNCTION peek()", "app")


def state_of(client):
    """Rows, or the error's code, of each look."""
    answers = {what: client.ask(query(sql)) for what, sql in STATE.items()}
    return {what: [error["C"] for error in errors_of(answer)] or rows_of(answer)
            for what, answer in answers.items()}


@pytest.mark.usefixtures("seen_by_all")
def test_of_everything_at_once_nothing_reaches_the_next_tenant(daemon):
    """Before and after look the same, over one server connection; in between nothing does."""
    with daemon.wire_tenant("bravo") as bravo, daemon.wire_tenant("acme") as acme:
        pid = bravo.value("SELECT pg_backend_pid()")
        before = state_of(bravo)
        for sql in EVERYTHING:
            answer = acme.ask(query(sql))
            assert not errors_of(answer), (sql, errors_of(answer))
        between = state_of(acme)
        after = state_of(bravo)

        assert bravo.value("SELECT pg_backend_pid()") == acme.value("SELECT pg_backend_pid()") == pid
    assert after == before
    assert [what for what in STATE if between[what] == before[what]] == []


# What a process keeps over DISCARD ALL: how it is left, and how it is seen.
KEPT = {
    "dblink": ("SELECT dblink_connect('left', 'host={0.host} port={0.port} user=postgres dbname=app')",
               "SELECT array_to_string(dblink_get_connections(), ',')", "left", None),
    "random seed": ("SELECT setseed(0.5)", "SELECT random() = {seeded}", "t", "f"),
    "library": ("LOAD 'auto_explain'",
                "SELECT count(*) > 0 FROM pg_settings WHERE name LIKE 'auto_explain.%'", "t", "f"),
}


@pytest.mark.parametrize("mode", ["transaction", "session"])
@pytest.mark.parametrize("what", KEPT)
def test_what_a_process_keeps_goes_with_it(cluster, what, mode):
    """reset: backend ends the process; the control, reset: tenant, cannot clear this."""
    cluster.run("CREATE EXTENSION IF NOT EXISTS dblink", "app")
    with cluster.connect("app") as conn:
        conn.execute("SELECT setseed(0.5)")
        seeded = conn.execute("SELECT random()").fetchone()[0]
    leave, look, kept, gone = KEPT[what]
    seen = {}
    for reset in ("tenant", "backend"):
        tenants = {"defaults": {"login": {"user": "postgres"}, "reset": reset,
                                "pool": {"size": 1, "mode": mode}},
                   "acme": {}, "bravo": {}}
        with Proxy(base_config(cluster.port, tenants=tenants)) as daemon:
            with daemon.wire_tenant("acme") as acme:
                assert not errors_of(acme.ask(query(leave.format(cluster))))
            with daemon.wire_tenant("bravo") as bravo:
                seen[reset] = bravo.value(look.format(seeded=repr(seeded)))

    assert seen == {"tenant": kept, "backend": gone}


def test_a_setting_bound_by_a_driver_is_gone(daemon):
    with daemon.tenant("acme") as acme, daemon.tenant("bravo") as bravo:
        acme.execute("SELECT set_config(%s, %s, false)", ("work_mem", "9MB"))

        assert bravo.execute("SHOW work_mem").fetchone() == ("4MB",)


def test_a_tenant_set_by_a_bound_set_config_is_gone(daemon):
    with daemon.tenant("acme") as acme, daemon.tenant("bravo") as bravo:
        acme.execute("SELECT set_config(%s, %s, false)", ("app.tenant", "t01"))

        assert bravo.execute("SELECT body FROM notes").fetchall() == [("of bravo",)]


def test_a_session_authorization_is_gone(cluster):
    tenants = {"defaults": {"login": {"user": "postgres"}, "pool": {"size": 1}},
               "acme": {}, "bravo": {}, "carol": {}}
    with Proxy(base_config(cluster.port, tenants=tenants)) as daemon:
        seen = leave_and_look(daemon, "bravo", ["SET SESSION AUTHORIZATION other"],
                              "SELECT session_user || '/' || current_user")

    assert seen == "postgres/postgres"


def test_a_statement_prepared_by_a_client_is_unknown_to_the_next(daemon):
    with daemon.wire_tenant("acme") as acme, daemon.wire_tenant("bravo") as bravo:
        acme.ask(query("PREPARE mine AS SELECT 'acme'"))

        assert errors_of(bravo.ask(query("EXECUTE mine")))[0]["C"] == "26000"


def test_a_plan_that_has_the_last_tenant_in_it_is_gone(cluster):
    """A function that says it is immutable is asked when a plan is made, which another one keeps.
    (Of sealed tenants plans are kept: SETUP RLS warns of such a function.)"""
    cluster.run("CREATE FUNCTION whose() RETURNS text LANGUAGE sql IMMUTABLE AS"
                " $$ SELECT current_setting('app.tenant', true) $$;"
                "CREATE FUNCTION whose_plan() RETURNS text LANGUAGE plpgsql AS"
                " $$ BEGIN RETURN whose(); END $$", "app")
    tenants = tenants_config(size=1)
    try:
        with Proxy(base_config(cluster.port, tenants=tenants)) as plain, \
                plain.wire_tenant("acme") as acme, plain.wire_tenant("bravo") as bravo:
            for _ in range(2):
                assert acme.value("SELECT whose_plan()") == "acme"
                assert bravo.value("SELECT whose_plan()") == "bravo"
    finally:
        cluster.run("DROP FUNCTION whose_plan(); DROP FUNCTION whose()", "app")


def test_a_notification_for_the_last_tenant_does_not_reach_the_next(daemon, cluster):
    with daemon.wire_tenant("acme") as acme, daemon.wire_tenant("bravo") as bravo:
        acme.ask(query("DO $$ BEGIN LISTEN gossip; END $$"))
        assert acme.rows("SELECT pg_listening_channels()") == [["gossip"]]
        cluster.run("NOTIFY gossip, 'for acme'", "app")
        answer = bravo.ask(query("SELECT 1"))

        assert [m.type for m in answer] == ["T", "D", "C", "Z"]


def test_a_forged_set_config_is_not_called_by_the_switch(daemon, cluster):
    """carol puts a function of that name first in her search_path; the next switch must not care."""
    forged = ("CREATE FUNCTION tenant_carol.set_config(text, text, boolean) RETURNS text"
              " LANGUAGE sql AS $$ SELECT 'forged'::text $$")
    cluster.run(forged, "app")
    try:
        with daemon.wire_tenant("carol") as carol, daemon.wire_tenant("acme") as acme:
            answer = carol.ask(query(
                "SELECT pg_catalog.set_config('search_path', 'tenant_carol, pg_catalog', false);"
                " SELECT set_config('a', 'b', false)"))
            assert rows_of(answer)[-1] == ["forged"]

            assert acme.rows("SELECT body FROM notes") == [["of acme"]]
    finally:
        cluster.run("DROP FUNCTION tenant_carol.set_config", "app")


def test_statements_forged_under_the_names_of_fahrends_own_are_not_used(daemon):
    """acme replaces every prepared statement that it can see by one that does nothing."""
    with daemon.wire_tenant("acme") as acme, daemon.wire_tenant("bravo") as bravo:
        for _ in range(3):
            names = acme.rows("SELECT name FROM pg_prepared_statements")
            for (name,) in names:
                acme.ask(query(f'DEALLOCATE "{name}"'))
                acme.ask(query(f'PREPARE "{name}" AS SELECT 1'))

            assert bravo.rows("SELECT body FROM notes") == [["of bravo"]]
            assert acme.rows("SELECT body FROM notes") == [["of acme"]]
