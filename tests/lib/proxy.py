# SPDX-License-Identifier: MIT
"""Runs the daemon under test: writes its file, starts it, waits until it listens, ends it by pid.

stop() asserts a clean end: exit code 0 and no word of a sanitizer. $FAHREND names the program,
$FAHREND_RELEASE one without sanitizers, for figures and for volume.
"""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import weakref

import psycopg

from cluster import free_port
from deadline import wait_until
from wirepeer import WireClient, errors_of, query, row_values

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SANITIZER = re.compile(r"Sanitizer|runtime error:|Assertion .* failed|assertion")

# Event loops of every proxy that says nothing of them; the end-to-end tests hold for any number.
WORKERS = int(os.environ.get("TEST_WORKERS", "1"))

# Proxies that run, so that a failing test can show their logs.
running = weakref.WeakSet()


def binary(release=False):
    """The program under test."""
    preset, name = ("release", "FAHREND_RELEASE") if release else ("dev", "FAHREND")
    return os.environ.get(name) or os.path.join(ROOT, "build", preset, "fahrend")


def merge(base, change):
    """`base` with the mapping `change` laid over it, key by key; None removes a key."""
    if not isinstance(base, dict) or not isinstance(change, dict):
        return change
    result = dict(base)
    for key, value in change.items():
        if value is None:
            result.pop(key, None)
        else:
            result[key] = merge(result.get(key), value)
    return result


class Proxy:
    """One daemon. `config` is what the file says, as a mapping (JSON is YAML) or as text."""

    def __init__(self, config, release=False, arguments=()):
        self.arguments = arguments
        self.release = release
        self.host = "127.0.0.1"
        self.port = config["listen"]["port"] if isinstance(config, dict) else None
        self.directory = tempfile.mkdtemp(prefix="fahrend-")
        self.file = os.path.join(self.directory, "fahrend.yaml")
        self.process = None
        self.write(config)

    def __enter__(self):
        try:
            self.start()
        except BaseException:
            self.kill()
            raise
        return self

    def __exit__(self, kind, *exc):
        # A test that failed has said what is wrong: its report must not be hidden by ours.
        if kind is None:
            self.stop()
        else:
            self.kill()

    def write(self, config):
        text = config if isinstance(config, str) else json.dumps(config, indent=2)
        with open(self.file, "w", encoding="utf-8") as file:
            file.write(text)

    @property
    def pid(self):
        return self.process.pid

    @property
    def log(self):
        path = os.path.join(self.directory, "stderr")
        if not os.path.exists(path):
            return ""
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read()

    def start(self):
        environment = dict(os.environ, ASAN_OPTIONS="exitcode=66:detect_leaks=1:handle_abort=1",
                           UBSAN_OPTIONS="print_stacktrace=1")
        with open(os.path.join(self.directory, "stderr"), "ab") as stderr:
            self.process = subprocess.Popen([binary(self.release), "-c", self.file,
                                             *self.arguments],
                                            env=environment, cwd=self.directory,
                                            stdin=subprocess.DEVNULL, stdout=stderr, stderr=stderr)
        running.add(self)
        wait_until(self._listens, "fahrend listens")

    def stop(self, how=signal.SIGQUIT):
        """Ends it and asserts that it ended well."""
        if self.process is None:
            return
        self.signal(how)
        self.expect_end()

    def expect_end(self, code=0, patience=15):
        """Waits for an end that was asked for, asserts that it was clean, and removes the files.
        Returns the log."""
        try:
            ended = self.process.wait(timeout=patience)
        except subprocess.TimeoutExpired:
            log = self.log
            self.kill()
            raise AssertionError(f"fahrend does not end; its log:\n{log}") from None
        log = self.log
        self._forget()
        assert not SANITIZER.search(log), log
        assert ended == code, f"fahrend ended with {ended}; its log:\n{log}"
        return log

    def kill(self):
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self._forget()

    def signal(self, number):
        self.process.send_signal(number)

    def assert_alive(self):
        """The daemon runs, answers, and no sanitizer has spoken."""
        assert self.process.poll() is None, f"fahrend ended:\n{self.log}"
        assert not SANITIZER.search(self.log), self.log
        self.console("SHOW VERSION")

    def connect(self, user="app", dbname="app", **options):
        """A psycopg connection through the proxy, in autocommit, without prepared statements."""
        options.setdefault("autocommit", True)
        options.setdefault("connect_timeout", 20)
        options.setdefault("prepare_threshold", None)
        return psycopg.connect(host=self.host, port=self.port, user=user, dbname=dbname, **options)

    def tenant(self, name, **options):
        """A psycopg connection of one tenant, named by its parameter."""
        more = options.pop("options", "")
        return self.connect(options=f"-c app.tenant={name} {more}".strip(), **options)

    def wire(self, **options):
        """A raw client, connected but not logged in."""
        return WireClient(self.port, **options)

    def wire_tenant(self, tenant, user="app", database="app", **parameters):
        """A raw client of one tenant, logged in."""
        client = self.wire()
        client.login(user=user, database=database, app__tenant=tenant, **parameters)
        return client

    def console(self, command):
        """Runs a console command and returns its rows, each as a mapping by column."""
        with WireClient(self.port) as client:
            client.login(user="admin", database="fahrend", password="admin-secret")
            return console_rows(client, command)

    def rss(self, peak=False):
        """Bytes of memory that the daemon has resident now, or had at most since reset_peak()."""
        name = "VmHWM" if peak else "VmRSS"
        with open(f"/proc/{self.pid}/status", encoding="ascii") as file:
            found = re.search(name + r":\s+(\d+) kB", file.read())
        return int(found[1]) * 1024

    def reset_peak(self):
        with open(f"/proc/{self.pid}/clear_refs", "w", encoding="ascii") as file:
            file.write("5")

    def _listens(self):
        if self.process.poll() is not None:
            raise AssertionError(f"fahrend ended with {self.process.returncode}:\n{self.log}")
        try:
            socket.create_connection((self.host, self.port), timeout=1).close()
            return True
        except OSError:
            return False

    def _forget(self):
        running.discard(self)
        self.process = None
        shutil.rmtree(self.directory, ignore_errors=True)


