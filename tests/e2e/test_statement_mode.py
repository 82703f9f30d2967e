# SPDX-License-Identifier: MIT
"""pool.mode statement, as PgBouncer has it: a transaction block ends the connection."""

import pytest

from proxy import Proxy, base_config
from wirepeer import bind, errors_of, execute, parse, query, sync

REFUSED = "transaction blocks not allowed in statement pooling mode"


@pytest.fixture(scope="module")
def daemon(cluster):
    tenants = {"defaults": {"strategy": "none", "database": "app"},
               "acme": {"pool": {"mode": "statement", "size": 1}}}
    with Proxy(base_config(cluster.port, tenants=tenants)) as proxy:
        yield proxy


def test_clients_take_turns_statement_by_statement(daemon):
    with daemon.wire_tenant("acme") as first, daemon.wire_tenant("acme") as second:
        pids = {client.value("SELECT pg_backend_pid()") for client in (first, second, first)}
        answer = first.ask(parse("SELECT 1", "s") + bind((), "s") + execute() + sync())
        assert "".join(m.type for m in answer) == "12DCZ"

    assert len(pids) == 1


@pytest.mark.parametrize("begin", [query("BEGIN"), query("SELECT 1; BEGIN"),
                                   parse("BEGIN") + bind(()) + execute() + sync()])
def test_a_transaction_block_ends_the_connection(daemon, begin):
    with daemon.wire_tenant("acme") as client:
        client.send(begin)
        fatal, = errors_of(client.read_all())
        assert (fatal["S"], fatal["C"], fatal["M"]) == ("FATAL", "08P01", REFUSED)

    with daemon.wire_tenant("acme") as other:
        assert other.value("SELECT pg_current_xact_id_if_assigned() IS NULL") == "t"
