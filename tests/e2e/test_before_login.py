# SPDX-License-Identifier: MIT
"""What was done to PgBouncer, or may be, by who has not proved anything: a test for each.

WHERE says which: first its vulnerabilities, then how it can be worn out before a password is right.
Those that no test elsewhere stands for are below; test_every_attack_has_its_test holds the table to
the files.
"""

import struct

import psycopg
import pytest
from deadline import wait_until
from defects import assert_tests_exist, with_tests
from scripted import ScriptedServer
from wirepeer import (LoginFailed, cstring, errors_of, message, query, rows_of,
                      scram_verifier, startup)

WHERE = {
    "CVE-2012-4575: a name of a database that is longer than its place":
        ["e2e/test_hostile.py:test_a_name_of_many_bytes_is_refused",
         "e2e/test_hostile.py:test_a_name_of_many_bytes_is_served_or_refused",
         "e2e/test_hostile.py:test_a_startup_with"],
    "CVE-2015-4054: a password before the startup packet":
        ["e2e/test_hostile.py:test_any_message_in_place_of_a_startup",
         "e2e/test_hostile.py:test_any_message_in_place_of_a_password",
         "e2e/test_before_login.py:test_any_message_at_each_step_of_a_login"],
    "CVE-2015-6817: an unknown user becomes the one that asks for users":
        ["e2e/test_auth_query.py:test_rows_that_are_no_answer_let_nobody_in",
         "e2e/test_auth_query.py:test_another_users_row_lets_nobody_in",
         "e2e/test_auth_query.py:test_who_may_not_enter_is_told_the_same"],
    "CVE-2021-3935: bytes in clear behind the request for TLS":
        ["e2e/test_tls.py:test_bytes_in_clear_behind_the_request_are_refused",
         "e2e/test_tls.py:test_bytes_in_clear_behind_the_answer_are_no_startup_packet",
         "e2e/test_tls_servers.py:test_bytes_in_clear_behind_the_answer_are_refused"],
    "CVE-2025-2291: a role whose password has expired":
        ["e2e/test_auth_query.py:test_who_may_not_enter_is_told_the_same"],
    "CVE-2025-12819: the client's search_path in the query for users":
        ["e2e/test_auth_query.py:test_a_clients_search_path_never_reaches_the_query"],
    "CVE-2026-6664: a SASL response whose length overflows":
        ["e2e/test_before_login.py:test_a_sasl_response_of_a_length_that_cannot_be",
         "unit/proxy/test_client_login.c:a_sasl_response_whose_length_lies_ends_the_login",
         "e2e/test_hostile.py:test_a_password_of_a_wrong_length"],
    "CVE-2026-6665: a server whose SCRAM messages are too long":
        ["e2e/test_tls_servers.py:test_a_server_with_a_bad_challenge_is_left"],
    "CVE-2026-6666: a server's error without a SQLSTATE":
        ["e2e/test_before_login.py:test_a_servers_error_with_odd_fields",
         "unit/wire/test_error.c:every_proper_prefix_is_refused",
         "unit/wire/test_error.c:a_built_error_always_has_a_sqlstate"],
    "CVE-2026-6667: KILL_CLIENT by one who may only look":
        ["e2e/test_before_login.py:test_who_may_look_may_do_nothing",
         "unit/admin/test_console.c:stats_users_may_only_look"],
    "names of databases and tenants that there are not are kept":
        ["e2e/test_before_login.py:test_names_that_there_are_not_leave_nothing",
         "e2e/test_pgbouncer_defects.py:test_names_that_there_are_not_leave_nothing"],
    "credentials of each name that was tried are kept":
        ["e2e/test_before_login.py:test_names_that_there_are_not_leave_nothing"],
    "a packet of the login is kept up to the largest size of any":
        ["e2e/test_hostile.py:test_a_startup_of_10001_bytes",
         "e2e/test_auth.py:test_a_password_beyond_the_limit_ends_the_connection",
         "e2e/test_before_login.py:test_a_sasl_response_is_short",
         "e2e/test_before_login.py:test_clients_that_prove_nothing_take_little_memory"],
    "who has not logged in counts among the clients of a tenant or user":
        ["e2e/test_before_login.py:test_who_only_claims_a_name_locks_nobody_out",
         "e2e/test_addresses.py:test_the_clients_address_counts_in_the_limits"],
    "a login that stops is kept for a minute":
        ["e2e/test_before_login.py:test_a_login_that_stops_at_any_step_ends",
         "e2e/test_before_login.py:test_the_silent_make_room_for_who_speaks",
         "e2e/test_tls.py:test_a_handshake_that_stalls_ends_with_the_login_timeout"],
    "answers tell which users there are":
        ["e2e/test_auth.py:test_an_unknown_user_looks_like_a_wrong_password",
         "e2e/test_auth.py:test_an_unknown_users_salt_stays_as_a_known_ones_does",
         "e2e/test_auth_query.py:test_who_may_not_enter_is_told_the_same",
         "e2e/test_console.py:test_to_others_the_consoles_database_is_one_like_any",
         "unit/proxy/test_client_login.c:"
         "with_md5_who_is_not_known_is_asked_for_what_the_others_are"],
    "a cancel request walks all clients":
        ["unit/proxy/test_slots.c:a_process_id_beyond_the_table_finds_nobody",
         "e2e/test_hostile.py:test_a_cancel_request_that_fits_nothing"],
    "logins that block hold up the loop":
        ["unit/net/test_task.c:steps_that_block_do_not_keep_those_that_compute",
         "e2e/test_services.py:test_a_directory_that_hangs_holds_up_nobody_else",
         "e2e/test_login_storms.py:test_a_storm_of_one_tenants_logins_delays_no_other"],
}

