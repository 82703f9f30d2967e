# SPDX-License-Identifier: MIT
"""Coming from PgBouncer: a pgbouncer.ini runs Debian's PgBouncer, and fahrend by what `fahrenctl
import` makes of it, before the same PostgreSQL. Both must let in the same users to the same
databases, through pools of the same mode and size."""

import contextlib
import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile

import psycopg
import pytest

from cluster import as_user, free_port, give_to
from deadline import wait_until
from proxy import Proxy, binary, console_rows
from wirepeer import LoginFailed, WireClient

PROGRAM = shutil.which("pgbouncer", path=os.environ.get("PATH", "") + ":/usr/sbin")
needs_pgbouncer = pytest.mark.skipif(PROGRAM is None, reason="Debian's pgbouncer is not installed")

INI = """\
;; what a pgbouncer.ini looks like after some years
[databases]
plain = host=127.0.0.1 port={server} pool_size=2
alias = host=127.0.0.1 port={server} dbname=plain pool_mode=session pool_size=1
forced = host=127.0.0.1 port={server} dbname=app user=pw_scram password='scram-secret'
by_file = host=127.0.0.1 port={server} dbname=app user=pw_md5
wrong = host=127.0.0.1 port={server} dbname=app user=pw_wrong password=nonsense
gone = host=127.0.0.1 port={server} dbname=no_such_database
* = host=127.0.0.1 port={server} pool_size=3

[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
%include {directory}/more.ini

[users]
other = max_user_connections=50
"""

MORE = """\
unix_socket_dir = {directory}
auth_type = {auth}
auth_file = users.txt
pool_mode = transaction
default_pool_size = 4
query_wait_timeout = 1
max_client_conn = 40
admin_users = admin
stats_users = watcher, other
ignore_startup_parameters = extra_float_digits
server_round_robin = 1
"""

# The md5 secret is that of the role pw_md5; the verifier is of "other-secret".
USERS = """\
; who may log in
"app" "app-secret"
"other" "{verifier}"
"pw_md5" "md5-secret"
"admin" "admin ""quoted"" \\\\ secret"
"watcher" "watcher-secret"
"""

PASSWORDS = {"app": "app-secret", "other": "other-secret", "pw_md5": "md5-secret",
             "admin": 'admin "quoted" \\\\ secret', "watcher": "watcher-secret"}


def run_import(path):
    """What `fahrenctl import` says: (status, the configuration, the advice)."""
    program = os.path.join(os.path.dirname(binary()), "fahrenctl")
    done = subprocess.run([program, "import", path], capture_output=True, text=True, timeout=60,
                          cwd="/", check=False)
    assert "Sanitizer" not in done.stderr and "runtime error" not in done.stderr, done.stderr
    return done.returncode, done.stdout, done.stderr


def check(text):
    """What `fahrend --check` says about a configuration: (status, output)."""
    with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
        file.write(text)
        file.flush()
        done = subprocess.run([binary(), "--check", "-c", file.name], capture_output=True,
                              text=True, timeout=60, check=False)
    return done.returncode, done.stdout + done.stderr


class PgBouncer:
    """Debian's PgBouncer in the foreground, as the user that PostgreSQL runs as."""

    def __init__(self, path, port, user):
        self.path, self.port, self.user = path, port, user
        self.host = "127.0.0.1"

    def __enter__(self):
        with open(self.path + ".log", "wb") as log:
            self.process = subprocess.Popen(as_user(self.user, [PROGRAM, self.path]),
                                            cwd=os.path.dirname(self.path),
                                            stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        wait_until(self._listens, "PgBouncer listens")
        return self

    def __exit__(self, *exc):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(timeout=30)

    def _listens(self):
        if self.process.poll() is not None:
            with open(self.path + ".log", encoding="utf-8") as log:
                raise AssertionError(f"PgBouncer ended:\n{log.read()}")
        with contextlib.suppress(OSError):
            socket.create_connection((self.host, self.port), timeout=1).close()
            return True
        return False


def write_ini(directory, cluster, port, auth="md5"):
    """The files of a PgBouncer; returns the path of its ini."""
    cluster.run("SET password_encryption = 'scram-sha-256'; ALTER ROLE other PASSWORD 'other-secret'")
    (verifier,), = cluster.run("SELECT rolpassword FROM pg_authid WHERE rolname = 'other'")
    files = {"pgbouncer.ini": INI, "more.ini": MORE, "users.txt": USERS}
    for name, text in files.items():
        path = os.path.join(directory, name)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text.format(server=cluster.port, port=port, directory=directory, auth=auth,
                                   verifier=verifier))
        give_to(cluster.user, path)
    return os.path.join(directory, "pgbouncer.ini")


