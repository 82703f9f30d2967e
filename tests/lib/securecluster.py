# SPDX-License-Identifier: MIT
"""A PostgreSQL with TLS, and roles that must log in with it in one way or another."""

import os

from cluster import Cluster, give_to

HBA = """\
local all all trust
hostssl all certified 127.0.0.1/32 cert
hostssl all pw_scram,through 127.0.0.1/32 scram-sha-256
hostssl all ssl_only 127.0.0.1/32 trust
hostnossl all ssl_only 127.0.0.1/32 reject
host all all 127.0.0.1/32 trust
"""

ROLES = """
SET password_encryption = 'scram-sha-256';
CREATE ROLE app LOGIN; CREATE ROLE ssl_only LOGIN; CREATE ROLE certified LOGIN;
CREATE ROLE pw_scram LOGIN PASSWORD 'scram-secret';
CREATE ROLE through LOGIN PASSWORD 'through-secret';
CREATE DATABASE app;
"""


def make_cluster(authority, bindir=None):
    server = Cluster(bindir, ssl="on", ssl_cert_file=authority.certificate("server"),
                     ssl_key_file=authority.key("server"), ssl_ca_file=authority.ca)
    server.start()
    path = os.path.join(server.directory, "data", "pg_hba.conf")
    with open(path, "w", encoding="utf-8") as file:
        file.write(HBA)
    give_to(server.user, path)
    for statement in ROLES.strip().split(";"):
        if statement.strip():
            server.run(statement)
    server.run("SELECT pg_reload_conf()")
    return server
