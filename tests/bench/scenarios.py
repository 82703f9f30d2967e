# SPDX-License-Identifier: MIT
"""Transactions and logins through proxies that run all the while: each round runs every side once,
in rotating order, so that what disturbs the machine disturbs all of them."""
import json
import os
import re
import subprocess

import proxies
import report
from report import Row


class Refused(Exception):
    """The side cannot run this load."""


def run_load(run, proxy, clients, mode, *more):
    """Our own load: the transactions, their latencies, and that every row was the tenant's own. CPU
    time counts from when all have logged in."""
    command = run.load(proxy, clients, mode, "-b", "-t", str(int(1000 * run.seconds)), *more)
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          text=True) as process:
        begun = process.stdout.readline()
        before = proxy.cpu_ns()
        out, err = process.communicate(timeout=60)
        spent = proxy.cpu_ns() - before
    if begun != "begun\n" or process.returncode != 0:
        raise Refused(f"load -m {mode} through {proxy.name}: {err}{out}")
    result = json.loads(out)
    result["cpu_us"] = spent / 1000 / result["transactions"]
    return result


def run_logins(run, proxy, clients):
    """pgbench, as the password has to be proved."""
    before = proxy.cpu_ns()
    done = subprocess.run(
        [f"{run.programs}/pgbench", "-n", "-S", "-C", "-c", str(clients), "-j", "1", "-T",
         str(max(1, int(run.seconds))), "-h", "127.0.0.1", "-p", str(proxy.port), "-U", "app",
         "bench"],
        env={**os.environ, "PGSSLMODE": "disable", **proxy.environment}, capture_output=True,
        text=True, timeout=60)
    count = re.search(r"actually processed: (\d+)", done.stdout)
    tps = re.search(r"tps = ([\d.]+)", done.stdout)
    if done.returncode != 0 or not tps:
        raise Refused(done.stderr.strip())
    return {"transactions": int(count[1]), "tps": float(tps[1]),
            "cpu_us": (proxy.cpu_ns() - before) / 1000 / int(count[1])}


class Scenario:
    """sides: {what the table calls it: (name of the proxy, arguments of the runner)}; aims: {figure:
    aims of its row}."""

    def __init__(self, name, title, runner, sides, aims, figures=("tps", "cpu_us")):
        self.name, self.title, self.runner, self.sides = name, title, runner, sides
        self.aims, self.figures = aims, figures

    def measure(self, run, running):
        """{label: [result of each round]}; a side that refuses its first run has an empty list."""
        sides = [(label, *how) for label, how in self.sides.items() if how[0] in running]
        results = {label: [] for label, _, _ in sides}
        refused = set()
        for number in range(run.rounds):
            turn = number % len(sides) if sides else 0
            for label, proxy, arguments in sides[turn:] + sides[:turn]:
                if label in refused:
                    continue
                try:
                    results[label].append(self.runner(run, running[proxy], *arguments))
                except Refused as why:
                    if results[label]:
                        raise RuntimeError(str(why)) from why
                    refused.add(label)
                    report.note(f"{self.name}: {label} cannot: {str(why).splitlines()[0][:150]}")
        return results

    def rows(self, run, running):
        results = self.measure(run, running)
        return [Row(*FIGURES[figure], {
            label: [r[figure] for r in rounds] for label, rounds in results.items()
            if label != "direct" or figure != "cpu_us"
        }, less=figure != "tps", aims=self.aims.get(figure, ())) for figure in self.figures]


FIGURES = {
    "tps": ("throughput", "transactions/s"),
    "cpu_us": ("CPU of the proxy", "us/transaction"),
    "p99_us": ("99th percentile", "us"),
}
PLAIN = ("fahrend", "pgbouncer", "forwarder", "forwarder on io_uring", "direct")


def point_scenario(clients, protocol, sides, aims):
    arguments = (clients, "point", "-x", protocol, "-d", "bench", "-n", "1", "-r", "100000")
    return Scenario(f"{protocol}-{clients}", f"{protocol} protocol, an indexed SELECT, {clients} clients",
                    run_load, {side: (side, arguments) for side in sides}, {"cpu_us": aims})


TENANTS = Scenario(
    "tenants", f"{proxies.TENANTS} tenants take turns, 100 clients on {proxies.POOL_SIZE} server "
    "connections; PgBouncer: BEGIN, SET LOCAL, SELECT, COMMIT",
    run_load, {
        "fahrend": ("fahrend", (100, "select")),
        "pgbouncer": ("pgbouncer", (100, "local")),
        "pgbouncer, the four in one Query": ("pgbouncer", (100, "batched")),
        "fahrend, one tenant": ("fahrend", (100, "select", "-n", "1")),
        "fahrend, reset: never": ("fahrend-never", (100, "select")),
    }, {"tps": (("pgbouncer", 3), ("fahrend, one tenant", 0.8))})

SEALED = Scenario(
    "sealed", "sealed row security, tenants take turns; PgBouncer: SET LOCAL, without a seal",
    run_load, {
        "fahrend": ("fahrend-sealed", (100, "select", "-d", "sealed")),
        "pgbouncer": ("pgbouncer", (100, "local")),
        "fahrend, one tenant": ("fahrend-sealed", (100, "select", "-d", "sealed", "-n", "1")),
        "fahrend, plain": ("fahrend", (100, "select")),
    }, {"tps": (("pgbouncer", 1),)})

LOGINS = Scenario(
    "logins", "connect, query, disconnect, without a password, 8 clients", run_load, {
        side: (side, (8, "login", "-d", "bench", "-n", "1")) for side in ("fahrend", "pgbouncer")
    }, {"tps": (("pgbouncer", 1),)})


def scram_scenario(name, title, ending):
    return Scenario(name, title, run_logins, {
        "fahrend": (f"fahrend-scram{ending}", (8,)),
        "pgbouncer": (f"pgbouncer-verifier{ending}", (8,)),
        "pgbouncer, plain password": (f"pgbouncer-scram{ending}", (8,)),
    }, {"tps": (("pgbouncer", 1.5 if not ending else 1),)})


def scenarios(run):
    without_direct = PLAIN[:-1]
    can_prepare = [side for side in without_direct
                   if side != "pgbouncer" or proxies.pgbouncer_version() >= (1, 21)]
    every = [
        point_scenario(8, "simple", PLAIN, (("pgbouncer", 0.95), ("forwarder", 1))),
        point_scenario(32, "simple", PLAIN, (("pgbouncer", 0.9), ("forwarder", 1))),
        point_scenario(8, "extended", without_direct, (("pgbouncer", 1),)),
        point_scenario(8, "prepared", can_prepare, (("forwarder", 1.1),)),
        TENANTS,
        SEALED,
        LOGINS,
        scram_scenario("scram", "connect, query, disconnect with SCRAM, 8 clients", ""),
    ]
    if not run.short:
        every.append(scram_scenario(
            "tls", "connect, query, disconnect with SCRAM over TLS, 8 clients", "-tls"))
    return every
