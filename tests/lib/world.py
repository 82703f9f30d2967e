# SPDX-License-Identifier: MIT
"""The database that the tests work in: two tenants for each strategy, and 50 more, half of them
under rls and half under schema.

Everywhere there is a table `notes` with a column `body`, so that one statement serves every
strategy: under rls in one table with a policy, under schema one table per schema, under database
one per database. Each tenant's table holds one row to begin with: "of <tenant>".
"""

RLS = ("acme", "bravo")
SCHEMA = ("carol", "delta")
DATABASE = ("echo", "foxtrot")
NONE = ("golf", "hotel")
STRATEGIES = {"rls": RLS, "schema": SCHEMA, "database": DATABASE, "none": NONE}
MANY = tuple(f"t{number:02d}" for number in range(50))
MANY_RLS, MANY_SCHEMA = MANY[:25], MANY[25:]

LOGIN_ROLES = """
CREATE ROLE app LOGIN;
CREATE ROLE other LOGIN;
SET password_encryption = 'md5';
CREATE ROLE pw_md5 LOGIN PASSWORD 'md5-secret';
SET password_encryption = 'scram-sha-256';
CREATE ROLE pw_password LOGIN PASSWORD 'password-secret';
CREATE ROLE pw_scram LOGIN PASSWORD 'scram-secret';
CREATE ROLE pw_wrong LOGIN PASSWORD 'another-secret';
CREATE ROLE pw_reject LOGIN;
CREATE ROLE pw_asked;
CREATE ROLE writer;
GRANT writer TO app;
"""

RLS_TABLE = """
CREATE TABLE public.notes (
    id bigint GENERATED ALWAYS AS IDENTITY,
    tenant_id text NOT NULL DEFAULT NULLIF(current_setting('app.tenant', true), ''),
    body text NOT NULL);
ALTER TABLE public.notes ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.notes FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON public.notes
    USING (tenant_id = NULLIF(current_setting('app.tenant', true), ''))
    WITH CHECK (tenant_id = NULLIF(current_setting('app.tenant', true), ''));
GRANT SELECT, INSERT, UPDATE, DELETE ON public.notes TO PUBLIC;
CREATE INDEX ON public.notes (tenant_id);
"""

PLAIN_TABLE = """
CREATE TABLE {where}.notes (id bigint GENERATED ALWAYS AS IDENTITY, body text NOT NULL);
GRANT SELECT, INSERT, UPDATE, DELETE ON {where}.notes TO PUBLIC;
INSERT INTO {where}.notes (body) VALUES ('of {tenant}');
"""


def make_world(cluster):
    """Makes roles, databases, schemas and tables in a fresh cluster."""
    cluster.run(LOGIN_ROLES)
    cluster.run("CREATE DATABASE app")
    cluster.run(RLS_TABLE, "app")
    for tenant in (*RLS, *MANY_RLS):
        cluster.run("INSERT INTO public.notes (tenant_id, body) VALUES (%s, %s)", "app",
                    (tenant, f"of {tenant}"))
    for tenant in (*SCHEMA, *MANY_SCHEMA):
        where = f"tenant_{tenant}"
        cluster.run(f"CREATE SCHEMA {where}; GRANT USAGE, CREATE ON SCHEMA {where} TO PUBLIC;"
                    + PLAIN_TABLE.format(where=where, tenant=tenant), "app")
    for tenant in DATABASE:
        name = f"tenant_{tenant}"
        cluster.run(f"CREATE ROLE {name} LOGIN")
        cluster.run(f"CREATE DATABASE {name}")
        cluster.run(f"REVOKE CONNECT ON DATABASE {name} FROM PUBLIC")
        cluster.run(f"GRANT CONNECT ON DATABASE {name} TO {name}")
        cluster.run(PLAIN_TABLE.format(where="public", tenant=tenant), name)
    cluster.run("CREATE DATABASE plain")
    cluster.run(PLAIN_TABLE.format(where="public", tenant="all"), "plain")


def tenants_config(mode="transaction", **pool):
    """The `tenants` part of a file with all of these tenants, each strategy twice."""
    tenants = {"defaults": {"server": "main", "database": "app", "strategy": "rls",
                            "login": {"user": "app"}, "pool": {"mode": mode, **pool}}}
    tenants.update({name: {} for name in RLS})
    tenants.update({name: {"strategy": "schema"} for name in SCHEMA})
    tenants.update({name: {"strategy": "database", "database": "tenant_{tenant}",
                           "login": "tenant"} for name in DATABASE})
    tenants.update({name: {"strategy": "none", "database": "plain"} for name in NONE})
    return tenants


def many_config(size):
    """The `tenants` part of a file with the 50 tenants over one pool of `size` connections."""
    tenants = {"defaults": {"server": "main", "database": "app", "strategy": "rls",
                            "login": {"user": "app"}, "pool": {"size": size}}}
    tenants.update({name: {} for name in MANY_RLS})
    tenants.update({name: {"strategy": "schema"} for name in MANY_SCHEMA})
    return tenants
