# SPDX-License-Identifier: MIT
"""The attacks of src/ctl/attacks.toml, run against one level through the proxy.

    attacks(), levels()        the table
    make_places(cluster)       tenants mallory and victor at every level
    Field(cluster, level, size, bindir)   a proxy in front of them; run(attack) -> what got through
"""

import os
import tomllib

from proxy import Proxy, base_config
from wirepeer import Closed, LoginFailed, error_fields, query, rows_of

TABLE = os.path.join(os.path.dirname(__file__), "..", "..", "src", "ctl", "attacks.toml")
TENANTS = ("mallory", "victor")
KEY = "a key of the tests, 32 bytes or more"

SHARED = """
CREATE TABLE notes (tenant_id text NOT NULL, body text NOT NULL);
CREATE TABLE mails (tenant_id text NOT NULL, mail text NOT NULL UNIQUE);
CREATE VIEW all_notes AS SELECT * FROM notes;
GRANT SELECT, INSERT, UPDATE, DELETE ON notes, mails, all_notes TO app;
"""
OWN = """
CREATE TABLE {where}.notes (tenant_id text, body text NOT NULL);
CREATE TABLE {where}.mails (mail text NOT NULL UNIQUE);
GRANT SELECT, INSERT, UPDATE, DELETE ON {where}.notes, {where}.mails TO {role};
"""
FILL = "INSERT INTO notes (body) VALUES ('secret of {0}'); INSERT INTO mails (mail) VALUES ('{0}@example.com')"

# Of a level: its database, and what its tenants have in the file.
PLACES = {
    "careless": ("attack_careless", {"login": {"user": "app"}, "reset": "never"}),
    "rls-plain": ("attack_plain", {"login": {"user": "app"}}),
    "rls-sealed": ("attack_sealed", {"login": {"user": "app"},
                                     "rls": {"seal": True, "key": KEY}}),
    "schema-shared": ("attack_schema", {"strategy": "schema", "login": {"user": "app"}}),
    "schema-tenant": ("attack_own", {"strategy": "schema", "login": "tenant"}),
    "database": ("tenant_{tenant}", {"strategy": "database", "login": "tenant"}),
}


def load():
    with open(TABLE, "rb") as file:
        return tomllib.load(file)


def attacks():
    return load()["attack"]


def levels():
    return load()["levels"]


def make_places(cluster):
    """Roles, databases and schemas of every level; rows are written through the proxy."""
    for tenant in TENANTS:
        cluster.run(f"CREATE ROLE tenant_{tenant} LOGIN")
    cluster.run("CREATE ROLE the_monitor_of_mallory")
    cluster.run("GRANT the_monitor_of_mallory TO app, tenant_mallory")
    for level in ("careless", "rls-plain", "rls-sealed"):
        database = PLACES[level][0]
        cluster.run(f"CREATE DATABASE {database}")
        cluster.run(SHARED, database)
    cluster.run("GRANT TRUNCATE ON notes TO app", PLACES["careless"][0])
    for level in ("schema-shared", "schema-tenant"):
        make_schemas(cluster, level)
    for tenant in TENANTS:
        make_database(cluster, f"tenant_{tenant}")


def make_schemas(cluster, level):
    database = PLACES[level][0]
    cluster.run(f"CREATE DATABASE {database}")
    for tenant in TENANTS:
        schema = f"tenant_{tenant}"
        role = "app" if level == "schema-shared" else schema
        cluster.run(f"CREATE SCHEMA {schema}; GRANT USAGE ON SCHEMA {schema} TO {role};"
                    + OWN.format(where=schema, role=role), database)
        if level == "schema-shared":
            cluster.run(f"ALTER TABLE {schema}.notes OWNER TO app", database)


def make_database(cluster, name):
    cluster.run(f"CREATE DATABASE {name}")
    cluster.run(f"REVOKE ALL ON DATABASE {name} FROM PUBLIC;"
                f"GRANT CONNECT, TEMPORARY ON DATABASE {name} TO {name}")
    cluster.run(OWN.format(where="public", role=name), name)