class ConsoleError(Exception):
    """The console answered with an error; `fields` are its fields by letter."""

    def __init__(self, fields):
        super().__init__(fields["M"])
        self.fields = fields


def console_rows(client, command):
    """Rows of a command on a console connection that is logged in."""
    answer = client.ask(query(command))
    if errors_of(answer):
        raise ConsoleError(errors_of(answer)[0])
    names = [column_names(m.body) for m in answer if m.type == "T"]
    return [dict(zip(names[0], row_values(m.body))) for m in answer if m.type == "D"]


def column_names(body):
    """Names of the columns of a RowDescription."""
    names, at = [], 2
    for _ in range(int.from_bytes(body[:2], "big")):
        end = body.index(b"\0", at)
        names.append(body[at:end].decode())
        at = end + 19
    return names


def base_config(server_port, **changes):
    """What every test's file says, with `changes` laid over it."""
    config = {
        "listen": {"address": ["127.0.0.1"], "port": free_port(), "unix_dir": ""},
        "workers": WORKERS,
        "servers": {"main": {"host": "127.0.0.1", "port": server_port}},
        "auth": {"method": "trust"},
        "users": {
            "app": {"password": "app-secret", "tenants": ["*"]},
            "admin": {"password": "admin-secret", "tenants": []},
        },
        "tenancy": {"resolve": [{"parameter": "app.tenant"}]},
        "tenants": {"defaults": {"server": "main", "database": "app", "strategy": "rls"}},
        "admin": {"database": "fahrend", "users": ["admin"]},
        "http": {"port": 0},
        "log": {"level": "debug"},
    }
    return merge(config, changes)
