# SPDX-License-Identifier: MIT
"""ALTER TENANT … ROTATE PASSWORD is held up at every step: clients of another proxy log in meanwhile;
fahrend is killed there: the tenant is served by the next one, and the same command ends it.

The store is a program that stands still where a file says so, before or after what it does.
"""

import hashlib
import hmac
import threading

import psycopg
import pytest

from deadline import wait_until
from proxy import ConsoleError
from tenants import ask, begin, objects_of, server  # noqa: F401 - fixtures
from wirepeer import Closed

KEEPER = """\
D={folder}
hold() {{
    [ "$(cat $D/hold 2>/dev/null)" = "$1 $2 $3" ] || return 0
    touch $D/held
    while [ -e $D/hold ]; do sleep 0.02; done
    exit 1
}}
hold before $1 $2
case $1 in
read) cat $D/kept.$2 2>/dev/null || exit 44 ;;
write) cat >$D/kept.$2 ;;
delete) rm $D/kept.$2 2>/dev/null || exit 44 ;;
esac
hold after $1 $2
"""
ROLE = "tenant_half"
STEPS = [f"before write {ROLE}@next", f"after write {ROLE}@next", f"before write {ROLE}",
         f"after write {ROLE}", f"before delete {ROLE}@next", f"after delete {ROLE}@next"]
COMMAND = "ALTER TENANT half ROTATE PASSWORD"
KEY = "a master key of the tests"


@pytest.fixture
def keeper(tmp_path):
    (tmp_path / "keeper").write_text(KEEPER.format(folder=tmp_path))
    return {"secrets": {"store": "own", "providers": {"kept": None, "own": {
        "type": "exec", "command": ["/bin/sh", str(tmp_path / "keeper")]}}}}


DERIVED = {"secrets": {"store": "master", "providers": {
    "kept": None, "master": {"type": "derive", "key": KEY}}}}


def derived(epoch):
    word = ROLE.encode() + b"\0" + str(epoch).encode()
    return hmac.new(KEY.encode(), word, hashlib.sha256).hexdigest()


def opens(server, password):
    try:
        psycopg.connect(host="127.0.0.1", port=server.port, user=ROLE, password=password,
                        dbname="app").close()
    except psycopg.OperationalError as error:
        assert "password authentication failed" in str(error)
        return False
    return True


def say(daemon, command=COMMAND):
    try:
        daemon.console(command)
    except (ConsoleError, OSError, Closed):
        pass


def no_work_is_left(server):
    return server.run("SELECT count(*) FROM pg_stat_activity WHERE application_name ="
                      " 'fahrend provision'") == [(0,)]


def lets_in(daemon):
    return [row["state"] for row in daemon.console("SHOW TENANTS")] == ["active"]


class Held:
    """A rotation that stands still at a step of the store until it is let go."""

    def __init__(self, daemon, folder, step):
        self.folder, self.daemon = folder, daemon
        (folder / "held").unlink(missing_ok=True)
        (folder / "hold").write_text(step)
        self.thread = threading.Thread(target=say, args=(daemon,))

    def __enter__(self):
        self.thread.start()
        wait_until((self.folder / "held").exists, "the step is reached")

    def __exit__(self, *_):
        (self.folder / "hold").unlink()
        self.thread.join()


def new_login(daemon):
    """A client whose server connection is made for it."""
    daemon.console("RECONNECT")
    assert ask(daemon, "half", "SELECT current_user") == [(ROLE,)]


@pytest.mark.parametrize("step", STEPS)
def test_rotation_is_finished_by_the_same_command(begin, server, tmp_path, keeper, step):
    daemon, other = begin(**keeper), begin(**keeper)
    daemon.console("CREATE TENANT half WITH (strategy = schema)")
    former = (tmp_path / f"kept.{ROLE}").read_text()
    wait_until(lambda: lets_in(other), "the other proxy knows it")
    new_login(other)

    with Held(daemon, tmp_path, step):
        new_login(other)
        new_login(daemon)
        daemon.process.kill()
        daemon.process.wait()
    wait_until(lambda: no_work_is_left(server), "its connections have ended")
    new_login(other)
    third = begin(**keeper)
    new_login(third)
    third.console(COMMAND)

    new_login(third)
    new_login(other)
    password = (tmp_path / f"kept.{ROLE}").read_text()
    assert opens(server, password) and not opens(server, former)
    third.console("DROP TENANT half")
    assert objects_of(server, "half") == [] and not list(tmp_path.glob("kept.*"))


def test_both_epochs_are_good_while_derived_passwords_change(begin, server):
    daemon, other = begin(**DERIVED), begin(**DERIVED)
    daemon.console("CREATE TENANT half WITH (strategy = schema)")
    wait_until(lambda: lets_in(other), "the other proxy knows it")
    new_login(other)
    thread = threading.Thread(target=say, args=(daemon,))

    with server.connect("app") as conn:  # the server has the new one, the registry does not
        conn.autocommit = False
        conn.execute("LOCK TABLE fahrend.tenants IN SHARE MODE")
        thread.start()
        wait_until(lambda: opens(server, derived(1)), "the server has the new one")
        new_login(other)
        new_login(daemon)
        daemon.process.kill()
        daemon.process.wait()
        thread.join()
        conn.rollback()
    wait_until(lambda: no_work_is_left(server), "its connections have ended")
    third = begin(**DERIVED)
    new_login(third)
    third.console(COMMAND)

    new_login(third)
    new_login(other)
    third.console("DROP TENANT half")


def test_a_file_may_count_the_epoch_before_the_server_has_it(begin, server):
    def config(epoch):
        return DERIVED | {"tenants": {"half": {"strategy": "schema", "password_epoch": epoch}}}
    first = begin(**config(3))
    first.console("CREATE TENANT half")
    new_login(first)

    second = begin(**config(4))
    new_login(second)
    second.console("CREATE TENANT half")
    new_login(second)
    new_login(first)

    assert opens(server, derived(4)) and not opens(server, derived(3))
    second.console("DROP TENANT half")


def test_other_proxies_are_told_of_a_rotation(begin, server, keeper):
    daemon, other = begin(**keeper), begin(**keeper)
    daemon.console("CREATE TENANT half WITH (strategy = schema)")
    wait_until(lambda: lets_in(other), "the other proxy knows it")
    with other.tenant("half") as conn:
        conn.execute("SELECT 1")
        before = {row["remote_pid"] for row in other.console("SHOW SERVERS")}
        conn.execute("BEGIN")
        pid = conn.execute("SELECT pg_backend_pid()").fetchone()
        daemon.console(COMMAND)
        wait_until(lambda: "password was changed" in other.log, "the other proxy has the new one")
        assert conn.execute("SELECT pg_backend_pid()").fetchone() == pid  # until it is released
        conn.execute("COMMIT")
        assert conn.execute("SELECT pg_backend_pid()").fetchone()[0] not in before

    assert "password authentication failed" not in other.log
    daemon.console("DROP TENANT half")