class Field:
    """A proxy in front of one level."""

    def __init__(self, cluster, level, size):
        self.cluster = cluster
        self.level = level
        database, tenants = PLACES[level]
        config = base_config(cluster.port, tenancy={"unknown": "template"})
        config["servers"]["main"]["admin"] = {"user": "postgres"}
        config["tenants"]["defaults"] = {"database": database, "pool": {"size": size}, **tenants}
        self.daemon = Proxy(config)
        self.daemon.start()
        self._fill()

    def stop(self):
        self.daemon.stop()

    def _fill(self):
        """The tables are protected and each tenant has its row, and nothing else; the connections
        are fresh, since a tenant may do harm to those of its own."""
        self.daemon.console("RECONNECT")
        if PLACES[self.level][1].get("strategy", "rls") == "rls":
            self.daemon.console("SETUP RLS")
        for tenant in TENANTS:
            with self.daemon.wire_tenant(tenant) as client:
                client.ask(query("DELETE FROM notes; DELETE FROM mails"))
                answer = client.ask(query(FILL.format(tenant)))
                assert not any(m.type == "E" for m in answer), answer

    def names(self):
        where = "tenant_victor" if self.level.startswith("schema") else "public"
        return {"theirs": f"{where}.notes", "schema": "tenant_victor", "role": "tenant_victor",
                "database": "tenant_victor"}

    def run(self, attack):
        """Runs the attack and returns what got through, or nothing."""
        stage = Stage(self, self.names())
        try:
            for step in attack["steps"]:
                stage.step(step)
            stage.finish()
        finally:
            stage.close()
            self._fill()
        return stage.verdict(attack.get("sees", "secret of victor"))


class Stage:
    """One attack under way: the tenants' sessions and all that each was told."""

    def __init__(self, field, names):
        self.field = field
        self.names = names
        self.clients = {tenant: field.daemon.wire_tenant(tenant) for tenant in TENANTS}
        self.told = {tenant: [] for tenant in TENANTS}
        self.lost = False
        self.rows = None

    def step(self, text):
        who, sql = text.split(": ", 1)
        who, _, keep = who.partition(" > ")
        for name, value in self.names.items():
            sql = sql.replace("{" + name + "}", value)
        if who == "admin":
            self.field.cluster.run(sql)
        elif who == "console":
            self.field.daemon.console(sql)
        else:
            rows = self.ask(who, sql, keep == "")
            if keep:
                self.names[keep] = rows[0][0]

    def ask(self, who, sql, note=True):
        """What a tenant is told counts, unless it only lends a value to a later step."""
        try:
            answer = self.clients[who].ask(query(sql))
        except (Closed, OSError):
            self.lost = self.lost or who == "victor"
            return []
        rows = rows_of(answer)
        if note:
            self.told[who] += [str(value) for row in rows for value in row]
            self.told[who] += [str(error_fields(m.body)) for m in answer if m.type in "EN"]
        if who == "victor" and any(m.type == "E" and error_fields(m.body)["S"] == "FATAL"
                                   for m in answer):
            self.lost = True
        return rows

    def finish(self):
        """Victor looks at its rows once more, and as at first by a session of its own."""
        self.rows = self.ask("victor", "SELECT body FROM notes")
        try:
            with self.field.daemon.wire_tenant("victor") as again:
                self.rows = again.rows("SELECT body FROM notes")
        except (LoginFailed, Closed, OSError, AssertionError) as failure:
            self.rows = [[f"nothing but {failure}"]]

    def close(self):
        for client in self.clients.values():
            client.close()

    def verdict(self, sees):
        for name, value in self.names.items():
            sees = sees.replace("{" + name + "}", value)
        found = [f"mallory saw: {text}" for text in self.told["mallory"] if sees in text]
        found += [f"victor saw: {text}" for text in self.told["victor"] if "forged" in text]
        if self.lost:
            found.append("victor lost its connection")
        bodies = [row[0] for row in self.rows]
        if "secret of victor" not in bodies or not all(b.startswith("secret") for b in bodies):
            found.append(f"victor has {bodies}")
        return found


def as_markdown():
    """The table for the manual."""
    names = [name for name in levels() if name != "careless"]
    lines = ["| | attack | " + " | ".join(names) + " | kept out by |",
             "| --- | --- | " + " | ".join("---" for _ in names) + " | --- |"]
    for attack in attacks():
        cells = ["open" if name in attack["open"] else "kept out" for name in names]
        lines.append(f"| {attack['id']} | {attack['what']} | {' | '.join(cells)} |"
                     f" {attack['by']} |")
    return "\n".join(lines)


if __name__ == "__main__":
    print(as_markdown())
