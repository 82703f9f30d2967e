# SPDX-License-Identifier: MIT
"""How a client proves itself x its TLS x the server's TLS, by rules of an HBA file: who may enters,
and who may not is told what it must be. Then drivers of other languages by each method that they
can."""

import asyncio
import contextlib
import json
import os
import pwd
import ssl
import subprocess

import psycopg
import psycopg2
import pytest

from certificates import Authority
from cluster import unprivileged_user
from proxy import Proxy, base_config
from securecluster import make_cluster
from tokens import AUDIENCE, ISSUER, Key
from wirepeer import md5_verifier, scram_verifier

ME = pwd.getpwuid(os.geteuid()).pw_name
SERVER_MODES = ["disable", "require", "verify-full"]
CLIENT_MODES = ["disable", "require", "verify-full"]
JDBC = "/usr/share/java/postgresql.jar"
GOPATH = "/usr/share/gocode"
ENCRYPTED = "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()"
RULES = """\
host fahrend all all scram-sha-256
local all all peer map=mine
host all trusted all trust
host all plain all password
host all hashed all md5
hostssl all certified all cert
hostssl all mapped all cert map=mine
hostssl all strict all scram-sha-256 clientcert=verify-full
hostssl all token all password
host all +asked all scram-sha-256
host all scram,through,nobody all scram-sha-256
"""
MAPS = f"""\
mine {ME} owner
mine certified mapped
"""
# What each proves itself with, beside its certificate.
PASSWORDS = {"trusted": None, "plain": "right", "hashed": "right", "scram": "right",
             "certified": None, "mapped": None, "strict": "right", "token": "TOKEN",
             "member": "right", "through": "through-secret"}
ONLY_TLS = ["certified", "mapped", "strict", "token"]
ROLES = """
SET password_encryption = 'scram-sha-256';
CREATE ROLE asker LOGIN SUPERUSER;
CREATE ROLE asked;
CREATE ROLE member LOGIN PASSWORD 'right' IN ROLE asked;
CREATE ROLE old LOGIN PASSWORD 'right' VALID UNTIL '2001-01-01' IN ROLE asked;
CREATE ROLE barred NOLOGIN PASSWORD 'right' IN ROLE asked
"""


@pytest.fixture(scope="module")
def authority():
    with Authority(unprivileged_user()) as made:
        made.issue("server", hosts=["127.0.0.1"])
        made.issue("front", hosts=["127.0.0.1", "localhost"])
        made.issue("certified").issue("strict").issue("lost", cn="certified").revoke("lost")
        made.issue("late", cn="certified", days=-1)
        for name in ("front", "certified", "strict", "lost", "late"):
            os.chown(made.key(name), os.geteuid(), os.getegid())
        yield made


@pytest.fixture(scope="module")
def secured(authority):
    server = make_cluster(authority)
    for statement in ROLES.split(";"):
        server.run(statement)
    yield server
    server.stop()


@pytest.fixture(scope="module")
def key(tmp_path_factory):
    return Key(str(tmp_path_factory.mktemp("keys")), "EdDSA", "one")


def make_config(secured, authority, server_mode):
    secrets = {"trusted": None, "plain": "right", "hashed": md5_verifier("hashed", "right"),
               "scram": scram_verifier("right"), "certified": None, "mapped": None, "owner": None,
               "strict": scram_verifier("right"), "app": "app-secret",
               "through": secured.run("SELECT rolpassword FROM pg_authid "
                                      "WHERE rolname = 'through'")[0][0]}
    users = {name: {"tenants": ["*"], **({"password": secret} if secret else {})}
             for name, secret in secrets.items()}
    tls = {"mode": server_mode, "ca": authority.ca if server_mode == "verify-full" else None}
    return base_config(
        secured.port, users=users,
        auth={"method": "hba", "hba_file": "hba.conf", "ident_file": "ident.conf",
              "query": {"server": "main", "database": "app", "user": "asker"},
              "jwt": {"file": "keys.json", "issuer": ISSUER, "audience": AUDIENCE,
                      "tenant_claim": "tenant"}},
        listen={"tls": {"mode": "prefer", "ca": authority.ca, "crl": authority.crl,
                        **authority.pair("front")}},
        servers={"main": {"port": secured.port, "tls": tls}},
        tenants={"defaults": {"strategy": "none", "login": {"user": "app"}}, "acme": {},
                 "own": {"login": "client"}})


