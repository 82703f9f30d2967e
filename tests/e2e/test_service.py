# SPDX-License-Identifier: MIT
"""The service: its unit files, what it tells systemd, sockets that systemd opened, credentials and
the watchdog."""

import contextlib
import os
import re
import shutil
import signal
import socket
import subprocess
import threading

import psycopg
import pytest

from cluster import free_port
from deadline import wait_until
from proxy import ROOT, Proxy, base_config, binary, merge
from wirepeer import LoginFailed, query
from world import tenants_config

UNITS = [os.path.join(ROOT, "systemd", name) for name in ("fahrend.service", "fahrend.socket")]
needs_systemd = pytest.mark.skipif(shutil.which("systemd-analyze") is None,
                                   reason="systemd is not installed")


class Notified:
    """What is sent to $NOTIFY_SOCKET, in a thread."""

    def __init__(self, folder):
        self.path = str(folder / "notify")
        self.messages = []
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(self.path)
        threading.Thread(target=self.listen, daemon=True).start()

    def listen(self):
        with contextlib.suppress(OSError):
            while True:
                self.messages.append(self.socket.recv(4096).decode())

    def await_line(self, start, count=1):
        def lines():
            return [line for text in list(self.messages) for line in text.splitlines()
                    if line.startswith(start)]
        wait_until(lambda: len(lines()) >= count, f"{start} is told {count} times")
        return lines()


@pytest.fixture(name="environment")
def changed_environment(monkeypatch):
    return monkeypatch.setenv


@needs_systemd
def test_the_units_are_well_formed(tmp_path):
    for unit in UNITS:
        with open(unit, encoding="utf-8") as file:
            text = file.read().replace("/usr/bin/fahrend", binary())
        (tmp_path / os.path.basename(unit)).write_text(
            re.sub(r"^(Documentation|User|Group)=.*$", "", text, flags=re.M))

    done = subprocess.run(["systemd-analyze", "verify", str(tmp_path / "fahrend.service"),
                           str(tmp_path / "fahrend.socket")], capture_output=True, text=True,
                          check=False)

    assert [line for line in done.stderr.splitlines() if "fahrend" in line] == []


