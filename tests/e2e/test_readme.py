# SPDX-License-Identifier: MIT
"""README.md, docs/ and src/README.md are true: the examples run, what they print is what is printed, each
connection string reaches its tenant, and every function, file and key that is named exists.

Blocks of README.md, and then those of docs/drivers.md and docs/operating.md, say in their first line what they are for:

  sql setup             run by the superuser
  yaml fahrend.yaml     the configuration; `yaml append fahrend.yaml` is added to it
  sh start              starts the daemon with it
  sh run                a shell's; the `text` block behind it is what it prints
  LANGUAGE connect …    one connection to tenant acme a line
"""

import os
import re
import shutil
import subprocess

import psycopg
import pytest

from cluster import Cluster, free_port
from deadline import wait_until
from proxy import ROOT, Proxy, binary
from world import SCHEMA

README = os.path.join(ROOT, "README.md")
NODE = os.path.join(ROOT, "tests", "e2e", "node")
PRISMA = os.path.join(ROOT, "tests", "e2e", "prisma")
GOPATH = "/usr/share/gocode"
JDBC = "/usr/share/java/postgresql.jar"
QUERY = "SELECT body FROM notes"

# Local logins are free, as an administrator's with sudo; all others are asked for a password.
HBA = """\
local all all trust
host all postgres 127.0.0.1/32 trust
host all all 127.0.0.1/32 scram-sha-256
"""


def read(path):
    with open(os.path.join(ROOT, path), encoding="utf-8") as file:
        return file.read()


def find_blocks(text):
    """Every fenced block as (info, body, what a `text` block right behind it says or None)."""
    found = re.findall(r"^```([^\n]+)\n(.*?)^```$", text, re.M | re.S)
    pairs = zip(found, found[1:] + [("", "")])
    return [(info, body, after[1] if info == "sh run" and after[0] == "text" else None)
            for (info, body), after in pairs if info != "text"]


DOCS = sorted(f"docs/{name}" for name in os.listdir(os.path.join(ROOT, "docs"))
              if name.endswith(".md"))
BLOCKS = [block for path in (README, "docs/drivers.md", "docs/operating.md") for block in find_blocks(read(path))]
RUNS = [number for number, block in enumerate(BLOCKS) if block[0] == "sh run"]
CONNECTS = {" ".join(info.replace(" connect", "").split()): body.splitlines()
            for info, body, _ in BLOCKS if " connect" in info}


class Walk:
    """Does what README says from its top to its end, and keeps what each shell block printed."""

    def __init__(self, cluster):
        self.cluster = cluster
        self.ports = {"5432": str(cluster.port), "6432": str(free_port())}
        self.daemon = None
        self.printed = {}
        self.environment = dict(os.environ, PSQLRC=os.devnull, LC_ALL="C.UTF-8",
                                PGCONNECT_TIMEOUT="20")

    def local(self, text):
        """The text with the ports that are free here."""
        return re.sub(r"\b(5432|6432)\b", lambda port: self.ports[port[0]], text)

    def step(self, number):
        info, body, _ = BLOCKS[number]
        body = self.local(body)
        if info == "sql setup":
            self.shell(f"psql -X -q -v ON_ERROR_STOP=1 -h {self.cluster.directory} "
                       f"-p {self.cluster.port} -U postgres", body, check=True)
        elif info == "yaml fahrend.yaml":
            self.make_daemon(body)
        elif info == "yaml append fahrend.yaml":
            with open(self.daemon.file, "a", encoding="utf-8") as file:
                file.write(body)
        elif info == "sh start":
            assert body == "build/release/fahrend -c fahrend.yaml\n"
            self.daemon.start()
        elif info == "sh run":
            self.environment.update(re.findall(r"(\w+_PASSWORD)=(\S+)", body))
            self.printed[number] = self.shell("bash -e -o pipefail", body).stdout

    def make_daemon(self, text):
        self.daemon = Proxy(text)
        self.daemon.port = int(self.ports["6432"])
        build = os.path.join(self.daemon.directory, "build", "release")
        os.makedirs(build)
        for program in ("fahrend", "fahrenctl"):
            os.symlink(os.path.join(os.path.dirname(binary()), program),
                       os.path.join(build, program))

    def shell(self, command, text, **options):
        where = self.daemon.directory if self.daemon else "/"
        return subprocess.run(command.split(), input=text, cwd=where, env=self.environment,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                              timeout=60, **options)