@contextlib.contextmanager
def start_both(cluster, **options):
    """PgBouncer and fahrend by one file; only the port differs, for both run at once."""
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="pgbouncer-") as directory:
        give_to(cluster.user, directory)
        path = write_ini(directory, cluster, port, **options)
        status, text, advice = run_import(path)
        assert status == 0, advice
        other = free_port()
        text, count = re.subn(rf"^  port: {port}$", f"  port: {other}", text, flags=re.M)
        assert count == 1, text
        daemon = Proxy(text)
        daemon.port = other
        with PgBouncer(path, port, cluster.user) as bouncer, daemon:
            yield bouncer, daemon


@pytest.fixture(scope="module")
def both(cluster):
    with start_both(cluster) as proxies:
        yield proxies


def connect(proxy, user, dbname, password=None):
    return psycopg.connect(host=proxy.host, port=proxy.port, user=user, dbname=dbname,
                           password=password or PASSWORDS.get(user, "none"), autocommit=True,
                           connect_timeout=20, prepare_threshold=None)


def reached(proxy, user, dbname, password=None):
    """Whom and what a login reaches, or None where it is refused."""
    try:
        with connect(proxy, user, dbname, password) as conn:
            return conn.execute("SELECT current_user, current_database()").fetchone()
    except psycopg.OperationalError:
        return None


LOGINS = [
    ("app", "plain", None, ("app", "plain")),
    ("app", "alias", None, ("app", "plain")),
    ("app", "forced", None, ("pw_scram", "app")),
    ("app", "by_file", None, ("pw_md5", "app")),
    ("app", "app", None, ("app", "app")),
    ("app", "postgres", None, ("app", "postgres")),
    ("other", "plain", None, ("other", "plain")),
    ("other", "forced", None, ("pw_scram", "app")),
    ("pw_md5", "app", None, ("pw_md5", "app")),
    ("app", "plain", "wrong", None),
    ("other", "plain", "wrong", None),
    ("nobody", "plain", "x", None),
    ("app", "wrong", None, None),
    ("app", "gone", None, None),
    ("app", "no_such_name", None, None),
    ("app", "tenant_echo", None, None),
    ("admin", "plain", None, None),
]


@needs_pgbouncer
@pytest.mark.parametrize("user,dbname,password,expected", LOGINS)
def test_a_login_reaches_the_same(both, user, dbname, password, expected):
    for proxy in both:
        assert reached(proxy, user, dbname, password) == expected


@needs_pgbouncer
@pytest.mark.parametrize("auth", ["trust", "plain", "scram-sha-256"])
def test_another_auth_type_lets_in_the_same(cluster, auth):
    answers = []
    with start_both(cluster, auth=auth) as proxies:
        for proxy in proxies:
            answers.append([reached(proxy, *login[:3]) for login in LOGINS])

    assert answers[0] == answers[1]
    assert answers[1][0] == ("app", "plain")
    assert (answers[1][9] is None) == (auth != "trust")


def count_transactions(proxy, dbname):
    """How many transactions can be open at once before the next waits in vain."""
    with contextlib.ExitStack() as stack:
        for count in range(10):
            try:
                conn = stack.enter_context(contextlib.closing(connect(proxy, "app", dbname)))
                conn.execute("BEGIN")
            except psycopg.OperationalError:
                return count
    raise AssertionError("there is no bound")