@pytest.fixture(scope="module")
def fronts(secured, authority, key):
    """By the server's TLS."""
    started = {}

    def of(server_mode):
        if server_mode not in started:
            config = make_config(secured, authority, server_mode)
            daemon = started[server_mode] = Proxy(config)
            with open(daemon.file, encoding="utf-8") as file:
                text = file.read()
            daemon.write(text.replace('"unix_dir": ""', f'"unix_dir": "{daemon.directory}"'))
            for name, text in (("hba.conf", RULES), ("ident.conf", MAPS),
                               ("keys.json", json.dumps({"keys": [key.jwk]}))):
                with open(os.path.join(daemon.directory, name), "w", encoding="utf-8") as file:
                    file.write(text)
            daemon.start()
        return started[server_mode]

    yield of
    for daemon in started.values():
        daemon.stop()


def proof(key, authority, user, **changes):
    """What libpq is told for this user."""
    certificate = changes.pop("certificate", "certified" if user == "mapped" else user)
    password = changes.pop("password", PASSWORDS.get(user))
    told = {"user": user, "sslrootcert": authority.ca, **changes}
    if certificate in ("certified", "strict", "lost", "late"):
        told.update(sslcert=authority.certificate(certificate), sslkey=authority.key(certificate))
    else:
        told.update(sslcert="/nonexistent")  # and not the one of ~/.postgresql
    if password is not None:
        told["password"] = key.token(sub=user) if password == "TOKEN" else password
    return told


def refusal(daemon, **login):
    with pytest.raises(psycopg.OperationalError) as failed:
        daemon.tenant("acme", **login).close()
    return str(failed.value)


@pytest.mark.parametrize("server_mode", SERVER_MODES)
@pytest.mark.parametrize("user", PASSWORDS)
def test_every_method_enters_by_every_pair_of_modes(fronts, authority, key, user, server_mode):
    if user == "through" and server_mode == "disable":
        pytest.skip("in clear the server asks this role for no proof")
    daemon = fronts(server_mode)
    tenant = "own" if user == "through" else "acme"

    for client_mode in CLIENT_MODES:
        login = proof(key, authority, user, sslmode=client_mode)
        if client_mode == "disable" and user in ONLY_TLS:
            assert "no pg_hba.conf entry" in refusal(daemon, **login)
            continue
        with daemon.tenant(tenant, **login) as conn:
            assert bool(conn.pgconn.ssl_in_use) == (client_mode != "disable")
            assert conn.execute(ENCRYPTED).fetchone()[0] == (server_mode != "disable")


@pytest.mark.parametrize("server_mode", SERVER_MODES)
def test_the_owner_of_the_process_enters_whatever_the_servers_tls(fronts, server_mode):
    daemon = fronts(server_mode)
    where = f"host={daemon.directory} port={daemon.port} dbname=app options='-c app.tenant=acme'"

    with psycopg.connect(f"{where} user=owner") as conn:
        assert conn.execute(ENCRYPTED).fetchone()[0] == (server_mode != "disable")
    with pytest.raises(psycopg.OperationalError, match="eer authentication failed"):
        psycopg.connect(f"{where} user=scram")


@pytest.mark.parametrize("client_mode", CLIENT_MODES[:2])
def test_who_may_not_enter_is_told_one_thing(fronts, authority, key, client_mode):
    """A wrong password, a user that there is not, a role that has expired or may not log in, a token
    that has run out, or is another's."""
    daemon = fronts("require")
    tries = {user: "wrong" for user in ("plain", "hashed", "scram", "member", "through", "nobody")}
    tries.update(old="right", barred="right")
    if client_mode != "disable":
        tries.update(token=key.token(sub="token", exp=1), token2=key.token(sub="plain"),
                     strict="wrong")

    for user, password in tries.items():
        name = user.rstrip("2")
        said = refusal(daemon, **proof(key, authority, name, password=password,
                                       sslmode=client_mode))
        assert f'FATAL:  password authentication failed for user "{name}"' in said, (user, said)


