# SPDX-License-Identifier: MIT
"""Fairness: how long one client's queries take while another tenant, or user, holds the same server
connections: with as many clients as there are connections, and with 1,000 that wait."""
import json
import subprocess

import proxies
from report import Row, note

SIZE = 5
WAITERS = 1000
HOGS = {"busy": SIZE, "queued": SIZE + WAITERS}
GRACE = 5  # s for the last answer

DATABASES = """\
shared = host=127.0.0.1 port={port} dbname=app user=app
apart = host=127.0.0.1 port={port} dbname=app max_db_connections={size}
"""


class Side:
    """A way to share the connections: what is started, and who the two are."""

    def __init__(self, label, proxy, start, database, users):
        self.label, self.proxy, self.start = label, proxy, start
        self.database, self.users = database, users

    def load(self, run, proxy, user, *more):
        return run.load(proxy, 1, "light", "-U", user, "-d", self.database, "-n", "1", *more)


def start_pgbouncer(run):
    databases = DATABASES.format(port=run.postgres, size=SIZE)
    return proxies.start_pgbouncer(run, "pgbouncer-fairness", size=SIZE, databases=databases)


def start_fahrend(run):
    return proxies.start_fahrend(run, name="fahrend-fairness", size=SIZE)


SIDES = (
    Side("fahrend", "fahrend", start_fahrend, "app", ("app", "app")),
    Side("pgbouncer", "pgbouncer", start_pgbouncer, "shared",
         ("other", "app")),
    Side("pgbouncer, a pool for each user", "pgbouncer", start_pgbouncer, "apart",
         ("other", "app")),
)


def measure_light(run, side, proxy, seconds):
    """The light client's latencies; nothing but how long it waited where no answer came at all."""
    command = side.load(run, proxy, side.users[1], "-f", "1", "-t", str(int(1000 * seconds)))
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=seconds + GRACE)
    except subprocess.TimeoutExpired:
        return {"unanswered_s": seconds + GRACE}
    if done.returncode != 0:
        raise RuntimeError(f"load through {proxy.name}: {done.stderr}{done.stdout}")
    return json.loads(done.stdout)


def measure_beside(run, side, proxy, hogs, seconds):
    command = side.load(run, proxy, side.users[0], "-b", "-t", "600000", "-m", "hog",
                        "-c", str(hogs))
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as hog:
        try:
            if hog.stdout.readline() != "begun\n":
                raise RuntimeError(f"{hogs} clients through {proxy.name} failed")
            result = measure_light(run, side, proxy, seconds)
            if hog.poll() is not None:
                raise RuntimeError(f"{hogs} clients through {proxy.name} gave up")
            return result
        finally:
            hog.kill()


def measure_side(run, side, seconds):
    """In a fresh process each, so that nothing of the last crowd is left."""
    results = {}
    for name, hogs in HOGS.items():
        proxy = side.start(run)
        try:
            results[name] = measure_beside(run, side, proxy, hogs, seconds)
        finally:
            proxy.stop()
    return results


def measure(run, sides):
    """{label: [{"busy": result, "queued": result} of each round]}"""
    rounds, seconds = (1, 1) if run.short else (3, 4)
    wanted = [side for side in SIDES if side.proxy in sides]
    results = {side.label: [] for side in wanted}
    for _ in range(rounds):
        for side in wanted:
            results[side.label].append(measure_side(run, side, seconds))
    return results


def rows(run, sides):
    """Where no answer came at all there is no figure, but a note."""
    results = measure(run, sides)
    for label, rounds in results.items():
        for r in rounds:
            for name, one in r.items():
                if "unanswered_s" in one:
                    note(f"fairness: {label}, {name}: no answer in {one['unanswered_s']} s")
    answered = {label: [r for r in rounds if all("p99_us" in r[name] for name in HOGS)]
                for label, rounds in results.items()}
    for name, text in (("busy", "nobody waits"), ("queued", f"{WAITERS:,} wait")):
        for key, which in (("p50_us", "median"), ("p99_us", "99th percentile")):
            yield Row(f"{text}, {which}", "ms",
                      {label: [r[name][key] / 1000 for r in rounds]
                       for label, rounds in answered.items()})
    yield Row("99th percentile: waiting / nobody", "times",
              {label: [r["queued"]["p99_us"] / r["busy"]["p99_us"] for r in rounds]
               for label, rounds in answered.items()}, aims=((None, 2),))