@needs_pgbouncer
@pytest.mark.parametrize("dbname,size", [("plain", 2), ("alias", 1), ("app", 3), ("by_file", 4)])
def test_a_pool_has_the_same_size(both, dbname, size):
    for proxy in both:
        assert count_transactions(proxy, dbname) == size


def idle_clients(proxy, dbname):
    """How many of three clients are served that stay connected outside of a transaction."""
    with contextlib.ExitStack() as stack:
        for count in range(3):
            try:
                conn = stack.enter_context(contextlib.closing(connect(proxy, "app", dbname)))
                conn.execute("SELECT 1")
            except psycopg.OperationalError:
                return count
    return 3


@needs_pgbouncer
@pytest.mark.parametrize("dbname,served", [("plain", 3), ("alias", 1)])
def test_a_pool_has_the_same_mode(both, dbname, served):
    for proxy in both:
        assert idle_clients(proxy, dbname) == served


def console(proxy, user, command):
    """Rows of a console command, or None where the user may not enter."""
    with WireClient(proxy.port) as client:
        try:
            client.login(user=user, database="pgbouncer", password=PASSWORDS[user])
        except LoginFailed:
            return None
        return console_rows(client, command)


@needs_pgbouncer
def test_the_console_is_open_to_the_same_users(both):
    for proxy in both:
        assert console(proxy, "admin", "SHOW VERSION")
        assert console(proxy, "watcher", "SHOW VERSION")
        assert console(proxy, "app", "SHOW VERSION") is None


@needs_pgbouncer
def test_the_console_shows_the_same_pool(both):
    shown = []
    for proxy in both:
        # the session pool of the same database comes first, and must not be taken for this one
        with connect(proxy, "app", "alias"), connect(proxy, "other", "plain"):
            database = next(row for row in console(proxy, "admin", "SHOW DATABASES")
                            if row["name"] == "plain" and row["pool_mode"] != "session")
            pool = next(row for row in console(proxy, "admin", "SHOW POOLS")
                        if (row["database"], row["user"]) == ("plain", "other"))
            shown.append([database["host"], database["port"], database["database"],
                          database["pool_size"], pool["pool_mode"]])

    assert shown[0] == shown[1] == ["127.0.0.1", shown[0][1], "plain", "2", "transaction"]


def test_what_is_written_passes_the_check(cluster):
    with tempfile.TemporaryDirectory(prefix="pgbouncer-") as directory:
        for auth in ("md5", "plain", "trust", "any", "hba", "cert", "scram-sha-256"):
            status, text, advice = run_import(write_ini(directory, cluster, 6432, auth))
            assert status == 0, advice
            assert check(text)[0] == 0, check(text)[1] + text


def test_advice_names_file_line_and_key(cluster):
    with tempfile.TemporaryDirectory(prefix="pgbouncer-") as directory:
        _, _, advice = run_import(write_ini(directory, cluster, 6432))

    lines = advice.splitlines()
    assert [line.split(": ")[0:2] for line in lines] == [
        [f"{directory}/more.ini:10", "ignore_startup_parameters"],
        [f"{directory}/more.ini:11", "server_round_robin"],
        [f"{directory}/pgbouncer.ini:17", "max_user_connections"]]


def test_a_fault_writes_nothing(tmp_path):
    path = tmp_path / "bad.ini"
    path.write_text("[pgbouncer]\nlisten_prot = 6432\npool_mode = quick\n[databases]\na = host\n",
                    encoding="utf-8")

    status, text, faults = run_import(str(path))

    assert (status, text) == (2, "")
    assert faults.splitlines() == [
        f'{path}:2: unknown key "listen_prot" in [pgbouncer], did you mean "listen_port"?',
        f'{path}:3: pool_mode cannot be "quick"',
        f"{path}:5: expected = behind a key of the connection string"]


def test_a_file_that_is_not_there_is_told(tmp_path):
    status, text, faults = run_import(str(tmp_path / "none.ini"))

    assert (status, text) == (2, "")
    assert faults == f"{tmp_path}/none.ini: No such file or directory\n"