@pytest.fixture(scope="module")
def walk(request):
    with Cluster() as cluster:
        hba = os.path.join(cluster.directory, "data", "pg_hba.conf")
        with open(hba, "w", encoding="utf-8") as file:
            file.write(HBA)
        cluster.run("CREATE ROLE nobody LOGIN; SELECT pg_reload_conf()")
        wait_until(lambda: asks_for_password(cluster), "the server asks for passwords")
        walk = Walk(cluster)
        before = dict(os.environ)
        try:
            for number in range(len(BLOCKS)):
                if BLOCKS[number][0] == "sh start":
                    os.environ.update({name: value for name, value in walk.environment.items()
                                       if name.endswith("_PASSWORD")})
                walk.step(number)
            yield walk
            if request.session.testsfailed == 0:
                walk.daemon.stop()
        finally:
            os.environ.clear()
            os.environ.update(before)
            if walk.daemon is not None:
                walk.daemon.kill()


def asks_for_password(cluster):
    try:
        cluster.connect(user="nobody").close()
        return False
    except psycopg.OperationalError:
        return True


def test_there_are_examples():
    assert len(RUNS) >= 4
    assert set(CONNECTS) == set(RUNNERS)
    assert all(len(lines) == 4 for lines in CONNECTS.values())


@pytest.mark.parametrize("number", RUNS)
def test_an_example_prints_what_the_readme_says(walk, number):
    expected = BLOCKS[number][2] or ""

    assert walk.printed[number].strip() == walk.local(expected).strip()


# ---- connection strings ----

GO = """package main
import ("context"; "database/sql"; "fmt"; %s)
func show(row interface{ Scan(...interface{}) error }) {
    var body string
    if err := row.Scan(&body); err != nil { body = err.Error() }
    fmt.Println(body)
}
var _ = sql.ErrNoRows
func main() {
    ctx := context.Background()
    _ = ctx
%s}
"""
GO_PGX = """\
    if c, err := %s; err != nil { fmt.Println(err) } else { show(c.QueryRow(ctx, "%s")) }
"""
GO_PQ = """\
    if db, err := %s; err != nil { fmt.Println(err) } else { show(db.QueryRow("%s")) }
"""
JAVA = """import java.sql.*;
public class Main {
    static void show(Connection connection) throws SQLException {
        try (connection; ResultSet r = connection.createStatement().executeQuery("%s")) {
            while (r.next()) { System.out.println(r.getString(1)); }
        }
    }
    public static void main(String[] arguments) throws SQLException {
%s    }
}
"""
HIBERNATE = """import org.hibernate.Session;
import org.hibernate.cfg.Configuration;
public class Main {
    static Configuration configuration() {
        return new Configuration().setProperty("hibernate.connection.driver_class", "org.postgresql.Driver")
            .setProperty("hibernate.dialect", "org.hibernate.dialect.PostgreSQLDialect");
    }
    public static void main(String[] arguments) {
        for (Configuration made : new Configuration[]{%s}) {
            Session session = made.buildSessionFactory().openSession();
            for (Object body : session.createSQLQuery("%s").list()) { System.out.println(body); }
            session.close();
        }
    }
}
"""
NODE_PROGRAM = """const { Client } = require('pg');
(async () => { for (const make of [%s]) {
  const client = make();
  await client.connect();
  for (const row of (await client.query('%s')).rows) { console.log(row.body); }
  await client.end();
} })().catch((error) => { console.log(error.message); process.exit(1); });
"""
DRIZZLE_PROGRAM = """const { drizzle } = require('drizzle-orm/node-postgres');
const { sql } = require('drizzle-orm');
(async () => { for (const make of [%s]) {
  const db = make();
  for (const row of (await db.execute(sql`%s`)).rows) { console.log(row.body); }
  await db.$client.end();
} })().catch((error) => { console.log(error.message); process.exit(1); });
"""
PRISMA_PROGRAM = """const { PrismaClient } = require('@prisma/client');
const { PrismaPg } = require('@prisma/adapter-pg');
(async () => { for (const make of [%s]) {
  const db = make();
  for (const row of await db.notes.findMany()) { console.log(row.body); }
  await db.$disconnect();
} })().catch((error) => { console.log(error.message); process.exit(1); });
"""
DJANGO_PROGRAM = """import django
from django.conf import settings
from django.db import connections
entries = [%s]
settings.configure(DATABASES={"default": entries[0], **{str(n): e for n, e in enumerate(entries)}})
django.setup()
for name in range(len(entries)):
    with connections[str(name)].cursor() as cursor:
        cursor.execute("%s")
        print(cursor.fetchone()[0])
"""
RUBY_PROGRAM = """require "active_record"
[%s].each do |make|
  make.call
  puts ActiveRecord::Base.connection.select_values("%s")
end
"""
PHP_PROGRAM = """<?php
foreach ([%s] as $make) {
    foreach ($make()->query("%s") as $row) { echo $row["body"], "\\n"; }
}
"""


