# SPDX-License-Identifier: MIT
"""The log: whom each line is about, one tenant told of more than others, who waits long, and what
repeats itself."""

import json
import re
import threading

import psycopg
import pytest

from cluster import free_port
from deadline import wait_until
from proxy import ConsoleError
from test_fahrenctl import run

QUIET = {"log": {"level": "warning"}}


def lines(daemon, text):
    return [line for line in daemon.log.splitlines() if re.search(text, line)]


def expect_line(daemon, text):
    """The log is written by a thread of its own."""
    return wait_until(lambda: lines(daemon, text), f"the log says {text}")[0]


def level_of(daemon, tenant):
    (row,) = [row for row in daemon.console("SHOW TENANTS") if row["name"] == tenant]
    return row["log_level"]


def test_a_tenant_is_told_of_step_by_step_and_no_other(start):
    daemon = start(**QUIET, workers=2)
    with daemon.tenant("acme") as before:
        before.execute("SELECT 1")
        daemon.console("LOG TENANT acme")
        before.execute("SELECT 1")
        with daemon.tenant("bravo") as other, daemon.tenant("acme") as after:
            other.execute("SELECT 1")
            after.execute("SELECT 1")
            with pytest.raises(psycopg.errors.SyntaxError):
                after.execute("SYNTAX")

    expect_line(daemon, "client left id=[0-9]+ tenant=acme server=main database=app role=app peer=")
    expect_line(daemon, "DEBUG client logged in id=[0-9]+ tenant=acme .* user=app")
    given = expect_line(daemon, "client was given a server connection id=[0-9]+ connection=[0-9]+ "
                                "pid=[0-9]+ tenant=acme server=main database=app role=app")
    expect_line(daemon, "server connection was switched id=[0-9]+ .*tenant=acme")
    expect_line(daemon, "client gave its server connection back .*tenant=acme .*settled=yes")
    assert "SYNTAX" not in daemon.log and "SELECT" not in daemon.log
    assert not lines(daemon, "tenant=bravo")
    assert re.search(r" connection=(\d+) ", given).group(1) in {
        row["id"] for row in daemon.console("SHOW SERVERS")}


def test_the_level_is_shown_and_taken_back(start):
    daemon = start(**QUIET)
    assert level_of(daemon, "acme") == ""

    daemon.console("log tenant acme error")
    assert level_of(daemon, "acme") == "error"
    daemon.console("LOG TENANT acme OFF")
    assert level_of(daemon, "acme") == ""

    with daemon.tenant("acme") as conn:
        conn.execute("SELECT 1")
    daemon.console("RELOAD")
    assert not lines(daemon, "tenant=acme")


@pytest.mark.parametrize(("command", "code", "message"), [
    ("LOG TENANT nobody", "3D000", 'tenant "nobody" does not exist'),
    ("LOG TENANT acme loud", "22023", 'invalid level: "loud"'),
    ("LOG TENANT", "42601", "needs a name"),
    ("LOG TENANT acme debug now", "42601", '"now"'),
    ("LOG TENANT acme 'debug'", "42601", "debug"),
])
def test_what_cannot_be_done_is_said(transaction_proxy, command, code, message):
    with pytest.raises(ConsoleError) as refusal:
        transaction_proxy.console(command)

    assert refusal.value.fields["C"] == code
    assert message in refusal.value.fields["M"]


def test_it_can_be_said_from_a_shell(start):
    daemon = start(**QUIET, auth={"method": "scram-sha-256"})

    done = run("-c", daemon.file, "log", "tenant", "acme", "debug")

    assert (done.returncode, done.stdout) == (0, "LOG TENANT\n")
    assert level_of(daemon, "acme") == "debug"


def test_who_waits_long_is_told_of(start):
    daemon = start(log={"level": "warning", "slow_wait": "200ms"},
                   tenants={"defaults": {"pool": {"size": 1}}})
    with daemon.tenant("acme") as holder, daemon.tenant("bravo") as waiter:
        holder.execute("BEGIN")
        waiting = threading.Thread(target=waiter.execute, args=("SELECT 1",))
        waiting.start()
        wait_until(lambda: [row for row in daemon.console("SHOW CLIENTS")
                            if row["state"] == "waiting" and int(row["wait_us"]) + 1000000 * int(row["wait"]) > 250000],
                   "one has waited")
        holder.execute("COMMIT")
        waiting.join()
        waiter.execute("SELECT 1")

    line = expect_line(daemon, "client waited long")
    waited = re.search(r"WARNING client waited long for a server connection id=\d+ tenant=bravo "
                       r"server=main database=app role=app waited_ms=(\d+) connections=1 pool_size=1 "
                       r"waiting=0 held=no$", line)
    assert waited and 200 <= int(waited.group(1)) < 20000, line
    assert len(lines(daemon, "client waited long")) == 1


def test_nobody_is_told_of_where_that_is_off(start):
    daemon = start(log={"level": "warning", "slow_wait": 0},
                   tenants={"defaults": {"pool": {"size": 1}}})
    with daemon.tenant("acme") as holder, daemon.tenant("bravo") as waiter:
        holder.execute("BEGIN")
        waiting = threading.Thread(target=waiter.execute, args=("SELECT 1",))
        waiting.start()
        wait_until(lambda: [row for row in daemon.console("SHOW CLIENTS") if row["state"] == "waiting"],
                   "one waits")
        holder.execute("COMMIT")
        waiting.join()
    assert not lines(daemon, "client waited long")


def test_machines_read_of_whom_a_line_is(start):
    daemon = start(log={"level": "debug", "format": "json"},
                   servers={"away": {"host": "127.0.0.1", "port": free_port(), "connect_timeout": "100ms"}},
                   tenants={"lost": {"server": "away", "strategy": "database"}})
    with daemon.tenant("acme") as conn:
        pid = conn.execute("SELECT pg_backend_pid()").fetchone()[0]
    with pytest.raises(psycopg.OperationalError):
        daemon.tenant("lost")

    def told(words):
        found = [json.loads(line) for line in daemon.log.splitlines() if words in line]
        return [line for line in found if line["message"].startswith(words)]
    wait_until(lambda: told("client closed"), "the close is told")
    (ready,) = [line for line in told("server connection ready") if line["pid"] == pid]
    assert ready["tenant"] == "acme" and ready["server"] == "main" and ready["connection"] > 0
    failed = told("server connection failed")[-1]
    assert (failed["tenant"], failed["server"], failed["database"]) == ("lost", "away", "tenant_lost")
    (closed,) = told("client closed")
    assert closed["tenant"] == "lost" and closed["id"] > 0 and closed["level"] == "INFO"


def test_what_repeats_itself_is_counted_and_hides_no_other(start):
    daemon = start(log={"level": "info"})
    for _ in range(30):
        with pytest.raises(psycopg.OperationalError):
            daemon.tenant("nobody")
    with pytest.raises(psycopg.OperationalError):
        daemon.tenant("neither")

    expect_line(daemon, "client closed id=[0-9]+ tenant=neither ")
    told = expect_line(daemon, "client closed tenant=nobody repeated")
    hidden = sum(int(n) for n in re.findall("tenant=nobody repeated ([0-9]+) times", daemon.log))
    assert told and 0 < hidden <= 20
    assert len(lines(daemon, "client closed id=[0-9]+ tenant=nobody ")) >= 10
