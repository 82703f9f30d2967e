# SPDX-License-Identifier: MIT
"""auth.query: users that only the server knows, kept for a while; roles that rules hang on."""

import os
import re

import psycopg
import pytest

from deadline import wait_until
from proxy import Proxy, base_config
from wirepeer import LoginFailed, error_fields, startup
from world import tenants_config

PASSWORD = "correct horse"
ROLES = """
SET password_encryption = 'scram-sha-256';
CREATE ROLE asker LOGIN PASSWORD 'asker-secret' SUPERUSER;
CREATE ROLE pw_scram_a LOGIN PASSWORD 'correct horse';
CREATE ROLE member_a LOGIN PASSWORD 'correct horse';
CREATE ROLE staff;
CREATE ROLE inner_staff;
GRANT staff TO inner_staff;
GRANT inner_staff TO member_a;
CREATE ROLE expired_a LOGIN PASSWORD 'correct horse' VALID UNTIL '2001-01-01';
CREATE ROLE nologin_a NOLOGIN PASSWORD 'correct horse';
CREATE ROLE nothing_a LOGIN;
SET password_encryption = 'md5';
CREATE ROLE md5_user_a LOGIN PASSWORD 'correct horse';
GRANT CREATE ON SCHEMA public TO PUBLIC;
CREATE TABLE public.people (name text, secret text, tenants text, tenant text);
INSERT INTO public.people VALUES ('plainuser', 'correct horse', 'acme, b*', NULL),
    ('twice', 'correct horse', '*', NULL), ('twice', 'correct horse', '*', NULL),
    ('nulls', 'correct horse', NULL, NULL);
"""
PEOPLE = ("SELECT CASE name WHEN 'nulls' THEN name ELSE name END, secret, tenants FROM public.people "
          "WHERE name = $1 AND ($2 <> 'hotel' OR $3 = 'plain')")


@pytest.fixture(scope="module")
def known(cluster):
    cluster.run(ROLES, "app")
    hba = os.path.join(cluster.directory, "data", "pg_hba.conf")
    with open(hba, encoding="utf-8") as file:
        text = file.read()
    with open(hba, "w", encoding="utf-8") as file:
        file.write("host all pw_scram_a,asker 127.0.0.1/32 scram-sha-256\n" + text)
    cluster.run("SELECT pg_reload_conf()")
    yield cluster
    with open(hba, "w", encoding="utf-8") as file:
        file.write(text)


def config(cluster, method="scram-sha-256", query=None, **changes):
    asked = {"server": "main", "database": "app", "user": "asker", "password": "asker-secret",
             "cache": "1h", **(query or {})}
    tenants = tenants_config()
    tenants["hotel"]["login"] = "client"
    return base_config(cluster.port, auth={"method": method, "query": asked}, tenants=tenants,
                       **changes)


@pytest.fixture(scope="module")
def daemons(known):
    started = {}

    def of(method="scram-sha-256", **query):
        key = (method, *sorted(query.items()))
        if key not in started:
            started[key] = Proxy(config(known, method, query))
            started[key].start()
        return started[key]

    yield of
    for daemon in started.values():
        daemon.stop()


def refusal(daemon, user, password="wrong", tenant="acme", database="app"):
    """What the last error of a refused login says, without the user's name; the kinds of all."""
    with daemon.wire() as client, pytest.raises(LoginFailed) as failed:
        client.login(password, user=user, database=database, app__tenant=tenant)
    seen = failed.value.seen
    asked = [m.body[:4] for m in seen if m.type == "R"]
    return asked, {k: v.replace(user, "?") for k, v in error_fields(seen[-1].body).items()}


@pytest.mark.parametrize("method,user", [("scram-sha-256", "pw_scram_a"), ("password", "pw_scram_a"),
                                         ("password", "md5_user_a"), ("md5", "md5_user_a"),
                                         ("md5", "pw_scram_a")])
def test_a_user_of_the_server_enters(daemons, method, user):
    with daemons(method).tenant("acme", user=user, password=PASSWORD) as conn:
        assert conn.execute("SELECT body FROM notes").fetchall() == [("of acme",)]


@pytest.mark.parametrize("user", ["pw_scram_a", "expired_a", "nologin_a", "nothing_a", "nobody_a",
                                  "a'; DROP TABLE people; --", "x" * 63])
def test_who_may_not_enter_is_told_the_same(daemons, user):
    wrong = refusal(daemons(), "pw_scram_a")

    password = "wrong" if user == "pw_scram_a" else PASSWORD
    assert refusal(daemons(), user, password) == wrong
    assert wrong[1]["C"] == "28P01"


def test_the_user_logs_in_to_the_server_by_its_own_login(daemons):
    with daemons().connect(user="pw_scram_a", password=PASSWORD, dbname="plain",
                           options="-c app.tenant=hotel") as conn:
        assert conn.execute("SELECT session_user").fetchone() == ("pw_scram_a",)