LOGIN = {"user": "app", "database": "app", "app__tenant": "acme"}
SCRAM = {"method": "scram-sha-256"}
FIRST = b"n,,n=,r=abcdefghijklmnop"


@pytest.mark.parametrize("attack", with_tests(WHERE))
def test_every_attack_has_its_test(attack):
    assert_tests_exist(WHERE[attack])


def sasl_initial(response, size=None):
    return message("p", cstring("SCRAM-SHA-256")
                   + struct.pack("!I", len(response) if size is None else size) + response)


# What a client says to come so far.
STEPS = {
    "nothing": [],
    "asked for a password": [startup(**LOGIN)],
    "in the exchange": [startup(**LOGIN), sasl_initial(FIRST)],
}


def come_to(client, step):
    for data in STEPS[step]:
        client.send(data)
        assert client.read().type == "R"


@pytest.fixture
def asking(start):
    daemon = start(auth=SCRAM)
    yield daemon
    daemon.assert_alive()


def test_any_message_at_each_step_of_a_login(asking):
    for step in STEPS:
        for kind in "BCDEFHPQRSXZcdfpK\0\xff":
            with asking.wire() as client:
                come_to(client, step)
                client.send(kind.encode("latin-1") + struct.pack("!I", 20) + bytes(16))
                assert not [m for m in client.read_all() if m.type in "RKZ"], (step, kind)


@pytest.mark.parametrize("size", [0xFFFFFFFE, 0x7FFFFFFF, 0x80000000, 1000, 1, 0])
def test_a_sasl_response_of_a_length_that_cannot_be(asking, size):
    with asking.wire() as client:
        come_to(client, "asked for a password")
        client.send(sasl_initial(FIRST, size))
        assert [e["C"] for e in errors_of(client.read_all())] == ["08P01"]


def test_a_sasl_response_is_short(asking):
    """Nothing is read of it: who claims more than there can be is not waited for."""
    with asking.wire() as client:
        come_to(client, "asked for a password")
        client.send(b"p" + struct.pack("!I", 2000))
        assert [e["M"] for e in errors_of(client.read_all())] == ["invalid message length"]


FIELDS = {
    "none": b"\0",
    "no SQLSTATE": b"SERROR\0Mof some kind\0\0",
    "a short SQLSTATE": b"SERROR\0C4\0Mof some kind\0\0",
    "two SQLSTATEs": b"SERROR\0C42000\0C22012\0Mof some kind\0\0",
    "no end": b"SERROR\0C22012\0Mof some kind",
    "no severity": b"C22012\0Mof some kind\0\0",
}


@pytest.mark.parametrize("fields", FIELDS)
def test_a_servers_error_with_odd_fields(start, fields):
    """While a query runs, and as the answer to a switch."""
    def script(conn, sql, values):
        return message("E", FIELDS[fields]) if "odd" in sql or "odd" in str(values) \
            else message("C", b"OK\0")

    with ScriptedServer(script) as server:
        daemon = start(servers={"main": {"port": server.port}})
        with daemon.wire_tenant("acme") as client:
            client.send(query("SELECT 'odd'"))
            client.read_until("EZ")
        with daemon.wire() as client:
            client.send(startup(**LOGIN, my__setting="odd"))
            assert client.read_until("EZ")
        daemon.assert_alive()


COMMANDS = ["PAUSE", "RESUME", "DISABLE app", "ENABLE app", "RECONNECT", "KILL app",
            "KILL_CLIENT 1", "WAIT_CLOSE", "SUSPEND", "SHUTDOWN", "RELOAD", "SET verbose = 1",
            "CREATE TENANT x", "ALTER TENANT acme SET (limits.clients = 1)", "DROP TENANT acme",
            "SUSPEND TENANT acme", "RESUME TENANT acme", "PAUSE TENANT acme", "SETUP RLS"]


