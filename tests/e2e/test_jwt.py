# SPDX-License-Identifier: MIT
"""auth.jwt: a token in the place of a password, and all that is wrong with others."""

import http.server
import json
import os
import subprocess
import threading
import time

import pytest

from proxy import Proxy, base_config, binary
from tokens import AUDIENCE, ISSUER, Key
from wirepeer import LoginFailed, error_fields
from world import tenants_config

@pytest.fixture(scope="module")
def keys(tmp_path_factory):
    folder = str(tmp_path_factory.mktemp("keys"))
    return {alg: Key(folder, alg, alg.lower()) for alg in Key.KINDS}


def make_daemon(cluster, keys, **jwt):
    jwt = {"file": "jwks.json", "issuer": ISSUER, "audience": AUDIENCE, "tenant_claim": "tenant",
           **jwt}
    jwt = {name: value for name, value in jwt.items() if value is not None}
    daemon = Proxy(base_config(cluster.port, auth={"method": "password", "jwt": jwt},
                               tenants=tenants_config()))
    with open(os.path.join(daemon.directory, "jwks.json"), "w", encoding="utf-8") as file:
        json.dump({"keys": [key.jwk for key in keys]}, file)
    return daemon


@pytest.fixture(scope="module")
def daemon(cluster, keys):
    with make_daemon(cluster, keys.values()) as daemon:
        yield daemon


def refusal(daemon, password, user="app", **login):
    with daemon.wire() as client, pytest.raises(LoginFailed) as failed:
        client.login(password, user=user, database="app", **login)
    error = error_fields(failed.value.seen[-1].body)
    return {k: v.replace(user, "?") for k, v in error.items()}


@pytest.mark.parametrize("alg", list(Key.KINDS))
def test_a_token_enters_its_tenant(daemon, keys, alg):
    with daemon.connect(user="app", password=keys[alg].token()) as conn:
        assert conn.execute("SELECT body FROM notes").fetchall() == [("of acme",)]


def test_a_user_that_only_its_token_knows(daemon, keys):
    with daemon.connect(user="other", password=keys["EdDSA"].token(sub="other")) as conn:
        assert conn.execute("SELECT body FROM notes").fetchall() == [("of acme",)]


def test_passwords_are_taken_all_the_same(daemon):
    daemon.tenant("bravo", user="app", password="app-secret").close()


def test_rules_must_agree_with_the_token(daemon, keys):
    token = keys["EdDSA"].token()
    daemon.tenant("acme", user="app", password=token).close()
    error = refusal(daemon, token, app__tenant="bravo")
    assert error["C"] == "08004"
    assert '"acme"' in error["M"] and '"bravo"' in error["M"]


def forged(key, other):
    """What one says with the signature of another."""
    return key.token().rsplit(".", 1)[0] + "." + other.token().rsplit(".", 1)[1]


NOW = int(time.time())
BAD = {
    "expired": lambda ed, rsa: ed.token(exp=NOW - 120),
    "not yet valid": lambda ed, rsa: ed.token(nbf=NOW + 3600),
    "without an end": lambda ed, rsa: ed.token(exp=None),
    "for another audience": lambda ed, rsa: ed.token(aud="billing"),
    "for no audience": lambda ed, rsa: ed.token(aud=None),
    "of another issuer": lambda ed, rsa: ed.token(iss="https://evil.example.com"),
    "of another user": lambda ed, rsa: ed.token(sub="admin"),
    "of no user": lambda ed, rsa: ed.token(sub=None),
    "of no tenant": lambda ed, rsa: ed.token(tenant=None),
    "of a tenant that is no name": lambda ed, rsa: ed.token(tenant="a/b"),
    "by none": lambda ed, rsa: ed.token({"alg": "none"}),
    "by a shared secret": lambda ed, rsa: ed.token({"alg": "HS256"}),
    "by another kind of key": lambda ed, rsa: rsa.token({"kid": "eddsa"}),
    "by a key that is not known": lambda ed, rsa: ed.token({"kid": "nokey"}),
    "with a critical extension": lambda ed, rsa: ed.token({"crit": ["x"]}),
    "with a wrong signature": lambda ed, rsa: ed.token(signature=b"\1" * 64),
    "with another's signature": forged,
    "with a signature cut": lambda ed, rsa: ed.token()[:-2],
    "that is no JSON": lambda ed, rsa: "eyJ.eyJ.AAAA",
}


@pytest.mark.parametrize("what", BAD)
def test_a_token_is_refused_as_a_wrong_password_is(daemon, keys, what):
    token = BAD[what](keys["EdDSA"], keys["RS256"])

    assert refusal(daemon, token) == refusal(daemon, "wrong")


class Keeper(http.server.BaseHTTPRequestHandler):
    """Hands out a key set; counts who asks."""

    def do_GET(self):  # the name is http.server's
        self.server.asked += 1
        body = json.dumps({"keys": self.server.keys}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


def test_keys_are_fetched_when_they_are_needed_and_not_too_often(cluster, keys):
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Keeper)
    server.asked, server.keys = 0, [keys["ES256"].jwk]
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        url = f"http://127.0.0.1:{server.server_port}/jwks"
        with make_daemon(cluster, [], file=None, url=url) as daemon:
            assert server.asked == 0
            for _ in range(3):
                daemon.connect(user="app", password=keys["ES256"].token()).close()
            for _ in range(3):
                assert refusal(daemon, keys["EdDSA"].token())["C"] == "28P01"
            assert server.asked == 1
    finally:
        server.shutdown()
        server.server_close()


def test_a_file_that_is_no_key_set_is_a_fault(cluster):
    daemon = make_daemon(cluster, [])
    with open(os.path.join(daemon.directory, "jwks.json"), "w", encoding="utf-8") as file:
        file.write("[]")

    told = subprocess.run([binary(), "--check", "-c", daemon.file], capture_output=True, text=True,
                          check=False)

    assert told.returncode == 2
    assert "jwks.json:1:1: is no JSON Web Key Set" in told.stdout + told.stderr
