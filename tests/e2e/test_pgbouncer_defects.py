# SPDX-License-Identifier: MIT
"""What is broken in PgBouncer, and what broke in its protocol handling: a test stands for each.

WHERE says which. Those that no test elsewhere stands for are below; test_every_defect_has_its_test
holds the table to the files. A row without tests belongs to something that fahrend has not, and
says why.
"""

import contextlib
import threading

import pytest
from deadline import wait_until
from defects import assert_tests_exist, with_tests
from test_pools import await_waiting, backends
from wirepeer import (bind, close, describe, errors_of, execute, extended, flush, parse, query,
                      rows_of, startup, sync)

# Defect: the tests that stand for it, as file:name below tests/, or why there is none.
WHERE = {
    # Found by trying PgBouncer 1.25.
    "client_idle_timeout of one user ends the clients of all":
        ["e2e/test_pgbouncer_defects.py:test_an_idle_timeout_is_its_tenants_own"],
    "transaction_timeout ends a look-up of auth_query in flight":
        ["e2e/test_auth_query.py:test_no_timeout_of_a_client_ends_a_question"],
    "Parse of a name whose first Parse failed ends the client":
        ["e2e/test_prepared.py:test_a_failed_parse_leaves_no_trace",
         "e2e/test_prepared.py:test_a_parse_that_failed_counts_for_nobody_as_prepared"],
    "a tracked value above 127 bytes is not followed, the last client's stays":
        ["e2e/test_pgbouncer_defects.py:test_a_long_value_follows_its_client",
         "e2e/test_pgbouncer_defects.py:test_a_long_value_that_was_set_follows_its_client"],
    "a SET above 300 bytes is cut off":
        ["e2e/test_pgbouncer_defects.py:test_a_long_value_follows_its_client"],
    "min_pool_size does nothing where pool_size is 0":
        ["e2e/test_pgbouncer_defects.py:test_min_size_is_kept_whatever_the_size"],
    "an error text above 500 bytes becomes an end without a word":
        ["e2e/test_pgbouncer_defects.py:test_a_long_refusal_of_a_server_is_told"],
    "a ParameterStatus that is too large hangs at full CPU":
        ["unit/pool/test_replies_state.c:a_parameter_of_10_kb_in_pieces_is_told_once_and_whole",
         "unit/pool/test_replies.c:a_message_that_must_be_whole_has_a_bound",
         "unit/pool/test_backend_login.c:parameters_without_end_are_refused"],
    "a failed RELOAD resets settings and shuts administrators out":
        ["e2e/test_console.py:test_a_bad_file_changes_nothing",
         "e2e/test_console.py:test_a_bad_file_is_logged_with_its_place_on_sighup"],
    "answers to PAUSE and WAIT_CLOSE are lost, or go to another console":
        ["e2e/test_console_actions.py:test_several_consoles_wait_for_their_own",
         "e2e/test_console_actions.py:test_a_pause_that_is_undone_answers_with_an_error",
         "e2e/test_console_actions.py:test_wait_close_waits_for_what_reconnect_replaces"],
    "the console says `not allowed` before the password":
        ["e2e/test_console.py:test_an_admin_needs_the_password",
         "e2e/test_console.py:test_to_others_the_consoles_database_is_one_like_any"],
    "memory is taken for clients that have proved nothing":
        ["e2e/test_hostile.py:test_a_startup_of_10001_bytes",
         "e2e/test_auth.py:test_a_password_beyond_the_limit_ends_the_connection"],
    "names of databases that there are not fill the memory":
        ["e2e/test_pgbouncer_defects.py:test_names_that_there_are_not_leave_nothing"],
    # Found by reading it.
    "query_wait_timeout of one user counts for others":
        ["e2e/test_pgbouncer_defects.py:test_a_wait_is_bounded_as_its_own_tenant_says"],
    "users of auth_query stay known in other databases":
        ["e2e/test_auth_query.py:test_the_tenant_and_the_database_are_parameters"],
    "a `reject` line of the HBA file is skipped":
        ["e2e/test_hba.py:test_reject_says_so"],
    "RECONNECT exceeds pool_size by one":
        ["e2e/test_pgbouncer_defects.py:test_reconnect_never_exceeds_the_size"],
    "connections with a cancel under way survive RECONNECT":
        ["unit/pool/test_cancel.c:one_that_is_retired_while_a_cancel_is_under_way_closes_behind_it"],
    "the time of those who waited in vain is in no statistic":
        ["e2e/test_pgbouncer_defects.py:test_who_waited_in_vain_has_waited"],
    "cancels go in plain text to servers that take TLS only":
        ["e2e/test_tls_servers.py:test_a_cancel_request_goes_with_tls"],
    "credentials for PAM and LDAP are taken in before the login":
        ["e2e/test_services.py:test_a_directory_that_hangs_holds_up_nobody_else",
         "e2e/test_services.py:test_names_that_nobody_knows_leave_nothing",
         "e2e/test_before_login.py:test_names_that_there_are_not_leave_nothing"],
    # Desynchronisation.
    "answers that are made up overtake real ones (#1555)":
        ["e2e/test_prepared.py:test_answers_made_up_and_real_ones_keep_their_order",
         "unit/pool/test_replies_state.c:an_answer_is_never_made_up_within_a_message"],
    "a named Parse in two segments is never answered (#1532)":
        ["e2e/test_pgbouncer_defects.py:test_a_named_parse_in_two_segments_is_answered",
         "e2e/test_prepared.py:test_a_bind_that_comes_in_two_segments_at_every_byte"],
    "DEALLOCATE ALL in a pipeline drops what is prepared behind it (#1535)":
        ["e2e/test_prepared.py:test_a_name_prepared_behind_a_drop_in_one_pipeline_is_kept",
         "e2e/test_prepared.py:test_a_name_prepared_behind_a_drop_in_one_batch_is_kept",
         "e2e/test_prepared.py:test_a_name_prepared_behind_a_drop_that_nobody_foresees_is_kept"],
    "a server is released between pipelined messages, or at an error and a Flush (#714 #759 #52)":
        ["e2e/test_pgbouncer_defects.py:test_between_pipelined_messages_nothing_is_released",
         "e2e/test_pgbouncer_defects.py:test_an_error_and_a_flush_release_nothing",
         "e2e/test_pools.py:test_pipelined_transactions_leave_nothing_open",
         "e2e/test_pools.py:test_flush_brings_answers_before_sync"],
    "the end of a COPY races, late CopyData reaches the next client (#1470 #1471 #57 #1025)":
        ["e2e/test_pools.py:test_a_copy_that_the_server_fails_leaves_the_client_in_step",
         "e2e/test_pools.py:test_a_client_killed_in_mid_copy_frees_its_backend",
         "e2e/test_pools.py:test_a_client_killed_between_two_messages_of_a_copy_copies_nothing",
         "e2e/test_streams.py:test_one_byte_per_segment_of_a_copy"],
    "a cancel reaches another client's query (#717 #245 #141 #147)":
        ["e2e/test_cancel.py:test_a_late_cancel_never_reaches_another_client",
         "e2e/test_cancel.py:test_a_cancel_with_a_wrong_key_does_nothing",
         "e2e/test_cancel.py:test_a_connection_is_not_handed_on_while_a_cancel_is_under_way"],
    "wrong answers of unknown cause (#164 #1484)":
        ["oracle/test_oracle.py:test_no_answer_reaches_the_wrong_client",
         "oracle/test_oracle.py:test_nor_when_server_connections_end_in_the_middle"],
    "NegotiateProtocolVersion is sent twice (#1459)":
        ["e2e/test_hostile.py:test_a_minor_version_is_negotiated_down"],
}


