# SPDX-License-Identifier: MIT
"""Measures every scenario in rounds; in each round every side runs once, in rotating order, so that
what disturbs the machine disturbs all of them. Started by run.sh, which prepares the machine."""
import argparse
import json
import os
import pwd
import re
import resource
import signal
import subprocess
import sys

import bulk
import fairness
import picture
import proxies
import report
import workers

IDLE_CLIENTS = 8000


class Refused(Exception):
    """The side cannot run this load."""


class Run:
    """What the command line says."""

    def __init__(self, args):
        self.work, self.postgres, self.programs = args.work, args.postgres, args.programs
        self.short = args.short
        self.rounds = args.rounds or (3 if args.short else 5)
        self.seconds = args.seconds or (1 if args.short else 2)
        self.identity = {}
        if os.getuid() == 0:
            user = pwd.getpwnam(args.user)
            self.identity = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}

    def load(self, proxy, clients, mode, *more):
        return [f"{self.work}/bin/load", "-p", str(proxy.port), "-c", str(clients), "-m", mode,
                "-n", str(proxies.TENANTS), "-r", "1000", *more]


def run_load(run, proxy, clients, mode):
    """Our own load: the transactions, their latencies, and that every row was the tenant's own."""
    done = subprocess.run(run.load(proxy, clients, mode, "-t", str(1000 * run.seconds)), capture_output=True,
                          text=True, timeout=60)
    if done.returncode != 0:
        raise RuntimeError(f"load -m {mode} through {proxy.name}: {done.stderr}{done.stdout}")
    return json.loads(done.stdout)


def run_pgbench(run, proxy, clients, protocol, *more):
    done = subprocess.run(
        [f"{run.programs}/pgbench", "-n", "-S", "-M", protocol, *more, "-c", str(clients), "-j", "1",
         "-T", str(run.seconds), "-h", "127.0.0.1", "-p", str(proxy.port), "-U", "app", "bench"],
        env={**os.environ, "PGSSLMODE": "disable", **proxy.environment}, capture_output=True,
        text=True, timeout=60)
    count = re.search(r"actually processed: (\d+)", done.stdout)
    tps = re.search(r"tps = ([\d.]+)", done.stdout)
    if done.returncode != 0 or not tps:
        raise Refused(done.stderr.strip())
    return {"transactions": int(count[1]), "tps": float(tps[1])}


class Scenario:
    """sides: (name of the proxy, what the table calls it, arguments of the runner)."""

    def __init__(self, name, title, runner, baseline, sides):
        self.name, self.title, self.runner, self.baseline = name, title, runner, baseline
        self.sides = sides

    def measure_side(self, run, proxy, arguments):
        before = proxy.cpu_ns()
        result = self.runner(run, proxy, *arguments)
        cpu = proxy.cpu_ns() - before
        result["cpu_us"] = cpu / 1000 / result["transactions"]
        return result

    def measure(self, run, running):
        """{label: [result of each round]}; a side that refuses its first run has an empty list."""
        sides = [s for s in self.sides if s[0] in running]
        results = {label: [] for _, label, _ in sides}
        refused = set()
        for number in range(run.rounds):
            turn = number % len(sides) if sides else 0
            for proxy, label, arguments in sides[turn:] + sides[:turn]:
                if label in refused:
                    continue
                try:
                    results[label].append(self.measure_side(run, running[proxy], arguments))
                except Refused as why:
                    if results[label]:
                        raise
                    refused.add(label)
                    report.note(f"{self.name}: {label} cannot: {str(why).splitlines()[0][:150]}")
        return results


def pgbench_scenario(clients, protocol, sides):
    return Scenario(f"{protocol}-{clients}", f"pgbench -S -M {protocol}, {clients} clients",
                    run_pgbench, "pgbouncer", [(s, s, (clients, protocol)) for s in sides])


def tenant_scenario(clients):
    return Scenario(
        f"tenants-{clients}",
        f"{proxies.TENANTS} tenants, {clients} clients, {proxies.POOL_SIZE} server connections: "
        "every transaction changes tenant",
        run_load, "pgbouncer, SET LOCAL",
        [("pgbouncer", "pgbouncer, SET LOCAL", (clients, "local")),
         ("pgbouncer", "pgbouncer, one Query", (clients, "batched")),
         ("fahrend", "fahrend", (clients, "select")),
         ("fahrend-never", "fahrend, reset: never", (clients, "select"))])


def login_scenario(name, title, sides):
    """Every transaction has a connection of its own."""
    return Scenario(name, title, run_pgbench, "pgbouncer",
                    [(side, label, (8, "simple", "-C")) for side, label in sides])


