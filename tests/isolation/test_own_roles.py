# SPDX-License-Identifier: MIT
"""What the role that CREATE TENANT makes may do: use its own, and nothing else.

Two tenants with roles of their own; the one tries, with SQL of its own choice, all that a role could
do with what is the other's or everybody's.
"""

import psycopg
import pytest
from psycopg import errors

from tenants import ask, begin, server  # noqa: F401 - fixtures

TABLE = """
CREATE TABLE words (id serial PRIMARY KEY, body text);
INSERT INTO words (body) VALUES ('of ' || current_user);
CREATE FUNCTION reveal() RETURNS SETOF words LANGUAGE sql SECURITY DEFINER AS 'SELECT * FROM words';
"""

# What every role is refused, {} being the role of the other tenant.
REFUSED = [
    "SET ROLE {}",
    "SET SESSION AUTHORIZATION {}",
    "GRANT {} TO CURRENT_USER",
    "ALTER ROLE {} PASSWORD 'stolen'",
    "ALTER ROLE {} SET search_path = ''",
    "ALTER DEFAULT PRIVILEGES FOR ROLE {} GRANT SELECT ON TABLES TO PUBLIC",
    "DROP OWNED BY {}",
    "REASSIGN OWNED BY {} TO CURRENT_USER",
    "ALTER ROLE CURRENT_USER BYPASSRLS",
    "CREATE ROLE helper",
    "CREATE DATABASE helper",
    "CREATE SCHEMA helper",
    "CREATE EXTENSION dblink",
    "COPY (SELECT 1) TO PROGRAM 'true'",
    "SELECT pg_read_file('pg_hba.conf')",
    "SELECT * FROM pg_authid",
    "ALTER SYSTEM SET work_mem = '1GB'",
]

# And what is refused where the other's schema lies in the same database.
REFUSED_IN_SCHEMA = [
    "SELECT * FROM {}.words",
    "INSERT INTO {}.words (body) VALUES ('forged')",
    "TRUNCATE {}.words",
    "SELECT nextval('{}.words_id_seq')",
    "SELECT {}.reveal()",
    "CREATE TABLE {}.mine ()",
    "CREATE FUNCTION {}.reveal(int) RETURNS int LANGUAGE sql AS 'SELECT 1'",
    "CREATE TABLE heir () INHERITS ({}.words)",
    "CREATE TABLE twin (LIKE {}.words)",
    "ALTER TABLE {}.words DISABLE TRIGGER ALL",
    "ALTER SCHEMA {} RENAME TO mine",
    "DROP SCHEMA {} CASCADE",
    "GRANT USAGE ON SCHEMA {} TO PUBLIC",
    "COMMENT ON SCHEMA {} IS 'mine'",
    "CREATE TABLE public.mine ()",
    "SELECT * FROM fahrend.tenants",
]


def make_two(daemon, strategy, prefix):
    names = (f"{prefix}_{strategy}_one", f"{prefix}_{strategy}_two")
    for name in names:
        daemon.console(f"CREATE TENANT {name} WITH (strategy = {strategy})")
        ask(daemon, name, TABLE)
    return names


def refused(conn, sql):
    """Whether the server refuses it for want of rights."""
    try:
        conn.execute(sql)
    except errors.InsufficientPrivilege:
        return True
    return False


@pytest.mark.parametrize("strategy", ["schema", "database"])
def test_a_role_may_use_its_own_and_nothing_else(begin, server, strategy):
    daemon = begin()
    victim, thief = make_two(daemon, strategy, "all")
    tries = REFUSED + (REFUSED_IN_SCHEMA if strategy == "schema" else [])

    with daemon.tenant(thief) as conn:
        through = [sql for sql in tries if not refused(conn, sql.format(f"tenant_{victim}"))]
        assert through == []
        assert conn.execute("SELECT body FROM words").fetchall() == [(f"of tenant_{thief}",)]
        conn.execute("CREATE TABLE more (id serial); CREATE TEMP TABLE scratch (id int)")
    assert ask(daemon, victim, "SELECT body FROM words") == [(f"of tenant_{victim}",)]


@pytest.mark.parametrize("strategy", ["schema", "database"])
def test_a_role_has_no_attribute_and_is_a_member_of_nothing(begin, server, strategy):
    daemon = begin()
    daemon.console(f"CREATE TENANT bare_{strategy} WITH (strategy = {strategy})")

    role = f"tenant_bare_{strategy}"
    assert server.run("SELECT rolsuper, rolcreatedb, rolcreaterole, rolreplication, rolbypassrls,"
                      " rolcanlogin FROM pg_roles WHERE rolname = %s", params=[role]) == [
                          (False, False, False, False, False, True)]
    assert server.run("SELECT roleid::regrole::text FROM pg_auth_members"
                      " WHERE member = %s::regrole", params=[role]) == []


def rights(server, database, who):
    """The rights on a database that a role, or PUBLIC, has been granted."""
    return {row[0] for row in server.run(
        "SELECT a.privilege_type FROM pg_database, aclexplode(datacl) a"
        " WHERE datname = %s AND a.grantee = CASE WHEN %s = 'PUBLIC' THEN 0"
        "   ELSE to_regrole(%s)::oid END", params=[database, who, who])}


def test_a_database_is_closed_to_all_but_its_tenant(begin, server, tmp_path):
    daemon = begin()
    victim, thief = make_two(daemon, "database", "closed")
    database = f"tenant_{victim}"

    assert rights(server, database, "PUBLIC") == set()
    assert rights(server, database, f"tenant_{victim}") == {"CONNECT", "TEMPORARY"}
    assert rights(server, database, f"tenant_{thief}") == set()
    word = (tmp_path / f"tenant_{thief}").read_text().strip()
    with pytest.raises(psycopg.OperationalError, match="permission denied for database"):
        server.connect(database, user=f"tenant_{thief}", password=word)
    server.connect(f"tenant_{thief}", user=f"tenant_{thief}", password=word).close()


def test_nobody_else_has_a_right_on_a_schema_or_what_is_in_it(begin, server):
    daemon = begin()
    victim, _ = make_two(daemon, "schema", "alone")

    role = f"tenant_{victim}"
    schemas = server.run("SELECT DISTINCT a.grantee::regrole::text FROM pg_namespace,"
                         " aclexplode(nspacl) a WHERE nspname = %s", "app", [role])
    tables = server.run("SELECT DISTINCT a.grantee::regrole::text FROM pg_class,"
                        " aclexplode(relacl) a WHERE relnamespace = %s::regnamespace", "app", [role])
    assert schemas == [(role,)]
    assert tables in ([], [(role,)])