@pytest.mark.parametrize("defect", with_tests(WHERE))
def test_every_defect_has_its_test(defect):
    assert_tests_exist(WHERE[defect])


def test_an_idle_timeout_is_its_tenants_own(start):
    daemon = start(tenants={"acme": {"timeouts": {"client_idle": "200ms"}}})

    with daemon.wire_tenant("bravo") as other, daemon.wire_tenant("acme") as idle:
        assert [error["C"] for error in errors_of(idle.read_all())] == ["57P05"]
        assert rows_of(other.ask(query("SELECT 1"))) == [["1"]]


def test_a_long_value_follows_its_client(start):
    """Some 4,000 bytes for each of two clients on one server connection."""
    daemon = start(tenants={"defaults": {"pool": {"size": 1}}})
    paths = [", ".join(f"{letter * 50}_{i}" for i in range(80)) for letter in "ab"]

    with daemon.tenant("acme", options=f"-c search_path={paths[0].replace(' ', '')}") as one, \
            daemon.tenant("acme", options=f"-c search_path={paths[1].replace(' ', '')}") as two:
        for _ in range(2):
            for client, path in ((one, paths[0]), (two, paths[1])):
                assert client.execute("SHOW search_path").fetchone()[0].replace(" ", "") \
                    == path.replace(" ", "")