def printed_by(command, **options):
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False,
                          **options)
    return (done.stdout + done.stderr).splitlines()


def run_psql(lines, _):
    return [text for line in lines
            for text in printed_by(["bash", "-c", f"{line} -X -At -c '{QUERY}'"])]


def run_psycopg(lines, _):
    rows = []
    for line in lines:
        with eval(line, {"psycopg": psycopg}) as conn:  # pylint: disable=eval-used
            rows += [row[0] for row in conn.execute(QUERY)]
    return rows


def run_sqlalchemy(lines, _):
    sqlalchemy = pytest.importorskip("sqlalchemy", reason="python3-sqlalchemy is not installed")
    rows = []
    for line in lines:
        engine = eval(line, vars(sqlalchemy).copy())  # pylint: disable=eval-used
        with engine.connect() as conn:
            rows += [row[0] for row in conn.execute(sqlalchemy.text(QUERY))]
        engine.dispose()
    return rows


def run_node(lines, _):
    makers = ", ".join(f"() => {line}" for line in lines)
    return printed_by(["node", "-e", NODE_PROGRAM % (makers, QUERY)], cwd=NODE)


def run_drizzle(lines, _):
    if not os.path.isdir(os.path.join(NODE, "node_modules", "drizzle-orm")):
        pytest.skip("the package drizzle-orm is not installed")
    makers = ", ".join(f"() => {line}" for line in lines)
    return printed_by(["node", "-e", DRIZZLE_PROGRAM % (makers, QUERY)], cwd=NODE)


def run_prisma(lines, _):
    modules = os.path.join(PRISMA, "node_modules")
    if not os.path.isdir(modules):
        pytest.skip("Prisma is not installed; see tests/e2e/prisma/package.json")
    # The engine that migrates, which generate does not need, would be fetched from elsewhere.
    done = subprocess.run([os.path.join(modules, ".bin", "prisma"), "generate", "--schema",
                           os.path.join(PRISMA, "schema.prisma")], capture_output=True, text=True,
                          env=dict(os.environ, PRISMA_SCHEMA_ENGINE_BINARY="/bin/true"),
                          cwd=PRISMA, timeout=100, check=False)
    assert done.returncode == 0, done.stderr
    makers = ", ".join(f"() => {line}" for line in lines)
    return printed_by(["node", "-e", PRISMA_PROGRAM % makers], cwd=PRISMA)


def run_django(lines, _):
    pytest.importorskip("django", reason="python3-django is not installed")
    return printed_by(["/usr/bin/python3", "-c", DJANGO_PROGRAM % (", ".join(lines), QUERY)])


def run_ruby(lines, _):
    if not shutil.which("ruby") or printed_by(["ruby", "-e", 'require "active_record"; require "pg"']):
        pytest.skip("ruby-activerecord and ruby-pg are not installed")
    makers = ", ".join(f"-> {{ {line} }}" for line in lines)
    return printed_by(["ruby", "-e", RUBY_PROGRAM % (makers, QUERY)])


def run_php(lines, folder):
    if not shutil.which("php") or "pdo_pgsql" not in printed_by(["php", "-m"]):
        pytest.skip("php-cli and php-pgsql are not installed")
    source = folder / "main.php"
    makers = ", ".join(f"fn() => {line}" for line in lines)
    source.write_text(PHP_PROGRAM % (makers, QUERY))
    return printed_by(["php", str(source)])


