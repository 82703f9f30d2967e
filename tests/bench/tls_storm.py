#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""A storm of TLS handshakes while queries run: how long does the longest query wait for it?

    tests/bench/tls_storm.py [SECONDS] [rsa|ec] [HANDSHAKES A SECOND]

Starts PostgreSQL and fahrend ($FAHREND_RELEASE, else build/release/fahrend, with one worker), measures
a client without TLS alone, then beside processes that do nothing but shake hands and leave, and
prints both. Run by hand: it takes all processors for some seconds. Where it may (as root), all have
real-time priority, the stormers the least, so that other work on the machine does not count; else the
figures count only where there is none. Whoever fills the processors so is held for 50 ms of each
second, and everything with him: ask for less than they can do.
"""

import multiprocessing
import os
import socket
import ssl
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))

from certificates import Authority  # noqa: E402 pylint: disable=wrong-import-position
from cluster import Cluster, drop_templates  # noqa: E402 pylint: disable=wrong-import-position
from proxy import Proxy, base_config  # noqa: E402 pylint: disable=wrong-import-position

STORMERS = 3
PAUSE = 0.001  # s between two queries, so that they leave the processors to the storm
SSL_REQUEST = (8).to_bytes(4, "big") + (80877103).to_bytes(4, "big")


def outrank(priority):
    """This process, and those that it starts, before all that have less, or no such priority."""
    try:
        os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(priority))
    except PermissionError:
        return False
    return True


def storm(port, until, count, gap):
    """Shakes hands and leaves, again and again, `gap` seconds from one to the next where that can be
    held; a new session each time."""
    outrank(1)
    due = time.monotonic()
    while time.monotonic() < until:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        with socket.create_connection(("127.0.0.1", port)) as raw:
            raw.sendall(SSL_REQUEST)
            assert raw.recv(1) == b"S"
            context.wrap_socket(raw).close()
        with count.get_lock():
            count.value += 1
        due = max(due + gap, time.monotonic() - gap)
        time.sleep(max(0, due - time.monotonic()))


def ask(daemon, seconds):
    """Milliseconds of each query of one client, sorted."""
    times = []
    with daemon.tenant("acme", sslmode="disable") as conn:
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            begun = time.monotonic()
            conn.execute("SELECT 1")
            times.append((time.monotonic() - begun) * 1000)
            time.sleep(PAUSE)
    return sorted(times)


def show(name, times, handshakes):
    print(f"{name}: {handshakes:.0f} handshakes/s, {len(times)} queries, "
          f"median {times[len(times) // 2]:.2f} ms, 99% {times[len(times) * 99 // 100]:.2f} ms, "
          f"longest {times[-1]:.2f} ms", flush=True)


def main():
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 5
    kind = sys.argv[2] if len(sys.argv) > 2 else "rsa"
    rate = float(sys.argv[3]) if len(sys.argv) > 3 else 1000
    print("real-time priority" if outrank(2) else "no real-time priority: other work counts")
    with Authority() as authority, Cluster() as cluster:
        authority.issue("front", hosts=["127.0.0.1"], key=kind)
        cluster.run("CREATE ROLE app LOGIN")
        cluster.run("CREATE DATABASE app")
        config = base_config(cluster.port, log={"level": "warning"},
                             tenants={"defaults": {"strategy": "none"}, "acme": {}},
                             listen={"tls": {"mode": "prefer", **authority.pair("front")}})
        with Proxy(config, release=True) as daemon:
            show("calm", ask(daemon, seconds), 0)
            count = multiprocessing.Value("i", 0)
            until = time.monotonic() + seconds + 1
            stormers = [multiprocessing.Process(target=storm, args=(daemon.port, until, count, STORMERS / rate))
                        for _ in range(STORMERS)]
            for process in stormers:
                process.start()
            times = ask(daemon, seconds)
            show(f"storm ({kind})", times, count.value / seconds)
            for process in stormers:
                process.join()
    drop_templates()


if __name__ == "__main__":
    main()