def test_a_long_value_that_was_set_follows_its_client(start):
    """A time zone may have any number of leading zeros in its offset."""
    daemon = start(tenants={"defaults": {"pool": {"size": 1}}})

    with daemon.tenant("acme") as one, daemon.tenant("acme") as two:
        zones = {one: "AAA" + "0" * 200 + "3", two: "BBB" + "0" * 200 + "4"}
        for client, zone in zones.items():
            client.execute(f"SET TimeZone = '{zone}'")
        for _ in range(2):
            for client, zone in zones.items():
                assert client.execute("SHOW TimeZone").fetchone()[0] == zone


def test_min_size_is_kept_whatever_the_size(start, cluster):
    """0 is no limit, as there."""
    before = backends(cluster)
    daemon = start(tenants={"defaults": {"pool": {"size": 0, "min_size": 3}}})

    with daemon.tenant("acme") as client:
        client.execute("SELECT 1")

        wait_until(lambda: len(backends(cluster) - before) == 3, "three connections are kept")

    with contextlib.ExitStack() as stack:
        for _ in range(25):
            client = stack.enter_context(daemon.wire_tenant("acme"))
            assert client.ask(query("BEGIN"))[-1].body == b"T"


@pytest.mark.parametrize("size, end", [(900, '"'), (3000, "...")])
def test_a_long_refusal_of_a_server_is_told(start, size, end):
    """The server repeats the value in its error. One that is much too long is cut, and says so."""
    daemon = start()

    with daemon.wire() as client:
        client.send(startup(user="app", database="app", app__tenant="acme",
                            statement_timeout="x" * size))
        fields = errors_of(client.read_all())[-1]

    assert (fields["S"], fields["C"]) == ("FATAL", "22023")
    whole = f'invalid value for parameter "statement_timeout": "{"x" * size}"'
    assert fields["M"].endswith(end)
    assert whole.startswith(fields["M"].removesuffix("...")) and len(fields["M"]) > 900


def test_names_that_there_are_not_leave_nothing(start):
    daemon = start()

    def known():
        shown = {noun: len(daemon.console(f"SHOW {noun}"))
                 for noun in ("DATABASES", "POOLS", "USERS", "TENANTS")}
        seen = {row["list"]: row["items"] for row in daemon.console("SHOW LISTS")}
        return shown | {"seen": seen["tenants_seen"]}

    before = known()
    for number in range(200):
        with daemon.wire() as client:
            client.send(startup(user="app", database=f"no_{number}", app__tenant=f"no_{number}"))
            assert [error["C"] for error in errors_of(client.read_all())] == ["3D000"]

    assert known() == before


def test_a_wait_is_bounded_as_its_own_tenant_says(start):
    daemon = start(tenants={"defaults": {"pool": {"size": 1}},
                            "bravo": {"timeouts": {"query_wait": "100ms"}}})

    with daemon.tenant("acme") as holder, daemon.wire_tenant("acme") as patient, \
            daemon.wire_tenant("acme") as later, daemon.wire_tenant("bravo") as impatient:
        with holder.transaction():
            holder.execute("SELECT 1")
            for number, client in enumerate((patient, later), 1):
                client.send(query("SELECT 1"))
                await_waiting(daemon, number)
                assert "query_wait_timeout" in errors_of(impatient.ask(query("SELECT 1")))[0]["M"]
                await_waiting(daemon, number)
        for client in (patient, later):
            assert rows_of(client.read_until("Z")) == [["1"]]


