# SPDX-License-Identifier: MIT
"""fahrend is killed in the middle of CREATE and DROP TENANT, at every step; the same command ends it.

A step is held up from outside: a lock on the catalog that it must write. PostgreSQL then shows that
the command waits there, and fahrend is killed with SIGKILL.
"""

import threading

import pytest

from deadline import wait_until
from proxy import ConsoleError
from tenants import ask, begin, objects_of, server  # noqa: F401 - fixtures
from wirepeer import Closed

# What CREATE TENANT writes, one after the other, by the catalogs that it takes.
CREATE_SCHEMA = ["fahrend.tenants", "pg_authid", "pg_shdescription", "pg_namespace",
                 "pg_description", "pg_default_acl"]
CREATE_DATABASE = ["fahrend.tenants", "pg_authid", "pg_shdescription", "pg_database"]
DROP_SCHEMA = ["fahrend.tenants", "pg_namespace", "pg_description", "pg_authid"]
DROP_DATABASE = ["fahrend.tenants", "pg_database", "pg_shdescription", "pg_authid"]

OWNER = {"tenants": {"defaults": {"owner": "owner_{tenant}"}}}

LAST_STEP = """
CREATE FUNCTION public.hold() RETURNS trigger LANGUAGE plpgsql AS
  $$ BEGIN PERFORM pg_advisory_xact_lock(4711); RETURN coalesce(NEW, OLD); END $$;
CREATE TRIGGER hold BEFORE {when} ON fahrend.tenants FOR EACH ROW {condition}
  EXECUTE FUNCTION public.hold();
"""


def is_held(server):
    return server.run("SELECT count(*) FROM pg_stat_activity WHERE application_name ="
                      " 'fahrend provision' AND wait_event_type = 'Lock'")[0][0] > 0


def all_ended(server):
    return server.run("SELECT count(*) FROM pg_stat_activity WHERE application_name ="
                      " 'fahrend provision'")[0][0] == 0


def killed_while(server, daemon, command, hold, undone=False):
    """Runs the command, which waits for what `hold` holds, and kills fahrend there.

    The step that waits comes about when it is let go, as PostgreSQL has it already; with `undone` it
    is held until PostgreSQL has seen that nobody waits for it any more.
    """
    def run():
        try:
            daemon.console(command)
        except (ConsoleError, OSError, Closed):
            pass
    with server.connect("app") as conn:
        conn.autocommit = False
        for statement in hold:
            conn.execute(statement)
        thread = threading.Thread(target=run)
        thread.start()
        wait_until(lambda: is_held(server), f"{command} waits for {hold}")
        daemon.process.kill()
        daemon.process.wait()
        thread.join()
        if undone:
            wait_until(lambda: all_ended(server), "PostgreSQL gives it up")
        conn.rollback()
    wait_until(lambda: all_ended(server), "its connections have ended")


def lock(catalog):
    return [f"LOCK TABLE {catalog} IN SHARE MODE"]


@pytest.mark.parametrize("strategy, catalogs", [("schema", CREATE_SCHEMA),
                                                ("database", CREATE_DATABASE)])
def test_create_is_finished_by_the_same_command(begin, server, strategy, catalogs):
    command = f"CREATE TENANT half WITH (strategy = {strategy})"
    begin().console("CREATE TENANT before WITH (strategy = none)")

    for catalog in catalogs:
        killed_while(server, begin(**OWNER), command, lock(catalog))
        daemon = begin(**OWNER)
        daemon.console(command)
        assert ask(daemon, "half", "SELECT current_user") == [("tenant_half",)]
        daemon.console("DROP TENANT half")
        assert objects_of(server, "half") == []
        daemon.stop()


@pytest.mark.parametrize("strategy", ["schema", "database"])
def test_create_is_finished_when_only_the_row_was_not_opened(begin, server, strategy):
    command = f"CREATE TENANT last WITH (strategy = {strategy})"
    begin().console("CREATE TENANT before WITH (strategy = none)")
    server.run(LAST_STEP.format(when="UPDATE", condition="WHEN (NEW.state = 'active')"), "app")

    killed_while(server, begin(), command, ["SELECT pg_advisory_lock(4711)"],
                 undone=True)
    server.run("DROP FUNCTION public.hold() CASCADE", "app")
    daemon = begin()
    assert [row["state"] for row in daemon.console("SHOW TENANTS") if row["name"] == "last"] == [
        "creating"]
    daemon.console(command)

    ask(daemon, "last", "CREATE TABLE words (body text)")
    daemon.console("DROP TENANT last")
    assert objects_of(server, "last") == []


@pytest.mark.parametrize("strategy, catalogs", [("schema", DROP_SCHEMA),
                                                ("database", DROP_DATABASE)])
def test_drop_is_finished_by_the_same_command(begin, server, strategy, catalogs):
    daemon = begin()
    for catalog in catalogs:
        daemon.console(f"CREATE TENANT half WITH (strategy = {strategy})")
        ask(daemon, "half", "CREATE TABLE words (body text); INSERT INTO words VALUES ('x')")
        killed_while(server, daemon, "DROP TENANT half CASCADE", lock(catalog))
        daemon = begin()
        daemon.console("DROP TENANT half CASCADE")
        assert objects_of(server, "half") == []


def test_drop_is_finished_when_only_the_row_was_left(begin, server):
    daemon = begin()
    daemon.console("CREATE TENANT last WITH (strategy = database)")
    server.run(LAST_STEP.format(when="DELETE", condition=""), "app")

    killed_while(server, daemon, "DROP TENANT last", ["SELECT pg_advisory_lock(4711)"],
                 undone=True)
    server.run("DROP FUNCTION public.hold() CASCADE", "app")
    daemon = begin()
    assert objects_of(server, "last") == ["last"]
    daemon.console("DROP TENANT last")
    assert objects_of(server, "last") == []