def test_users_of_the_file_are_not_asked_for(daemons):
    with daemons().tenant("acme", user="app", password="app-secret") as conn:
        assert conn.execute("SELECT 1").fetchone() == (1,)


def test_an_answer_is_kept_known_or_not(known):
    with Proxy(config(known)) as daemon:
        first = refusal(daemon, "late_a", PASSWORD)
        daemon.tenant("acme", user="pw_scram_a", password=PASSWORD).close()
        known.run("CREATE ROLE late_a LOGIN PASSWORD 'correct horse';"
                  "ALTER ROLE pw_scram_a PASSWORD 'another'")
        try:
            assert refusal(daemon, "late_a", PASSWORD) == first
            daemon.tenant("acme", user="pw_scram_a", password=PASSWORD).close()

            daemon.console("RELOAD")

            daemon.tenant("acme", user="late_a", password=PASSWORD).close()
            assert refusal(daemon, "pw_scram_a", PASSWORD)[1]["C"] == "28P01"
        finally:
            known.run("ALTER ROLE pw_scram_a PASSWORD 'correct horse'; DROP ROLE late_a")


def test_without_a_cache_each_login_asks(known):
    with Proxy(config(known, query={"cache": "0"})) as daemon:
        assert refusal(daemon, "now_a", PASSWORD)[1]["C"] == "28P01"
        known.run("CREATE ROLE now_a LOGIN PASSWORD 'correct horse'")
        try:
            daemon.tenant("acme", user="now_a", password=PASSWORD).close()
        finally:
            known.run("DROP ROLE now_a")