@pytest.mark.parametrize("user,certificate,reason", [
    ("certified", "strict", 'certificate authentication failed for user "certified"'),
    ("certified", None, "connection requires a valid client certificate"),
    ("mapped", "strict", 'certificate authentication failed for user "mapped"'),
    ("strict", "certified", "certificate"), ("strict", None, "certificate"),
    ("certified", "lost", "revoked"), ("strict", "lost", "revoked"),
    ("certified", "late", "expired")])
def test_a_wrong_certificate_is_refused(fronts, authority, key, user, certificate, reason):
    """clientcert=verify-full wants it beside the password, in the user's name."""
    login = proof(key, authority, user, certificate=certificate, sslmode="require")

    assert reason in refusal(fronts("require"), **login)


# ---- drivers ----

# Who logs in from where: certificates and tokens too.
DRIVEN = ["trusted", "plain", "hashed", "scram", "certified", "strict", "token", "member"]
# … and who tries with a wrong password, behind those.
WRONG = ["plain", "hashed", "scram", "strict", "token", "member"]


@pytest.fixture(scope="module")
def logins(fronts, authority, key, tmp_path_factory):
    """For programs: where, and what each user shows."""
    folder = tmp_path_factory.mktemp("der")
    daemon = fronts("verify-full")
    told = []
    for user, wrong in [*((user, False) for user in DRIVEN), *((user, True) for user in WRONG)]:
        login = proof(key, authority, user, **({"password": "wrong"} if wrong else {}))
        certificate = user in ("certified", "strict")
        der = str(folder / f"{user}.pk8")
        if certificate:
            subprocess.run(["openssl", "pkcs8", "-topk8", "-nocrypt", "-in", authority.key(user),
                            "-outform", "DER", "-out", der], check=True)
        told.append({"host": daemon.host, "port": daemon.port, "user": user,
                     "password": login.get("password", ""), "ca": authority.ca,
                     "cert": login["sslcert"] if certificate else "",
                     "key": login["sslkey"] if certificate else "", "der": der})
    return told


def run_with(logins, command, **environment):
    """A program reads the logins as JSON and says the user's name for each that worked."""
    done = subprocess.run(command, input=json.dumps(logins), capture_output=True, text=True,
                          timeout=120, check=False, env=dict(os.environ, **environment))
    return (done.stdout + done.stderr).split("\n")[:-1]


def assert_told(said):
    """A line for each login: the user's name, or with it why not."""
    assert said[:len(DRIVEN)] == DRIVEN
    assert len(said) == len(DRIVEN) + len(WRONG), said
    for user, line in zip(WRONG, said[len(DRIVEN):]):
        assert line.startswith(f"{user}: "), line
        assert f'password authentication failed for user "{user}"' in line


def test_psycopg2(logins):
    said = []
    for login in logins:
        try:
            ask_by_psycopg2(login)
            said.append(login["user"])
        except psycopg2.OperationalError as error:
            said.append(f"{login['user']}: {error}")
    assert_told(said)


def ask_by_psycopg2(login):
    with contextlib.closing(psycopg2.connect(
            host=login["host"], port=login["port"], dbname="app", user=login["user"],
            password=login["password"], sslmode="verify-full", sslrootcert=login["ca"],
            sslcert=login["cert"] or "/nonexistent", sslkey=login["key"] or "/nonexistent",
            options="-c app.tenant=acme",
            channel_binding="require" if login["user"] in ("scram", "strict", "member") else "prefer"
    )) as conn, conn.cursor() as cursor:
        cursor.execute("SELECT 42")
        assert cursor.fetchone() == (42,)


