# SPDX-License-Identifier: MIT
"""A client's TLS x the server's TLS x how the client proves itself: every pair of modes carries every
method, as auth.method. test_identity_matrix.py has what rules decide, and other drivers."""

import os

import psycopg
import pytest

from certificates import Authority
from cluster import unprivileged_user
from securecluster import make_cluster
from wirepeer import md5_verifier

METHODS = ["trust", "password", "md5", "scram-sha-256", "cert", "through"]
SERVER_MODES = ["disable", "allow", "prefer", "require", "verify-ca", "verify-full"]
CLIENT_MODES = ["disable", "allow", "prefer", "require", "verify-ca", "verify-full"]
IN_CLEAR = ["disable", "allow"]  # with a peer that does not insist
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
    tls = {"mode": server_mode, "ca": authority.ca if server_mode.startswith("verify") else None}
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
    if method == "through" and server_mode in IN_CLEAR:
        pytest.skip("in clear the server asks this role for no proof")
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
            assert bool(conn.pgconn.ssl_in_use) == (client_mode not in IN_CLEAR or method == "cert")
            assert conn.execute(ENCRYPTED).fetchone()[0] == (server_mode not in IN_CLEAR)
    if method in ("password", "md5", "scram-sha-256", "through"):
        with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
            daemon.tenant("acme", sslmode="require", **{**login, "password": "wrong"})