def test_a_connection_that_was_lost_is_made_again(known):
    with Proxy(config(known, query={"cache": "0"})) as daemon:
        daemon.tenant("acme", user="pw_scram_a", password=PASSWORD).close()
        known.run("SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                  "WHERE application_name = 'fahrend auth'")
        daemon.tenant("acme", user="pw_scram_a", password=PASSWORD).close()


def test_a_server_that_cannot_be_asked(known):
    with Proxy(config(known, query={"password": "wrong"})) as daemon:
        asked, error = refusal(daemon, "pw_scram_a", PASSWORD)
        assert (asked, error["C"]) == ([], "08006")
        assert refusal(daemon, "nobody_a", PASSWORD) == (asked, error)
        daemon.tenant("acme", user="app", password="app-secret").close()


@pytest.mark.parametrize("user", ["twice", "none", "nulls"])
def test_rows_that_are_no_answer_let_nobody_in(daemons, user):
    daemon = daemons(sql=PEOPLE)
    tenant = "acme"

    code = refusal(daemon, user, PASSWORD, tenant)[1]["C"]

    assert code == ("28000" if user == "nulls" else "28P01")


def test_another_users_row_lets_nobody_in(known):
    other = "SELECT 'asker'::text, secret FROM public.people WHERE name = $1"
    with Proxy(config(known, query={"sql": other})) as daemon:
        assert refusal(daemon, "plainuser", PASSWORD)[1]["C"] == "28P01"
        wait_until(lambda: "another user than was asked for" in daemon.log, "the log tells")


def test_a_third_column_says_which_tenants(daemons):
    daemon = daemons(sql=PEOPLE)

    daemon.tenant("acme", user="plainuser", password=PASSWORD).close()
    daemon.tenant("bravo", user="plainuser", password=PASSWORD).close()
    assert refusal(daemon, "plainuser", PASSWORD, "carol")[1]["M"] == \
        'user "?" may not enter tenant "carol"'


def test_the_tenant_and_the_database_are_parameters(daemons):
    daemon = daemons(sql=PEOPLE.replace("tenants FROM", "'*' FROM"))

    daemon.connect(user="plainuser", password=PASSWORD, dbname="plain",
                   options="-c app.tenant=golf").close()
    assert refusal(daemon, "plainuser", PASSWORD, "hotel", "app")[1]["C"] == "28P01"


def test_patterns_of_the_file_say_which_tenants(known):
    with Proxy(config(known, query={"tenants": ["b*"]})) as daemon:
        daemon.tenant("bravo", user="pw_scram_a", password=PASSWORD).close()
        assert refusal(daemon, "pw_scram_a", PASSWORD)[1]["C"] == "28000"


def test_sql_that_is_none_lets_nobody_in(known):
    with Proxy(config(known, query={"sql": "SELECT 1"})) as daemon:
        assert refusal(daemon, "pw_scram_a", PASSWORD)[1]["C"] == "08006"
        wait_until(lambda: "auth.query.sql must take $1" in daemon.log, "the log tells")


def test_a_clients_search_path_never_reaches_the_query(known):
    """CVE-2025-12819: a function that shadows one of the query's, in a schema of the client's."""
    known.run("CREATE SCHEMA evil; GRANT USAGE ON SCHEMA evil TO PUBLIC;"
              "CREATE FUNCTION evil.lower(text) RETURNS text LANGUAGE plpgsql AS $$ BEGIN "
              "CREATE TABLE public.owned(); RETURN $1; END $$", "app")
    sql = "SELECT rolname, rolpassword FROM pg_authid WHERE lower(rolname::text) = $1"
    try:
        with Proxy(config(known, query={"sql": sql})) as daemon:
            for option in ("search_path", "options"):
                value = "evil,pg_catalog" if option == "search_path" else \
                    "-c search_path=evil,pg_catalog"
                with daemon.wire() as client:
                    client.login(PASSWORD, user="pw_scram_a", database="app", app__tenant="acme",
                                 **{option: value})
        assert known.run("SELECT to_regclass('public.owned')", "app") == [(None,)]
    finally:
        known.run("DROP SCHEMA evil CASCADE", "app")


RULES = """\
host fahrend all all scram-sha-256
host all +staff all scram-sha-256
host samerole all all password
"""


def test_roles_decide(known):
    daemon = Proxy(config(known, "hba"))
    with open(os.path.join(daemon.directory, "hba.conf"), "w", encoding="utf-8") as file:
        file.write(RULES)
    daemon.write(re.sub(r'"method": "hba"', '"method": "hba", "hba_file": "hba.conf"',
                        open(daemon.file, encoding="utf-8").read()))
    with daemon:
        daemon.tenant("acme", user="member_a", password=PASSWORD).close()
        daemon.connect(user="pw_scram_a", password=PASSWORD, dbname="pw_scram_a",
                       options="-c app.tenant=acme").close()
        assert refusal(daemon, "pw_scram_a", PASSWORD)[1]["C"] == "28000"
        assert refusal(daemon, "nobody_a", PASSWORD)[1]["C"] == "28000"


def test_no_timeout_of_a_client_ends_a_question(known):
    """It takes longer than any query or transaction of the tenant may."""
    slow = "SELECT rolname, rolpassword FROM pg_authid, pg_sleep(0.6) WHERE rolname = $1"
    cut = config(known, query={"sql": slow})
    cut["tenants"]["defaults"]["timeouts"] = {"query": "300ms", "transaction": "300ms"}
    with Proxy(cut) as daemon, daemon.tenant("acme", user="pw_scram_a", password=PASSWORD) as conn:
        with pytest.raises(psycopg.errors.OperationalError):
            conn.execute("SELECT pg_sleep(5)")


def test_many_logins_at_once_ask_once(known):
    known.run("CREATE SEQUENCE public.asked", "app")
    sql = ("SELECT rolname, rolpassword FROM pg_authid, nextval('public.asked') "
           "WHERE rolname = $1")
    with Proxy(config(known, query={"sql": sql})) as daemon:
        clients = [daemon.wire() for _ in range(50)]
        for client in clients:
            client.send(startup(user="pw_scram_a", database="app", app__tenant="acme"))
        for client in clients:
            assert client.read_until("R")[-1].body[:4] == b"\0\0\0\x0a"
            client.close()

    assert known.run("SELECT last_value FROM public.asked", "app") == [(1,)]


def test_a_flood_of_one_tenant_delays_another_by_one_question(known):
    """Thirty names that nobody knows stand in acme's line when bravo asks; the server tells in
    which order it was asked."""
    known.run("""CREATE TABLE public.turns (n serial, name text);
                 CREATE FUNCTION public.take_turn(name text) RETURNS text LANGUAGE plpgsql AS $$
                 BEGIN
                     PERFORM pg_advisory_lock(42), pg_advisory_unlock(42);
                     INSERT INTO public.turns (name) VALUES ($1);
                     RETURN $1;
                 END $$""", "app")
    sql = ("SELECT rolname, rolpassword FROM public.take_turn($1::text) AS turn (who) "
           "JOIN pg_authid ON rolname = who")
    with Proxy(config(known, query={"sql": sql}, workers=1)) as daemon, \
            known.connect("app") as holder:
        holder.execute("SELECT pg_advisory_lock(42)")
        flood = [(daemon.wire(), "acme", f"unknown{n}") for n in range(30)]
        clients = [*flood, (daemon.wire(), "bravo", "pw_scram_a")]
        for client, tenant, user in clients:
            client.send_apart(startup(user=user, database="app", app__tenant=tenant))
        holder.execute("SELECT pg_advisory_unlock(42)")
        for client, _, _ in clients:
            assert client.read_until("R")[-1].body[:4] == b"\0\0\0\x0a"
            client.close()

    asked = [name for name, in known.run("SELECT name FROM public.turns ORDER BY n", "app")]
    assert len(asked) == 31
    assert asked.index("pw_scram_a") <= 2, asked