def scenarios():
    all_sides = ("direct", "forwarder", "pgbouncer", "fahrend")
    return [
        pgbench_scenario(8, "simple", all_sides),
        pgbench_scenario(32, "simple", all_sides),
        pgbench_scenario(8, "extended", all_sides[1:]),
        pgbench_scenario(8, "prepared", all_sides[1:]),
        tenant_scenario(100),
        login_scenario("reconnect-8", "connect, query, disconnect (trust), 8 clients",
                       (("pgbouncer", "pgbouncer"), ("fahrend", "fahrend"))),
        login_scenario("scram-8", "connect, query, disconnect (SCRAM), 8 clients",
                       (("pgbouncer-scram", "pgbouncer"),
                        ("pgbouncer-verifier", "pgbouncer, verifier"),
                        ("fahrend-scram", "fahrend"))),
        login_scenario("tls-scram-8", "connect, query, disconnect (SCRAM over TLS), 8 clients",
                       (("pgbouncer-scram-tls", "pgbouncer"),
                        ("pgbouncer-verifier-tls", "pgbouncer, verifier"),
                        ("fahrend-scram-tls", "fahrend"))),
    ]


def measure_idle(run, start, mode):
    """Bytes per idle client of a fresh proxy: each client is logged in and has run a transaction."""
    proxy = start(run)
    try:
        subprocess.run(run.load(proxy, 2 * proxies.POOL_SIZE, mode, "-t", "200"), check=True,
                       capture_output=True, timeout=60)
        before = proxy.memory()
        with subprocess.Popen(run.load(proxy, IDLE_CLIENTS, mode, "-i"), stdin=subprocess.PIPE,
                              stdout=subprocess.PIPE, text=True) as clients:
            if clients.stdout.readline() != "ready\n":
                clients.wait()
                raise RuntimeError(f"{IDLE_CLIENTS} clients through {proxy.name} failed")
            after = proxy.memory()
            clients.stdin.close()
            clients.wait(30)
        return {key: (after[key] - before[key]) / IDLE_CLIENTS for key in before}
    finally:
        proxy.stop()


def measure_memory(run, sides):
    """{label: [bytes per client of each round]}, in fresh processes."""
    starts = {"pgbouncer": (proxies.start_pgbouncer, "batched"),
              "fahrend": (proxies.start_fahrend, "select")}
    wanted = {name: how for name, how in starts.items() if name in sides}
    results = {name: [] for name in wanted}
    for _ in range(min(run.rounds, 3)):
        for name, (start, mode) in wanted.items():
            results[name].append(measure_idle(run, start, mode))
    return results


def start_all(run, sides):
    starts = {"direct": proxies.Direct, "forwarder": proxies.start_forwarder,
              "pgbouncer": proxies.start_pgbouncer, "fahrend": proxies.start_fahrend,
              "fahrend-never": lambda r: proxies.start_fahrend(r, "never"),
              "pgbouncer-scram": proxies.start_pgbouncer_scram,
              "pgbouncer-verifier": proxies.start_pgbouncer_verifier,
              "fahrend-scram": proxies.start_fahrend_scram}
    for name in ("pgbouncer", "fahrend", "pgbouncer-scram", "pgbouncer-verifier",
                 "fahrend-scram"):
        starts[f"{name}-tls"] = proxies.with_tls(starts[name], f"{name}-tls")
    running = {}
    try:
        for name, start in starts.items():
            if name.split("-")[0] in sides:
                running[name] = start(run)
    except BaseException:
        stop_all(running)
        raise
    return running


def stop_all(running):
    for proxy in running.values():
        proxy.stop()


def measure_all(run, sides, only):
    figures = {"machine": report.machine(run), "memory": {}, "scenarios": {},
               "fairness": {}, "bulk": {}, "workers": {}}
    report.print_head(figures["machine"])
    running = start_all(run, sides)
    try:
        for scenario in scenarios():
            if only in scenario.name:
                results = scenario.measure(run, running)
                figures["scenarios"][scenario.name] = results
                report.print_scenario(scenario, results)
        if only in "bulk":
            figures["bulk"] = bulk.measure(run, running, 256 if run.short else 1024)
            bulk.print_table(figures["bulk"])
    finally:
        stop_all(running)
    if only in "workers" and "fahrend" in sides:
        figures["workers"] = workers.measure(run)
        workers.print_table(figures["workers"])
    if only in "fairness":
        figures["fairness"] = fairness.measure(run, sides)
        fairness.print_table(figures["fairness"])
    if only in "memory":
        figures["memory"] = measure_memory(run, sides)
        report.print_memory(figures["memory"], IDLE_CLIENTS)
    report.print_aims(figures)
    return figures


def parse_arguments():
    p = argparse.ArgumentParser()
    for name in ("--work", "--programs", "--user"):
        p.add_argument(name, required=True)
    p.add_argument("--postgres", type=int, required=True)
    p.add_argument("--short", action="store_true")
    p.add_argument("--rounds", type=int)
    p.add_argument("--seconds", type=int)
    p.add_argument("--sides", default="direct,forwarder,pgbouncer,fahrend")
    p.add_argument("--only", default="")
    p.add_argument("-o", "--output")
    p.add_argument("--svg")
    return p.parse_args()


def main():
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    args = parse_arguments()
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 20000), hard))
    figures = measure_all(Run(args), args.sides.split(","), args.only)
    if args.svg:
        picture.draw(figures, args.svg)
    if args.output:
        with open(args.output, "w") as f:
            json.dump(figures, f, indent=1)
            f.write("\n")


if __name__ == "__main__":
    try:
        main()
    except (RuntimeError, subprocess.SubprocessError) as error:
        sys.exit(f"bench: {error}")