def test_who_waited_in_vain_has_waited(start):
    daemon = start(tenants={"defaults": {"pool": {"size": 1}},
                            "bravo": {"timeouts": {"query_wait": "100ms"}}})

    with daemon.tenant("acme") as holder, daemon.wire_tenant("bravo") as impatient:
        with holder.transaction():
            holder.execute("SELECT 1")
            assert errors_of(impatient.ask(query("SELECT 1")))

        tenants = {row["name"]: row for row in daemon.console("SHOW TENANTS")}
        assert int(tenants["bravo"]["wait_us"]) >= 90_000


def test_reconnect_never_exceeds_the_size(start):
    size, stop = 3, threading.Event()
    daemon = start(tenants={"defaults": {"pool": {"size": size}}})
    states = ("sv_active", "sv_active_cancel", "sv_being_canceled", "sv_idle", "sv_used",
              "sv_tested", "sv_login")

    def work():
        with daemon.tenant("acme") as client:
            while not stop.is_set():
                client.execute("SELECT 1")

    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for _ in range(40):
        daemon.console("RECONNECT")
        for pool in daemon.console("SHOW POOLS"):
            assert sum(int(pool[state]) for state in states) <= size
    stop.set()
    for thread in threads:
        thread.join()


@pytest.mark.parametrize("more, step", [("", 1), (" /* " + "x" * 2000 + " */", 97)])
def test_a_named_parse_in_two_segments_is_answered(transaction_proxy, more, step):
    batch = parse("SELECT $1::int" + more, "split", (23,))
    rest = describe("S", "split") + bind((7,), "split") + execute() + sync()

    with transaction_proxy.wire_tenant("acme") as client:
        for at in range(1, len(batch), step):
            client.send_apart(batch[:at])
            client.send(batch[at:] + rest)
            assert rows_of(client.read_until("Z")) == [["7"]]
            client.ask(close("S", "split") + sync())


@pytest.mark.parametrize("build", [query, extended])
def test_between_pipelined_messages_nothing_is_released(start, cluster, build):
    """The first answer is there, the second waits for a lock."""
    daemon = start(tenants={"defaults": {"pool": {"size": 1}}})

    with cluster.connect("app") as holder, daemon.wire_tenant("acme") as client, \
            daemon.wire_tenant("bravo") as other:
        holder.execute("SELECT pg_advisory_lock(714)")
        client.ask(query("SELECT 0"))  # no switch stands before what follows
        client.send(build("SELECT 1") + build("SELECT 2 FROM pg_advisory_xact_lock_shared(714)"))
        assert rows_of(client.read_until("Z")) == [["1"]]
        other.send(query("SELECT 'other'"))
        await_waiting(daemon, 1)
        holder.execute("SELECT pg_advisory_unlock(714)")
        assert rows_of(client.read_until("Z")) == [["2"]]
        assert rows_of(other.read_until("Z")) == [["other"]]


def test_an_error_and_a_flush_release_nothing(start):
    """Behind the error the server reads up to the Sync: until then the connection is nobody
    else's."""
    daemon = start(tenants={"defaults": {"pool": {"size": 1}}})

    with daemon.wire_tenant("acme") as client, daemon.wire_tenant("bravo") as other:
        client.send(parse("SELECT nothing FROM nowhere") + flush())
        assert errors_of(client.read_until("E"))
        other.send(query("SELECT 'other'"))
        await_waiting(daemon, 1)
        client.send(parse("SELECT 1") + bind() + execute() + sync())
        assert [message.type for message in client.read_until("Z")] == ["Z"]
        assert rows_of(other.read_until("Z")) == [["other"]]
        assert rows_of(client.ask(query("SELECT 'mine'"))) == [["mine"]]
