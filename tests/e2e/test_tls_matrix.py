# SPDX-License-Identifier: MIT
"""A client's TLS x the server's TLS x how the client proves itself: every pair of modes carries every
method; and drivers of other languages with TLS and SCRAM."""

import asyncio
import json
import os
import ssl
import subprocess

import psycopg
import psycopg2
import pytest

from certificates import Authority
from cluster import unprivileged_user
from proxy import Proxy, base_config, merge
from securecluster import make_cluster
from wirepeer import md5_verifier

METHODS = ["trust", "password", "md5", "scram-sha-256", "cert", "through"]
SERVER_MODES = ["disable", "require", "verify-full"]
CLIENT_MODES = ["disable", "require", "verify-full"]
JDBC = "/usr/share/java/postgresql.jar"
GOPATH = "/usr/share/gocode"
ENCRYPTED = "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()"


@pytest.fixture(scope="module")
def authority():
    with Authority(unprivileged_user()) as made:
        made.issue("server", hosts=["127.0.0.1"])
        made.issue("front", hosts=["127.0.0.1", "localhost"]).issue("app")
        for name in ("front", "app"):
            os.chown(made.key(name), os.geteuid(), os.getegid())
        yield made


@pytest.fixture(scope="module")
def secured(authority):
    server = make_cluster(authority)
    yield server
    server.stop()


def configure(secured, authority, method, server_mode, client_tls="prefer"):
    verifier = secured.run("SELECT rolpassword FROM pg_authid WHERE rolname = 'through'")[0][0]
    tls = {"mode": server_mode, "ca": authority.ca if server_mode == "verify-full" else None}
    if method == "cert":
        client_tls = "verify-ca"
    password = md5_verifier("app", "app-secret") if method == "md5" else "app-secret"
    return {
        "auth": {"method": "scram-sha-256" if method == "through" else method},
        "listen": {"tls": {"mode": client_tls, "ca": authority.ca, **authority.pair("front")}},
        "users": {"through": {"password": verifier}, "app": {"password": password}},
        "servers": {"main": {"port": secured.port, "tls": tls}},
        "tenants": {"defaults": {"strategy": "none", "login": "client" if method == "through"
                                 else {"user": "app"}}, "acme": {}}}


@pytest.mark.parametrize("server_mode", SERVER_MODES)
@pytest.mark.parametrize("method", METHODS)
def test_every_pair_of_modes_carries_every_method(start, secured, authority, method, server_mode):
    if method == "through" and server_mode == "disable":
        pytest.skip("the server wants this role encrypted")
    daemon = start(**configure(secured, authority, method, server_mode))
    user = "through" if method == "through" else "app"
    login = {"user": user, "password": f"{user}-secret", "sslcert": authority.certificate("app"),
             "sslkey": authority.key("app"), "sslrootcert": authority.ca}

    for client_mode in CLIENT_MODES:
        if method == "cert" and client_mode == "disable":
            with pytest.raises(psycopg.OperationalError):
                daemon.tenant("acme", sslmode=client_mode, **login)
            continue
        with daemon.tenant("acme", sslmode=client_mode, **login) as conn:
            assert bool(conn.pgconn.ssl_in_use) == (client_mode != "disable")
            assert conn.execute(ENCRYPTED).fetchone()[0] == (server_mode != "disable")
    if method in ("password", "md5", "scram-sha-256", "through"):
        with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
            daemon.tenant("acme", sslmode="require", **{**login, "password": "wrong"})


# ---- drivers ----

@pytest.fixture(scope="module")
def front(secured, authority):
    config = merge(base_config(secured.port),
                   configure(secured, authority, "scram-sha-256", "verify-full", "require"))
    with Proxy(config) as daemon:
        yield daemon


def ran(command, **environment):
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False,
                          env=dict(os.environ, **environment))
    return (done.stdout + done.stderr).strip()


def test_psycopg2(front, authority):
    conn = psycopg2.connect(host=front.host, port=front.port, user="app", dbname="app",
                            password="app-secret", sslmode="verify-full", sslrootcert=authority.ca,
                            channel_binding="require", options="-c app.tenant=acme")
    with conn.cursor() as cursor:
        cursor.execute("SELECT 42")
        assert cursor.fetchone() == (42,)
    conn.close()


def test_asyncpg(front, authority):
    asyncpg = pytest.importorskip("asyncpg")
    context = ssl.create_default_context(cafile=authority.ca)

    async def ask():
        conn = await asyncpg.connect(host=front.host, port=front.port, user="app", database="app",
                                     password="app-secret", ssl=context,
                                     server_settings={"app.tenant": "acme"})
        try:
            return await conn.fetchval("SELECT 42")
        finally:
            await conn.close()
    assert asyncio.run(ask()) == 42


NODE = """const { Client } = require('pg');
const fs = require('fs');
(async () => {
  const client = new Client({host: '127.0.0.1', port: %d, user: 'app', database: 'app',
    password: 'app-secret', options: '-c app.tenant=acme', enableChannelBinding: true,
    ssl: {ca: fs.readFileSync(%s)}});
  await client.connect();
  console.log((await client.query('SELECT 42 AS n')).rows[0].n);
  await client.end();
})().catch((error) => { console.log(error.message); process.exit(1); });
"""


def test_node_postgres(front, authority):
    node = os.path.join(os.path.dirname(__file__), "node")
    if not os.path.exists(os.path.join(node, "node_modules", "pg")):
        pytest.skip("node-postgres is not installed")
    program = NODE % (front.port, json.dumps(authority.ca))

    assert ran(["node", "-e", program], NODE_PATH=os.path.join(node, "node_modules")) == "42"


JAVA = """import java.sql.*;
public class Main {
    public static void main(String[] a) throws SQLException {
        try (Connection c = DriverManager.getConnection(a[0], "app", "app-secret");
             ResultSet r = c.createStatement().executeQuery("SELECT 42")) {
            r.next();
            System.out.println(r.getInt(1));
        }
    }
}
"""


def test_jdbc(front, authority, tmp_path):
    if not os.path.exists(JDBC):
        pytest.skip("JDBC is not installed")
    source = tmp_path / "Main.java"
    source.write_text(JAVA)
    url = (f"jdbc:postgresql://127.0.0.1:{front.port}/app?sslmode=verify-full"
           f"&sslrootcert={authority.ca}&options=-c%20app.tenant=acme")

    assert ran(["java", "-cp", JDBC, str(source), url]) == "42"


GO = """package main

import (
    "database/sql"
    "fmt"
    "os"

    _ "github.com/lib/pq"
)

func main() {
    db, err := sql.Open("postgres", os.Args[1])
    var n int
    if err == nil {
        err = db.QueryRow("SELECT 42").Scan(&n)
    }
    fmt.Println(n, err)
}
"""


def test_go_with_lib_pq(front, authority, tmp_path):
    if not os.path.exists(f"{GOPATH}/src/github.com/lib/pq"):
        pytest.skip("lib/pq is not installed")
    source = tmp_path / "main.go"
    source.write_text(GO)
    where = (f"host=127.0.0.1 port={front.port} user=app password=app-secret dbname=app "
             f"sslmode=verify-full sslrootcert={authority.ca} options='-c app.tenant=acme'")

    said = ran(["go", "run", str(source), where], GO111MODULE="off", GOPATH=GOPATH,
               GOCACHE=str(tmp_path / "cache"), GOFLAGS="")
    assert said == "42 <nil>"
