# SPDX-License-Identifier: MIT
"""A real PostgreSQL for tests: in a temporary directory, on loopback, as an unprivileged user.

initdb runs once per process and program directory; each Cluster starts from a copy. The server is
one child process, ended by its pid. Connections from loopback are trusted, but for roles whose name
begins with pw_: those are asked for a password by the method that their name ends in; and members
of pw_asked, by SCRAM.
"""

import glob
import itertools
import os
import pwd
import random
import re
import shutil
import signal
import socket
import subprocess
import tempfile

import psycopg

from deadline import wait_until

HBA = """\
local all all trust
host all pw_password 127.0.0.1/32 password
host all pw_md5 127.0.0.1/32 md5
host all pw_scram,pw_wrong 127.0.0.1/32 scram-sha-256
host all +pw_asked 127.0.0.1/32 scram-sha-256
host all pw_reject 127.0.0.1/32 reject
host all all 127.0.0.1/32 trust
"""

SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "max_connections": "200",
    "shared_buffers": "32MB",
    "autovacuum": "off",
    "log_min_messages": "warning",
    "timezone": "UTC",
}

PORTS = range(10000, 32000)

_templates = {}
_first = random.SystemRandom().choice(PORTS)
_ports = itertools.cycle([*range(_first, PORTS.stop), *range(PORTS.start, _first)])


def find_bindir():
    """The directory of PostgreSQL's programs: $PG_BINDIR, or the newest that Debian installed."""
    named = os.environ.get("PG_BINDIR")
    if named:
        return named
    found = glob.glob("/usr/lib/postgresql/*/bin/postgres")
    if not found:
        raise RuntimeError("no PostgreSQL server under /usr/lib/postgresql; set PG_BINDIR")
    newest = max(found, key=lambda path: int(re.search(r"/(\d+)/", path)[1]))
    return os.path.dirname(newest)


def free_port():
    """A TCP port of 127.0.0.1 that nobody uses: below those that the kernel gives to clients, and
    counted up from a point of this process's own, so that tests that run side by side (two daemons
    would share one port without a word, by SO_REUSEPORT) do not meet."""
    for port in _ports:
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise RuntimeError("no port is free")


def unprivileged_user():
    """Whom the server runs as, or None where we are not root: PostgreSQL refuses to run as root."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise RuntimeError("no user postgres or nobody to run PostgreSQL as")


def as_user(user, command):
    """`command` with the rights of `user` and no others."""
    if user is None:
        return command
    drop = ["setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups", "--"]
    return drop + command


def give_to(user, path):
    if user is not None:
        os.chown(path, user.pw_uid, user.pw_gid)


def make_template(bindir, user):
    """Runs initdb once for these programs and returns the data directory to copy from."""
    if bindir not in _templates:
        parent = tempfile.mkdtemp(prefix="pg-template-")
        give_to(user, parent)
        data = os.path.join(parent, "data")
        command = [os.path.join(bindir, "initdb"), "-D", data, "-U", "postgres", "-A", "trust",
                   "-E", "UTF8", "--locale=C.UTF-8", "--no-sync"]
        subprocess.run(as_user(user, command), check=True, cwd="/", stdout=subprocess.DEVNULL)
        _templates[bindir] = parent
    return os.path.join(_templates[bindir], "data")


def drop_templates():
    """Removes what make_template left; at the end of a run."""
    for parent in _templates.values():
        shutil.rmtree(parent, ignore_errors=True)
    _templates.clear()


class Cluster:
    """One PostgreSQL server. Use as a context manager, or call start() and stop()."""

    def __init__(self, bindir=None, **settings):
        self.bindir = bindir or find_bindir()
        self.user = unprivileged_user()
        self.settings = {**SETTINGS, **settings}
        self.host = "127.0.0.1"
        self.port = free_port()
        self.directory = None
        self.process = None

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *exc):
        self.stop()

    @property
    def log(self):
        with open(os.path.join(self.directory, "log"), encoding="utf-8", errors="replace") as file:
            return file.read()

    def start(self):
        if self.directory is None:
            self._make_directory()
        self._spawn()
        wait_until(self._answers, "PostgreSQL answers", patience=60)

    def stop(self):
        """Ends the server and removes its directory. At once: what it holds is thrown away, and a fast
        shutdown that arrives while a crash is being recovered from may never end."""
        self.halt(signal.SIGQUIT)
        if self.directory is not None:
            shutil.rmtree(self.directory, ignore_errors=True)
            self.directory = None

    def halt(self, how=signal.SIGINT):
        """Ends the server (SIGINT is its fast shutdown), keeping its data for another start()."""
        if self.process is not None:
            self.process.send_signal(how)
            self.process.wait(timeout=60)
            self.process = None

    def connect(self, dbname="postgres", user="postgres", **options):
        """A psycopg connection straight to the server, in autocommit."""
        options.setdefault("autocommit", True)
        return psycopg.connect(host=self.host, port=self.port, dbname=dbname, user=user, **options)

    def run(self, sql, dbname="postgres", params=None):
        """Runs SQL as the superuser and returns its rows, if it has some."""
        with self.connect(dbname) as conn:
            cursor = conn.execute(sql, params)
            return cursor.fetchall() if cursor.description else None

    def _make_directory(self):
        template = make_template(self.bindir, self.user)
        self.directory = tempfile.mkdtemp(prefix="pg-")
        give_to(self.user, self.directory)
        data = os.path.join(self.directory, "data")
        subprocess.run(as_user(self.user, ["cp", "-a", template, data]), check=True, cwd="/")
        with open(os.path.join(data, "pg_hba.conf"), "w", encoding="utf-8") as file:
            file.write(HBA)
        with open(os.path.join(data, "postgresql.auto.conf"), "a", encoding="utf-8") as file:
            for name, value in self.settings.items():
                file.write(f"{name} = '{value}'\n")

    def _spawn(self):
        command = [os.path.join(self.bindir, "postgres"), "-D", os.path.join(self.directory, "data"),
                   "-p", str(self.port), "-k", self.directory]
        with open(os.path.join(self.directory, "log"), "ab") as log:
            self.process = subprocess.Popen(as_user(self.user, command), cwd="/",
                                            stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    def _answers(self):
        if self.process.poll() is not None:
            raise AssertionError(f"PostgreSQL ended with {self.process.returncode}:\n{self.log}")
        try:
            self.connect().close()
            return True
        except psycopg.OperationalError:
            return False