@needs_systemd
def test_the_unit_is_hardened():
    done = subprocess.run(["systemd-analyze", "security", "--offline=true", "--threshold=15",
                           UNITS[0]], capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stdout


def test_what_is_installed_is_complete(tmp_path):
    build = os.path.dirname(binary())
    subprocess.run(["cmake", "--install", build, "--prefix", "/usr"], check=True,
                   env=dict(os.environ, DESTDIR=str(tmp_path)), stdout=subprocess.DEVNULL)

    found = {os.path.relpath(os.path.join(folder, name), tmp_path)
             for folder, _, names in os.walk(tmp_path) for name in names}

    assert found >= {"usr/bin/fahrend", "usr/bin/fahrenctl", "etc/fahrend/fahrend.yaml",
                     "usr/lib/systemd/system/fahrend.service",
                     "usr/lib/systemd/system/fahrend@.service",
                     "usr/lib/systemd/system/fahrend.socket", "usr/lib/sysusers.d/fahrend.conf",
                     "usr/share/man/man8/fahrend.8.gz", "usr/share/man/man1/fahrenctl.1.gz",
                     "usr/share/man/man5/fahrend.yaml.5.gz",
                     "usr/share/bash-completion/completions/fahrenctl",
                     "usr/share/doc/fahrend/copyright", "usr/share/doc/fahrend/changelog.gz",
                     "usr/share/doc/fahrend/README.md"}
    assert not [name for name in found if not name.startswith(("usr/", "etc/fahrend/"))]
    assert (tmp_path / "etc/fahrend/fahrend.yaml").stat().st_mode & 0o777 == 0o640
    with open(os.path.join(ROOT, "systemd/debian/conffiles"), encoding="ascii") as conffiles:
        assert {line.strip("/\n") for line in conffiles} == {
            name for name in found if name.startswith("etc/")}


@pytest.mark.parametrize("script", ["postinst", "prerm", "postrm"])
def test_the_package_scripts_are_well_formed(script):
    subprocess.run(["sh", "-n", os.path.join(ROOT, "systemd/debian", script)], check=True)


def test_systemd_is_told_what_happens(start, environment, tmp_path):
    notified = Notified(tmp_path)
    environment("NOTIFY_SOCKET", notified.path)
    environment("WATCHDOG_USEC", "300000")

    daemon = start()
    notified.await_line("READY=1")
    notified.await_line("WATCHDOG=1", 3)
    os.kill(daemon.process.pid, signal.SIGHUP)
    notified.await_line("RELOADING=1")
    notified.await_line("MONOTONIC_USEC=")
    notified.await_line("READY=1", 2)
    daemon.stop()

    assert "STOPPING=1" in "".join(notified.messages)


def test_a_reload_says_what_changed(start):
    daemon = start()
    daemon.signal(signal.SIGHUP)
    wait_until(lambda: "reload: nothing changed" in daemon.log, "nothing is said to be changed")

    with open(daemon.file, encoding="utf-8") as file:
        text = file.read()
    daemon.write(text.replace('"level": "debug"', '"level": "info"').replace(
        f'"workers": {daemon_workers(text)}', f'"workers": {daemon_workers(text) + 1}'))
    daemon.signal(signal.SIGHUP)
    wait_until(lambda: "reload: changed log.level" in daemon.log, "the level is said to be changed")

    assert "reload: changed workers (needs a restart)" in daemon.log


def daemon_workers(text):
    return int(re.search(r'"workers": (\d+)', text)[1])


def test_signals_that_come_while_it_ends_are_no_end_of_their_own(start):
    for _ in range(10):
        daemon = start()
        daemon.console("SHOW VERSION")
        process = daemon.process
        while process.poll() is None:  # poll reaps it: no signal goes astray
            process.send_signal(signal.SIGTERM)
        daemon.expect_end()


def test_a_socket_of_systemd_is_listened_on(cluster, tmp_path):
    activate = shutil.which("systemd-socket-activate")
    if activate is None:
        pytest.skip("systemd is not installed")
    port = free_port()
    daemon = Proxy(base_config(cluster.port, tenants=tenants_config()))
    path = str(tmp_path / ".s.PGSQL.1")
    process = subprocess.Popen([activate, "-l", f"127.0.0.1:{port}", "-l", path, "-E", "PATH",
                                binary(), "-c", daemon.file], stderr=subprocess.PIPE, text=True)
    try:
        for host in ("127.0.0.1", str(tmp_path)):
            wait_until(lambda: os.path.exists(path), "systemd listens")
            with psycopg.connect(host=host, port=port if host[0] == "1" else 1, user="app",
                                 dbname="app", options="-c app.tenant=acme") as conn:
                assert conn.execute("SELECT body FROM notes").fetchall() == [("of acme",)]
    finally:
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=30)
        daemon.kill()

    assert process.returncode == 0
    assert os.path.exists(path)  # it is systemd's


def test_a_credential_is_a_secret(start, environment, tmp_path):
    secret = tmp_path / "app"
    secret.write_text("from-a-credential")
    secret.chmod(0o400)
    environment("CREDENTIALS_DIRECTORY", str(tmp_path))

    daemon = start(auth={"method": "password"},
                   users={"app": {"password": {"file": "$CREDENTIALS_DIRECTORY/app"}}})

    with daemon.tenant("acme", password="from-a-credential") as conn:
        assert conn.execute("SELECT 1").fetchone() == (1,)


def test_lines_of_the_journal_carry_their_level(cluster, environment):
    daemon = Proxy(base_config(cluster.port, tenants=tenants_config()))
    read, write = os.pipe()
    stat = os.fstat(write)
    environment("JOURNAL_STREAM", f"{stat.st_dev}:{stat.st_ino}")
    process = subprocess.Popen([binary(), "-c", daemon.file], stderr=write)
    os.close(write)
    with os.fdopen(read) as lines:
        first = lines.readline()
        process.send_signal(signal.SIGINT)
        lines.read()
    daemon.kill()

    assert process.wait() == 0
    assert re.match(r"<6>\d{4}-.* INFO ready ", first)
