# SPDX-License-Identifier: MIT
"""`systemctl restart` behind fahrend.socket: the socket outlives the process, so that who comes
meanwhile waits; those who are there are closed between two transactions."""

import os
import re
import signal
import socket
import subprocess

import psycopg
import pytest

from cluster import find_bindir
from deadline import wait_until
from proxy import Proxy, base_config, binary
from world import tenants_config


class Restarted:
    """A fahrend on a socket that outlives it, as systemd keeps it."""

    def __init__(self, cluster, folder):
        self.socket = socket.socket()
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(("127.0.0.1", 0))
        self.socket.listen(1024)
        self.port = self.socket.getsockname()[1]
        self.daemon = Proxy(base_config(cluster.port, tenants=tenants_config(), workers=2,
                                        log={"level": "info"}))
        self.log = folder / "log"
        self.process = None
        self.starts = 0

    def start(self):
        fd = self.socket.fileno()
        self.starts += 1
        self.process = subprocess.Popen(
            ["bash", "-c", f"exec 3<&{fd}; LISTEN_FDS=1 LISTEN_PID=$$ exec {binary()} -c {self.daemon.file}"],
            pass_fds=(fd,), stderr=self.log.open("a"))

    def restart(self):
        """As `systemctl restart`: the next is started when the last has ended."""
        self.process.send_signal(signal.SIGINT)
        assert self.process.wait(timeout=30) == 0
        self.start()

    def end(self):
        wait_until(lambda: self.log.read_text().count("ready version") == self.starts, "the last one is ready")
        self.process.send_signal(signal.SIGQUIT)
        assert self.process.wait(timeout=30) == 0
        self.socket.close()
        self.daemon.kill()


@pytest.fixture(name="restarted")
def with_a_socket_that_stays(cluster, tmp_path):
    service = Restarted(cluster, tmp_path)
    service.start()
    yield service
    service.end()


def test_clients_that_come_and_go_do_not_notice_restarts(restarted, tmp_path, figure):
    script = tmp_path / "work.sql"
    script.write_text("BEGIN;\nSELECT 1;\nSELECT pg_sleep(0.002);\nCOMMIT;\n")
    load = subprocess.Popen(
        [os.path.join(find_bindir(), "pgbench"), "-n", "-C", "-f", str(script), "-c", "20", "-j", "20", "-T", "5", "-h", "127.0.0.1",
         "-p", str(restarted.port), "-U", "app", "app"],
        env=dict(os.environ, PGOPTIONS="-c app.tenant=acme"), stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, text=True)
    restarts = 0
    while load.poll() is None and restarts < 4:
        with connected(restarted) as conn:
            conn.execute("SELECT 1")
        restarted.restart()
        restarts += 1
    told = load.communicate(timeout=60)[0]

    done = int(re.search(r"transactions actually processed: (\d+)", told).group(1))
    figure(f"{done} connections of pgbench -C through {restarts} restarts on one socket, none failed")
    assert load.returncode == 0 and restarts >= 2, told
    assert "number of failed transactions: 0 " in told
    # Behind its answer who stays long enough is told that it is closed; that fails nothing.
    assert not re.search("aborted|error:", told), told


def connected(restarted):
    return psycopg.connect(host="127.0.0.1", port=restarted.port, user="app", dbname="app",
                           options="-c app.tenant=acme", autocommit=True)


def test_who_stays_is_closed_between_two_transactions(restarted):
    with connected(restarted) as works, connected(restarted) as idle, connected(restarted) as new:
        works.execute("BEGIN")
        idle.execute("SELECT 1")
        restarted.process.send_signal(signal.SIGINT)

        wait_until(lambda: failure(idle) is not None, "the idle one is closed")
        assert new.execute("SELECT 2").fetchone() == (2,)
        assert works.execute("SELECT 3").fetchone() == (3,)
        works.execute("COMMIT")
        for conn in (new, works):
            wait_until(lambda conn=conn: failure(conn) is not None, "it is closed behind its transaction")
        assert restarted.process.wait(timeout=30) == 0
        restarted.start()


def test_who_says_nothing_does_not_hold_up_a_restart(restarted):
    with connected(restarted) as silent:
        restarted.restart()
        assert failure(silent) is not None


def failure(conn):
    """What a client is told when it speaks, or None where it is answered."""
    try:
        conn.execute("SELECT 1")
    except psycopg.OperationalError as err:
        return str(err)
    return None
