# SPDX-License-Identifier: MIT
"""The console, the signals and the command line."""

import json
import os
import re
import signal
import subprocess

import pytest

from cluster import free_port
from deadline import wait_until
from proxy import ConsoleError, Proxy, base_config, binary, console_rows, merge
from wirepeer import Closed, LoginFailed, errors_of, extended, query, rows_of, tags_of
from world import tenants_config

POOL_COLUMNS = ["database", "user", "cl_active", "cl_waiting", "cl_active_cancel_req",
                "cl_waiting_cancel_req", "sv_active", "sv_active_cancel", "sv_being_canceled",
                "sv_idle", "sv_used", "sv_tested", "sv_login", "maxwait", "maxwait_us",
                "pool_mode"]
CLIENT_COLUMNS = ["type", "user", "database", "replication", "state", "addr", "port", "local_addr",
                  "local_port", "connect_time", "request_time", "wait", "wait_us", "close_needed",
                  "ptr", "link", "remote_pid", "tls", "application_name"]


@pytest.fixture(scope="module")
def daemon(cluster):
    with Proxy(base_config(cluster.port, tenants=tenants_config(size=3))) as proxy:
        yield proxy


def test_show_tenants_names_each_with_its_strategy(daemon):
    with daemon.wire_tenant("acme") as client:
        client.value("SELECT 1")
        rows = {row["name"]: row for row in daemon.console("SHOW TENANTS")}

    assert {name: row["strategy"] for name, row in rows.items()} == {
        "acme": "rls", "bravo": "rls", "carol": "schema", "delta": "schema",
        "echo": "database", "foxtrot": "database", "golf": "none", "hotel": "none"}
    assert rows["acme"]["server"] == "main"
    assert rows["acme"]["clients"] == "1"


def test_show_pools_has_pgbouncers_columns_first(daemon):
    with daemon.wire_tenant("acme") as client:
        client.ask(query("BEGIN"))
        rows = daemon.console("SHOW POOLS")

    assert list(rows[0])[:len(POOL_COLUMNS)] == POOL_COLUMNS
    (pool,) = [row for row in rows if row["database"] == "app"]
    assert (pool["user"], pool["cl_active"], pool["sv_active"], pool["pool_mode"]) == (
        "app", "1", "1", "transaction")


def test_show_clients_has_a_row_for_each(daemon):
    with daemon.wire_tenant("acme", application_name="seen here") as client:
        client.ask(query("BEGIN"))
        rows = daemon.console("SHOW CLIENTS")

    assert list(rows[0])[:len(CLIENT_COLUMNS)] == CLIENT_COLUMNS
    (row,) = [row for row in rows if row["application_name"] == "seen here"]
    assert (row["type"], row["user"], row["state"], row["addr"]) == (
        "C", "app", "active", "127.0.0.1")


def test_show_servers_has_a_row_for_each(daemon, cluster):
    with daemon.wire_tenant("acme") as client:
        client.ask(query("BEGIN"))
        pid = client.value("SELECT pg_backend_pid()")
        rows = daemon.console("SHOW SERVERS")

    (row,) = [row for row in rows if row["remote_pid"] == pid]
    assert list(rows[0])[:len(CLIENT_COLUMNS)] == CLIENT_COLUMNS
    assert (row["type"], row["user"], row["state"], row["port"]) == (
        "S", "app", "active", str(cluster.port))


def test_show_version_is_the_programs(daemon):
    (row,) = daemon.console("SHOW VERSION")

    assert re.search(r"\d+\.\d+\.\d+", row["version"])
    assert "fahrend" in row["version"]


def test_show_config_has_the_value_and_default_of_each_key(daemon):
    rows = {row["key"]: row for row in daemon.console("SHOW CONFIG")}

    assert rows["listen.port"]["value"] == str(daemon.port)
    assert rows["listen.port"]["default"] == "6432"
    assert rows["listen.port"]["changeable"] in ("yes", "no")


def test_show_config_shows_no_secret(daemon):
    assert "app-secret" not in json.dumps(daemon.console("SHOW CONFIG"))