def test_who_may_look_may_do_nothing(start):
    daemon = start(users={"monitor": {"password": "monitor-secret", "tenants": []}},
                   admin={"stats_users": ["monitor"]})

    with daemon.wire() as client:
        client.login("monitor-secret", user="monitor", database="fahrend")
        for command in COMMANDS:
            assert [e["C"] for e in errors_of(client.ask(query(command)))] == ["42501"], command
        assert rows_of(client.ask(query("SHOW VERSION")))
    daemon.assert_alive()


# ---- worn out before a password is right ----


def test_names_that_there_are_not_leave_nothing(start):
    daemon = start(release=True, auth=SCRAM, log={"level": "error"})

    def try_names(first, count):
        for number in range(first, first + count):
            name = f"name_{number}_" + "x" * 40
            with daemon.wire() as client, pytest.raises(LoginFailed):
                client.login("guess", user=name, database=name, app__tenant=name)

    try_names(0, 500)
    before = daemon.rss()
    try_names(500, 1500)
    assert daemon.rss() - before < 500_000


def test_clients_that_prove_nothing_take_little_memory(start):
    """A hundred that send most of the largest password that they may, and never the rest."""
    daemon = start(release=True, limits={"logins": 100}, auth={"method": "password"})
    clients = []
    before = daemon.rss()
    try:
        for _ in range(200):
            client = daemon.wire()
            clients.append(client)
            try:
                client.send(startup(**LOGIN))
                if client.read().type == "R":
                    client.send(b"p" + struct.pack("!I", 65_000) + b"x" * 60_000)
            except OSError:
                pass
        assert daemon.rss() - before < 100 * 80_000 + 2_000_000
    finally:
        for client in clients:
            client.close()


def test_no_more_than_so_many_log_in_at_once(start):
    daemon = start(limits={"logins": 20}, workers=1)
    daemon.console("SHOW VERSION")
    clients = [daemon.wire() for _ in range(60)]
    told = []

    for client in clients:
        client.sock.setblocking(False)

    def count_refused():
        for client in clients[:]:
            try:
                data = client.sock.recv(1000)
            except BlockingIOError:
                continue
            told.append(data)
            clients.remove(client)
            client.close()
        return len(told) >= 40

    wait_until(count_refused, "all but 20 are refused")
    assert all(b"C53300\0" in data and b"limits.logins" in data for data in told)
    assert len(clients) == 20
    for client in clients:
        client.close()


def test_the_silent_make_room_for_who_speaks(start):
    """One who stalls holds its place for a second, whatever it sends short of a message."""
    daemon = start(limits={"logins": 5}, workers=1)
    daemon.console("SHOW VERSION")  # who looked whether it listens has left
    silent = [daemon.wire() for _ in range(5)]

    for _ in range(3):
        silent[0].send(b"\0")

    def enters():
        try:
            daemon.tenant("acme", sslmode="disable").close()
        except psycopg.OperationalError as e:
            assert "limits.logins" in str(e)
            return False
        return True

    wait_until(enters, "there is room")
    assert [e["C"] for e in errors_of(silent[0].read_all())] == ["53300"]
    for client in silent:
        client.close()


def test_who_only_claims_a_name_locks_nobody_out(start):
    daemon = start(auth=SCRAM, tenants={"acme": {"limits": {"clients": 1}}})

    waiting = [daemon.wire() for _ in range(20)]
    for client in waiting:
        come_to(client, "in the exchange")
    with daemon.tenant("acme", password="app-secret") as conn:
        assert conn.execute("SELECT body FROM notes").fetchall() == [("of acme",)]
    for client in waiting:
        client.close()


def test_a_login_that_stops_at_any_step_ends(start):
    daemon = start(auth=SCRAM, limits={"login_timeout": "300ms"})
    for step in STEPS:
        with daemon.wire() as client:
            come_to(client, step)
            client.send(b"\0\0" if step == "nothing" else b"p\0")
            assert "client_login_timeout" in errors_of(client.read_all())[0]["M"], step


@pytest.mark.parametrize("stored", ["plain", "scram"])
def test_with_md5_a_user_that_there_is_not_is_asked_the_same(start, stored):
    secret = "app-secret" if stored == "plain" else scram_verifier("app-secret")
    daemon = start(auth={"method": "md5"}, users={"app": {"password": secret},
                                                  "admin": {"password": secret}})

    def asked(user):
        with daemon.wire() as client:
            client.send(startup(**{**LOGIN, "user": user}))
            return client.read().body[:4]

    assert asked("nobody") == asked("app")