def test_asyncpg(logins):
    asyncpg = pytest.importorskip("asyncpg")

    async def ask(login):
        context = ssl.create_default_context(cafile=login["ca"])
        if login["cert"]:
            context.load_cert_chain(login["cert"], login["key"])
        try:
            conn = await asyncpg.connect(host=login["host"], port=login["port"], user=login["user"],
                                         database="app", password=login["password"], ssl=context,
                                         server_settings={"app.tenant": "acme"})
        except asyncpg.InvalidPasswordError as error:
            return f"{login['user']}: {error}"
        try:
            assert await conn.fetchval("SELECT 42") == 42
            return login["user"]
        finally:
            await conn.close()

    async def ask_all():
        return [await ask(login) for login in logins]

    assert_told(asyncio.run(ask_all()))


NODE = """const { Client } = require('pg');
const fs = require('fs');
const file = (name) => name ? fs.readFileSync(name) : undefined;
(async () => {
  for (const l of JSON.parse(fs.readFileSync(0))) {
    const client = new Client({host: l.host, port: l.port, user: l.user, database: 'app',
      password: l.password, options: '-c app.tenant=acme', enableChannelBinding: true,
      ssl: {ca: file(l.ca), cert: file(l.cert), key: file(l.key)}});
    try {
      await client.connect();
      await client.query('SELECT 42');
      console.log(l.user);
      await client.end();
    } catch (error) { console.log(l.user + ': ' + error.message); }
  }
})();
"""


def test_node_postgres(logins):
    node = os.path.join(os.path.dirname(__file__), "node")
    if not os.path.exists(os.path.join(node, "node_modules", "pg")):
        pytest.skip("node-postgres is not installed")

    assert_told(run_with(logins, ["node", "-e", NODE], NODE_PATH=os.path.join(node, "node_modules")))


JAVA = """import java.sql.*;
public class Main {
    public static void main(String[] a) {
        for (int i = 0; i + 2 < a.length; i += 3) {
            try (Connection c = DriverManager.getConnection(a[i], a[i + 1], a[i + 2]);
                 ResultSet r = c.createStatement().executeQuery("SELECT 42")) {
                r.next();
                System.out.println(a[i + 1]);
            } catch (SQLException e) {
                System.out.println(a[i + 1] + ": " + e.getMessage());
            }
        }
    }
}
"""


def test_jdbc(logins, tmp_path):
    if not os.path.exists(JDBC):
        pytest.skip("JDBC is not installed")
    source = tmp_path / "Main.java"
    source.write_text(JAVA)
    arguments = []
    for login in logins:
        url = (f"jdbc:postgresql://{login['host']}:{login['port']}/app?sslmode=verify-full"
               f"&sslrootcert={login['ca']}&options=-c%20app.tenant=acme")
        if login["cert"]:
            url += f"&sslcert={login['cert']}&sslkey={login['der']}"
        arguments += [url, login["user"], login["password"] or "none"]

    assert_told(run_with([], ["java", "-cp", JDBC, str(source), *arguments]))


GO = """package main

import (
    "database/sql"
    "encoding/json"
    "fmt"
    "os"

    _ "github.com/lib/pq"
)

type login struct{ Host, User, Password, Ca, Cert, Key string; Port int }

func main() {
    var logins []login
    json.NewDecoder(os.Stdin).Decode(&logins)
    for _, l := range logins {
        where := fmt.Sprintf("host=%s port=%d user=%s password='%s' dbname=app sslmode=verify-full " +
            "sslrootcert=%s options='-c app.tenant=acme'", l.Host, l.Port, l.User, l.Password, l.Ca)
        if l.Cert != "" {
            where += fmt.Sprintf(" sslcert=%s sslkey=%s", l.Cert, l.Key)
        }
        db, err := sql.Open("postgres", where)
        var n int
        if err == nil {
            err = db.QueryRow("SELECT 42").Scan(&n)
        }
        if err != nil {
            fmt.Printf("%s: %v\\n", l.User, err)
        } else {
            fmt.Println(l.User)
        }
    }
}
"""


def test_go_with_lib_pq(logins, tmp_path):
    if not os.path.exists(f"{GOPATH}/src/github.com/lib/pq"):
        pytest.skip("lib/pq is not installed")
    source = tmp_path / "main.go"
    source.write_text(GO)

    assert_told(run_with(logins, ["go", "run", str(source)], GO111MODULE="off", GOPATH=GOPATH,
                         GOCACHE=str(tmp_path / "cache"), GOFLAGS=""))