def test_show_help_names_the_commands(daemon):
    with daemon.wire() as client:
        client.login("admin-secret", user="admin", database="fahrend")
        text = b"".join(m.body for m in client.ask(query("SHOW HELP"))).decode()

    for word in ("TENANTS", "POOLS", "CLIENTS", "SERVERS", "VERSION", "CONFIG", "RELOAD",
                 "SHUTDOWN"):
        assert word in text


@pytest.mark.parametrize("command", ["show version", "SHOW VERSION;", "  Show   Version ; "])
def test_commands_are_read_in_any_case_and_with_a_semicolon(daemon, command):
    assert len(daemon.console(command)) == 1


@pytest.mark.parametrize("command", ["SHOW NONSENSE", "NONSENSE", "SELECT 1; DROP TABLE x"])
def test_an_unknown_command_is_an_error_and_the_console_goes_on(daemon, command):
    with daemon.wire() as client:
        client.login("admin-secret", user="admin", database="fahrend")
        with pytest.raises(ConsoleError):
            console_rows(client, command)

        assert console_rows(client, "SHOW VERSION")


def test_the_console_speaks_the_extended_protocol(daemon):
    with daemon.wire() as client:
        client.login("admin-secret", user="admin", database="fahrend")
        answer = client.ask(extended("SHOW VERSION"))

    assert not errors_of(answer)
    assert len(rows_of(answer)) == 1 and tags_of(answer) == ["SHOW"]


def test_psycopg_can_use_the_console(daemon):
    with daemon.connect(user="admin", dbname="fahrend", password="admin-secret") as conn:
        assert len(conn.execute("SHOW VERSION").fetchall()) == 1


def test_the_database_pgbouncer_is_the_console_too(daemon):
    with daemon.wire() as client:
        client.login("admin-secret", user="admin", database="pgbouncer")

        assert console_rows(client, "SHOW VERSION")


def test_to_others_the_consoles_database_is_one_like_any(daemon):
    with daemon.wire() as client, pytest.raises(LoginFailed) as refusal:
        client.login("app-secret", user="app", database="fahrend")
    assert refusal.value.sqlstate == "08004"

    with daemon.wire_tenant("acme", database="fahrend") as client:
        assert client.value("SELECT body FROM notes") == "of acme"
        assert errors_of(client.ask(query("SHOW TENANTS")))[0]["C"] == "42704"


def test_an_admin_needs_the_password(start):
    daemon_asking = start(auth={"method": "scram-sha-256"})
    with daemon_asking.wire() as client, pytest.raises(LoginFailed) as refusal:
        client.login("wrong", user="admin", database="fahrend")

    assert refusal.value.sqlstate == "28P01"


# Reloading: all or nothing.


def new_config(cluster, daemon, **changes):
    config = base_config(cluster.port, tenants=tenants_config())
    config["listen"]["port"] = daemon.port
    return merge(config, changes)


def by_console(daemon):
    daemon.console("RELOAD")


def by_signal(daemon):
    daemon.signal(signal.SIGHUP)


def tenant_names(daemon):
    return {row["name"] for row in daemon.console("SHOW TENANTS")}


@pytest.mark.parametrize("reload", [by_console, by_signal])
def test_a_reload_takes_a_new_tenant(start, cluster, reload):
    daemon = start()
    daemon.write(new_config(cluster, daemon, tenants={"newcomer": {}}))
    reload(daemon)
    wait_until(lambda: "newcomer" in tenant_names(daemon), "the tenant is there")

    with daemon.wire_tenant("newcomer") as client:
        assert client.value("SELECT current_setting('app.tenant')") == "newcomer"


def test_a_reload_keeps_connected_clients(start, cluster):
    daemon = start()
    with daemon.wire_tenant("acme") as client:
        client.ask(query("BEGIN"))
        daemon.write(new_config(cluster, daemon, tenants={"newcomer": {}}))
        daemon.console("RELOAD")

        assert client.value("SELECT body FROM notes") == "of acme"
        assert client.ask(query("COMMIT"))[-1].body == b"I"
        assert client.value("SELECT body FROM notes") == "of acme"