def run_java(lines, folder):
    if not shutil.which("javac") or not os.path.exists(JDBC):
        pytest.skip("a JDK and libpostgresql-jdbc-java are not installed")
    source = folder / "Main.java"
    source.write_text(JAVA % (QUERY, "".join(f"        show({line});\n" for line in lines)))
    return printed_by(["java", "-cp", JDBC, str(source)])


def run_hibernate(lines, folder):
    if not shutil.which("javac") or not os.path.exists("/usr/share/java/hibernate3.jar"):
        pytest.skip("a JDK and libhibernate3-java are not installed")
    source = folder / "Main.java"
    makers = ", ".join(f"configuration().{line}" for line in lines)
    source.write_text(HIBERNATE % (makers, QUERY))
    printed = printed_by(["java", "-cp", "/usr/share/java/*", str(source)])
    return [line for line in printed if not line.startswith("SLF4J")]


def run_go(package, template):
    def run(lines, folder):
        if not shutil.which("go") or not os.path.exists(os.path.join(GOPATH, "src", package)):
            pytest.skip(f"Go and its package {package} are not installed")
        source = folder / "main.go"
        name = "" if package.endswith("pgx/v4") else "_ "
        shows = "".join(template % (line, QUERY) for line in lines)
        source.write_text(GO % (f'{name}"{package}"', shows))
        environment = dict(os.environ, GO111MODULE="off", GOPATH=GOPATH, GOFLAGS="-p=2",
                           GOCACHE=os.path.join(ROOT, "build", "go-cache"))
        return printed_by(["go", "run", str(source)], env=environment)
    return run


RUNNERS = {"sh": run_psql, "python psycopg": run_psycopg, "python sqlalchemy": run_sqlalchemy,
           "python django": run_django, "js": run_node, "js drizzle": run_drizzle,
           "js prisma": run_prisma, "ruby": run_ruby, "php": run_php,
           "java": run_java, "java hibernate": run_hibernate, "go pgx": run_go("github.com/jackc/pgx/v4", GO_PGX),
           "go pq": run_go("github.com/lib/pq", GO_PQ)}


@pytest.mark.parametrize("driver", RUNNERS)
def test_each_connection_string_reaches_its_tenant(walk, driver, tmp_path):
    lines = [walk.local(line) for line in CONNECTS[driver]]

    assert RUNNERS[driver](lines, tmp_path) == ["written by acme"] * len(lines)


# ---- what the tables say ----

def test_every_show_command_named_is_one(walk):
    commands = set(re.findall(r"`(SHOW [A-Z]+)`", read(README)))

    for command in commands - {"SHOW HELP"}:
        with psycopg.connect(host="127.0.0.1", port=walk.daemon.port, user="admin",
                             password="admin-secret", dbname="fahrend", autocommit=True) as conn:
            assert conn.execute(command).description
    assert len(commands) >= 8


def reference_keys():
    """Every key of the reference with those above it, as a path of words."""
    paths, above = set(), []
    for line in read("conf/reference.yaml").splitlines():
        found = re.match(r"( *)(?:# )?(\w+):( |$)", line)
        if found:
            above = [key for key in above if key[0] < len(found[1])] + [(len(found[1]), found[2])]
            paths.add(".".join(name for _, name in above))
    return paths


def test_the_reference_is_what_the_program_prints():
    printed = subprocess.run([binary(), "--reference"], capture_output=True, text=True, check=True)

    assert printed.stdout == read("conf/reference.yaml")


def test_every_key_named_is_one():
    text = "".join(read(path) for path in ["README.md", *DOCS])
    names = [name for name in re.findall(r"`([a-z_]+(?:\.[a-zA-Z_]+)+)`", text)
             if not name.endswith((".md", ".yaml", ".sh")) and not name.startswith("app.")]
    suffixes = {name: r"(^|\.)" + re.escape(name).replace("NAME", r"\w+") + "$" for name in names}
    keys = reference_keys()

    assert len(names) >= 8
    assert [name for name, suffix in suffixes.items()
            if not any(re.search(suffix, key) for key in keys)] == []


