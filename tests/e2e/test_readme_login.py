# SPDX-License-Identifier: MIT
"""What README.md says of rules, tokens and auth.query is done as it stands there, with a key set, a
secret and addresses of this place."""

import json
import os
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import psycopg
import pytest

from proxy import Proxy, base_config, binary
from test_readme import BLOCKS
from tokens import Key
from wirepeer import LoginFailed, query, rows_of
from world import tenants_config

SAID = {info: body for info, body, _ in BLOCKS}


@pytest.fixture
def told(cluster):
    """told(block, **files): a daemon whose file says auth as the block does."""
    daemons = []

    def make(block, edit=lambda text: text, **files):
        config = base_config(cluster.port, tenants=tenants_config())
        auth = config.pop("auth")
        assert auth == {"method": "trust"}
        daemon = Proxy(config)
        daemons.append(daemon)
        with open(daemon.file, encoding="utf-8") as file:
            text = file.read().replace('"unix_dir": ""', f'"unix_dir": "{daemon.directory}"')
        # The file is JSON, which is YAML in braces: a key more comes in behind the first of them.
        block = edit(SAID[block])
        made = subprocess.run(
            ["/usr/bin/python3", "-c", "import sys, yaml, json; "
             "print(json.dumps(yaml.safe_load(sys.stdin)))"],
            input=block, capture_output=True, text=True, check=True).stdout
        daemon.write(json.dumps({**json.loads(text), **json.loads(made)}))
        for name, body in files.items():
            path = os.path.join(daemon.directory, name.replace("_conf", ".conf"))
            with open(path, "w", encoding="utf-8") as file:
                file.write(body)
        return daemon

    yield make
    for daemon in daemons:
        daemon.kill()


def test_rules(told):
    daemon = told("yaml hba", hba_conf=SAID["conf hba.conf"],
                  ident_conf="administrators root admin\nadministrators /^.*$ admin\n")
    daemon.start()

    with daemon.tenant("acme", password="app-secret") as conn:
        assert conn.execute("SELECT body FROM notes").fetchall() == [("of acme",)]
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        daemon.tenant("acme", password="wrong")
    with psycopg.connect(f"host={daemon.directory} port={daemon.port} user=admin dbname=fahrend",
                         autocommit=True) as conn:
        assert conn.execute("SHOW VERSION").fetchone()


def test_rules_that_ask_others(told):
    daemon = told("yaml hba", hba_conf=SAID["conf services.conf"],
                  ident_conf="administrators root admin\n")

    done = subprocess.run([binary(), "--check", "-c", daemon.file], capture_output=True, text=True,
                          check=False)
    assert (done.returncode, done.stdout) == (0, "")


def test_tokens(told, tmp_path):
    key = Key(str(tmp_path), "ES256", "one")

    class Keeper(BaseHTTPRequestHandler):
        def do_GET(self):  # the name is http.server's
            assert self.path == "/.well-known/jwks.json"
            body = json.dumps({"keys": [key.jwk]}).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Keeper) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        there = f"http://127.0.0.1:{server.server_port}/"
        daemon = told("yaml tokens", lambda text: text.replace('url: "https://login.example.com/',
                                                               f'url: "{there}'))
        daemon.start()
        with daemon.connect(password=key.token()) as conn:
            assert conn.execute("SELECT body FROM notes").fetchall() == [("of acme",)]
        with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
            daemon.connect(password=key.token(iss="https://elsewhere.example.com"))
        server.shutdown()


def test_users_that_the_server_knows(told, cluster, tmp_path):
    secret = tmp_path / "auth_reader"
    secret.write_text("reader-secret\n")
    secret.chmod(0o600)
    cluster.run("SET password_encryption = 'scram-sha-256'; "
                "CREATE ROLE auth_reader LOGIN SUPERUSER PASSWORD 'reader-secret'; "
                "CREATE ROLE known_there LOGIN PASSWORD 'right'")
    try:
        daemon = told("yaml auth.query",
                      lambda text: text.replace("/run/secrets/auth_reader", str(secret)))
        daemon.start()
        with daemon.wire() as client:
            client.login("right", user="known_there", database="app", app__tenant="acme")
            assert rows_of(client.ask(query("SELECT session_user"))) == [["app"]]
        with daemon.wire() as client, pytest.raises(LoginFailed, match="28P01"):
            client.login("right", user="not_known", database="app", app__tenant="acme")
        daemon.stop()
    finally:
        cluster.run("DROP ROLE auth_reader; DROP ROLE known_there")