BAD = {
    "a syntax error": "tenants: [unclosed\n",
    "an unknown key": {"tenants": {"newcomer": {}}, "nonsense": 1},
    "a bad value": {"tenants": {"newcomer": {"strategy": "magic"}}},
    "an unknown server": {"tenants": {"newcomer": {"server": "nowhere"}}},
}


@pytest.mark.parametrize("case", BAD)
def test_a_bad_file_changes_nothing(start, cluster, case):
    daemon = start()
    before = tenant_names(daemon)
    bad = BAD[case]
    daemon.write(bad if isinstance(bad, str) else new_config(cluster, daemon, **bad))

    with pytest.raises(ConsoleError):
        daemon.console("RELOAD")

    assert tenant_names(daemon) == before
    with daemon.wire_tenant("acme") as client:
        assert client.value("SELECT body FROM notes") == "of acme"


def test_a_bad_file_is_logged_with_its_place_on_sighup(start):
    daemon = start()
    daemon.write("tenants: [unclosed\n")
    daemon.signal(signal.SIGHUP)

    wait_until(lambda: re.search(r"fahrend\.yaml:\d+:\d+", daemon.log), "the fault is logged")
    daemon.assert_alive()


# Ending.


def ends(cluster, how):
    """A proxy that is told to end; the caller asserts how."""
    daemon = Proxy(base_config(cluster.port, tenants=tenants_config()))
    daemon.start()
    how(daemon)
    return daemon


def shutdown_by_console(daemon):
    with daemon.wire() as client:
        client.login("admin-secret", user="admin", database="fahrend")
        client.send(query("SHUTDOWN"))
        client.read_all()


@pytest.mark.parametrize("how", [
    shutdown_by_console, lambda d: d.signal(signal.SIGTERM), lambda d: d.signal(signal.SIGINT),
    lambda d: d.signal(signal.SIGQUIT)], ids=["SHUTDOWN", "TERM", "INT", "QUIT"])
def test_it_ends_cleanly_by(cluster, how):
    ends(cluster, how).expect_end(0)


def test_sigterm_waits_for_clients(cluster):
    daemon = Proxy(base_config(cluster.port, tenants=tenants_config()))
    daemon.start()
    client = daemon.wire_tenant("acme")
    client.ask(query("BEGIN"))

    daemon.signal(signal.SIGTERM)
    wait_until(lambda: refuses_newcomers(daemon), "newcomers are refused")
    assert client.value("SELECT body FROM notes") == "of acme"
    client.ask(query("COMMIT"))
    client.close()

    daemon.expect_end(0)


def refuses_newcomers(daemon):
    try:
        with daemon.wire_tenant("acme"):
            return False
    except (LoginFailed, Closed, ConnectionError):
        return True


def test_a_second_sigterm_ends_at_once(cluster):
    daemon = Proxy(base_config(cluster.port, tenants=tenants_config()))
    daemon.start()
    with daemon.wire_tenant("acme") as client:
        client.ask(query("BEGIN"))
        daemon.signal(signal.SIGTERM)
        wait_until(lambda: refuses_newcomers(daemon), "newcomers are refused")
        daemon.signal(signal.SIGTERM)

        daemon.expect_end(0)


def test_sigquit_does_not_wait_for_clients(cluster):
    daemon = Proxy(base_config(cluster.port, tenants=tenants_config()))
    daemon.start()
    with daemon.wire_tenant("acme") as client:
        client.ask(query("BEGIN"))
        daemon.signal(signal.SIGQUIT)

        daemon.expect_end(0)


# The command line.


def call(*arguments):
    return subprocess.run([binary(), *arguments], capture_output=True, text=True, timeout=60,
                          check=False)


def check(tmp_path, text):
    file = tmp_path / "fahrend.yaml"
    file.write_text(text, encoding="utf-8")
    done = call("--check", "-c", str(file))
    faults = [line.removeprefix(f"{file}:") for line
              in (done.stdout + done.stderr).splitlines() if line.startswith(f"{file}:")]
    return done.returncode, faults


GOOD = "servers:\n  main: {host: 127.0.0.1, port: 5432}\n"


def test_check_accepts_a_good_file(tmp_path):
    assert check(tmp_path, GOOD) == (0, [])