def test_plain_rls_is_no_boundary_against_hostile_sql(walk):
    with psycopg.connect(walk.local(CONNECTS["sh"][0].split('"')[1]), autocommit=True) as conn:
        stolen = conn.execute(f"SET app.tenant = 'globex'; {QUERY}")
        stolen.nextset()

        assert stolen.fetchall() == [("written by globex",)]
        assert conn.execute(QUERY).fetchall() == [("written by acme",)]


def test_a_schema_with_a_shared_login_is_no_boundary_against_hostile_sql(start):
    one, other = SCHEMA

    with start().tenant(one) as conn:
        stolen = conn.execute(f"SELECT body FROM tenant_{other}.notes").fetchall()

    assert stolen == [(f"of {other}",)]


def test_a_schema_with_a_role_for_each_tenant_is_a_boundary(walk):
    for name in ("one", "two"):
        role = f"tenant_{name}"
        walk.cluster.run(f"CREATE ROLE {role} LOGIN PASSWORD 'secret'; "
                         f"GRANT CONNECT ON DATABASE app TO {role}")
        walk.cluster.run(f"CREATE SCHEMA AUTHORIZATION {role} CREATE TABLE notes (body text); "
                         f"ALTER TABLE {role}.notes OWNER TO {role}; "
                         f"INSERT INTO {role}.notes VALUES ('of {name}')", "app")
        with open(walk.daemon.file, "a", encoding="utf-8") as file:
            file.write(f"  {name}:\n    strategy: schema\n"
                       "    login: {user: 'tenant_{tenant}', password: secret}\n")
    walk.shell("bash -e", walk.local(
        "psql postgresql://admin:admin-secret@127.0.0.1:6432/fahrend -c RELOAD"), check=True)

    with psycopg.connect(host="127.0.0.1", port=walk.daemon.port, user="app.one", dbname="app",
                         password="app-secret", autocommit=True) as conn:
        assert conn.execute(QUERY).fetchall() == [("of one",)]
        for sql in ("SELECT * FROM tenant_two.notes", "SET ROLE tenant_two"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                conn.execute(sql)


# ---- the guide to the source ----

def guides():
    folders = [f"src/{name}" for name in sorted(os.listdir(os.path.join(ROOT, "src")))]
    return [f"{path}/README.md" for path in ["src", *folders]
            if os.path.exists(os.path.join(ROOT, path, "README.md"))]


def sources():
    """Every source file by its path from src/, with its text."""
    found = {}
    for folder, _, files in os.walk(os.path.join(ROOT, "src")):
        for name in files:
            if name.endswith((".c", ".h")):
                path = os.path.relpath(os.path.join(folder, name), os.path.join(ROOT, "src"))
                found[path] = read(os.path.join("src", path))
    return found


@pytest.mark.parametrize("guide", guides())
def test_every_function_and_file_that_a_guide_names_exists(guide):
    files = sources()
    words = set(re.findall(r"\w+", "\n".join(files.values())))
    stems = {os.path.basename(path)[:-2] for path in files}
    names = re.findall(r"`([A-Za-z]\w*_\w+)(?:\(\))?`", read(guide))
    paths = re.findall(r"`([\w/]+\.[ch])`", read(guide))

    assert [name for name in names if name not in words and name not in stems] == []
    assert [path for path in paths if not any(f"/{file}".endswith(f"/{path}") for file in files)
            ] == []


@pytest.mark.parametrize("guide", ["README.md", "CHANGELOG.md", *DOCS, *guides()])
def test_every_link_leads_somewhere(guide):
    links = re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", read(guide))
    local = [link for link in links if "://" not in link]
    folder = os.path.join(ROOT, os.path.dirname(guide))

    assert [link for link in local if not os.path.exists(os.path.join(folder, link))] == []


def test_every_anchor_in_the_readme_is_a_heading():
    text = read(README)
    headings = {re.sub(r"[^\w -]", "", line).strip().lower().replace(" ", "-")
                for line in re.findall(r"^#+ (.*)$", text, re.M)}

    anchors = set(re.findall(r"\]\(#([^)]+)\)", text))

    assert anchors - headings == set()


@pytest.mark.parametrize("guide", [path for path in guides() if path != "src/README.md"])
def test_the_guide_of_a_layer_is_short(guide):
    assert len(read(guide).splitlines()) < 40