FAULTS = {
    "an unknown key": (GOOD + "lisen: {}\n", "3:1:", "lis"),
    "an unknown key deep down": (GOOD + "listen: {prot: 1}\n", "3:10:", "port"),
    "a number out of bounds": (GOOD + "listen: {port: 70000}\n", "3:16:", "port"),
    "a word where a number belongs": (GOOD + "listen:\n  port: many\n", "4:9:", "port"),
    "a choice that there is not": (GOOD + "tenants:\n  acme: {strategy: magic}\n", "4:20:",
                                   "magic"),
    "a time without a unit": (GOOD + "tenants:\n  defaults: {timeouts: {query_wait: 5}}\n",
                              "4:37:", "query_wait"),
    "an unknown server": (GOOD + "tenants:\n  acme: {server: other}\n", "4:18:", "other"),
    "a name that no tenant may have": (GOOD + "tenants:\n  -acme: {}\n", "4:3:", "acme"),
    "a syntax error": (GOOD + "tenants: [\n", "4:1:", ""),
    "a key twice": (GOOD + "listen: {port: 1}\nlisten: {port: 2}\n", "4:1:", "listen"),
}


@pytest.mark.parametrize("case", FAULTS)
def test_check_reports_with_its_place(tmp_path, case):
    text, place, word = FAULTS[case]

    code, faults = check(tmp_path, text)

    assert code == 2
    assert len(faults) == 1 and faults[0].startswith(place), faults
    assert word in faults[0]


def test_check_reports_every_fault_at_once(tmp_path):
    code, faults = check(tmp_path, GOOD + "one: 1\ntwo: 2\nlisten: {port: many}\n")

    assert code == 2
    assert [fault.split(": ")[0] for fault in faults] == ["3:1", "4:1", "5:16"]


def test_check_suggests_what_was_meant(tmp_path):
    _, faults = check(tmp_path, GOOD + "tenantz: {}\n")

    assert "tenants" in faults[0]


def test_check_misses_servers(tmp_path):
    assert check(tmp_path, "listen: {port: 1}\n")[0] == 2


def test_check_of_a_file_that_is_not_there_is_an_error(tmp_path):
    assert call("--check", "-c", str(tmp_path / "nothing.yaml")).returncode == 2


def test_a_bad_file_keeps_the_daemon_from_starting(tmp_path):
    file = tmp_path / "fahrend.yaml"
    file.write_text("nonsense: 1\n", encoding="utf-8")

    done = call("-c", str(file))

    assert done.returncode == 2
    assert f"{file}:1:1" in done.stdout + done.stderr


def test_a_port_that_is_taken_is_a_failure_at_run_time(tmp_path, cluster):
    file = tmp_path / "fahrend.yaml"
    config = base_config(cluster.port, listen={"port": cluster.port})
    file.write_text(json.dumps(config), encoding="utf-8")

    assert call("-c", str(file)).returncode == 1


def test_the_reference_has_every_key():
    done = call("--reference")

    assert done.returncode == 0
    for key in ("listen", "servers", "auth", "users", "tenancy", "tenants", "limits", "admin",
                "log", "query_wait", "reset_query"):
        assert re.search(rf"\b{key}\b", done.stdout), key


def test_the_reference_in_the_tree_is_what_the_program_prints():
    path = os.path.join(os.path.dirname(__file__), "..", "..", "conf", "reference.yaml")
    with open(path, encoding="utf-8") as file:
        assert file.read() == call("--reference").stdout


def test_version_and_help():
    assert re.fullmatch(r"fahrend \d+\.\d+\.\d+\n", call("--version").stdout)
    assert "--check" in call("--help").stdout
    assert call("--version").returncode == call("--help").returncode == 0


@pytest.mark.parametrize("arguments", [["--nonsense"], ["-c"], ["stray"]])
def test_bad_usage_ends_with_2(arguments):
    assert call(*arguments).returncode == 2


def test_a_daemon_that_cannot_reach_its_server_still_starts(start):
    daemon = start(servers={"main": {"port": free_port()}})

    assert daemon.console("SHOW VERSION")
