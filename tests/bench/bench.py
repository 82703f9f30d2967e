# SPDX-License-Identifier: MIT
"""Measures every scenario and prints one table. Started by run.sh, which prepares the machine."""
import argparse
import json
import os
import pwd
import resource
import signal
import subprocess
import sys

import bulk
import counting
import crowd
import fairness
import instructions
import many
import picture
import proxies
import report
import scenarios
import seal_cost
import workers


class Run:
    """What the command line says."""

    def __init__(self, args):
        self.work, self.postgres, self.programs = args.work, args.postgres, args.programs
        self.short = args.short
        self.rounds = args.rounds or (3 if args.short else 7)
        self.seconds = args.seconds or (0.3 if args.short else 2)
        self.identity = {}
        if os.getuid() == 0:
            user = pwd.getpwnam(args.user)
            self.identity = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}

    def load(self, proxy, clients, mode, *more):
        return [f"{self.work}/bin/load", "-p", str(proxy.port), "-c", str(clients), "-m", mode,
                "-n", str(proxies.TENANTS), "-r", "1000", *more]


def start_all(run, sides):
    """The proxies that run all the while; what a name begins with is its side."""
    starts = {"direct": proxies.Direct, "forwarder": proxies.start_forwarder,
              "pgbouncer": proxies.start_pgbouncer, "fahrend": proxies.start_fahrend,
              "fahrend-never": lambda r: proxies.start_fahrend(r, "never"),
              "fahrend-sealed": proxies.start_fahrend_sealed,
              "pgbouncer-scram": proxies.start_pgbouncer_scram,
              "pgbouncer-verifier": proxies.start_pgbouncer_verifier,
              "fahrend-scram": proxies.start_fahrend_scram}
    for name in ("pgbouncer", "fahrend", "pgbouncer-scram", "pgbouncer-verifier",
                 "fahrend-scram"):
        starts[f"{name}-tls"] = proxies.with_tls(starts[name], f"{name}-tls")
    if os.path.exists(f"{run.work}/bin/forwarder_uring"):
        starts["forwarder on io_uring"] = lambda r: proxies.start_forwarder(
            r, "forwarder on io_uring", "forwarder_uring")
    running = {}
    try:
        for name, start in starts.items():
            if name.replace(" ", "-").split("-")[0] in sides:
                running[name] = start(run)
    except BaseException:
        stop_all(running)
        raise
    return running


def stop_all(running):
    for proxy in running.values():
        proxy.stop()


def parts(run, sides, running):
    """(name, heading, how to get its rows), those that need the running proxies first."""
    for s in scenarios.scenarios(run):
        yield s.name, s.title, lambda s=s: s.rows(run, running)
    yield "bulk", "large data", lambda: bulk.rows(run, running)
    yield None, None, lambda: stop_all(running)
    yield ("fairness", f"{fairness.SIZE} server connections, all in use by another tenant (PgBouncer: "
           "another user): a SELECT", lambda: fairness.rows(run, sides))
    yield ("crowd", f"{crowd.IDLE:,} idle clients, and {crowd.BUSY} busy ones beside them",
           lambda: crowd.rows(run, sides))
    yield ("pools", f"many pools, all in use ({many.CONNECTIONS:,} clients, a server that answers at "
           "once)", lambda: many.pool_rows(run, sides))
    yield ("registered", "many tenants (PgBouncer: databases), one in use, a server that answers at once",
           lambda: many.tenant_rows(run, sides))
    if "fahrend" in sides:
        yield ("workers", f"workers: {workers.TENANTS} tenants, {workers.CLIENTS} clients, a server that "
               "answers at once", lambda: workers.rows(run))
        yield ("isolation", "isolation: the server's CPU time for an indexed SELECT",
               lambda: seal_cost.rows(run))
    if not run.short:
        yield "instructions", "instructions in user space", lambda: instructions.rows(
            counting.Run(run.arguments), sides)


def measure_all(run, sides, only):
    """All rows of the table."""
    rows = []
    running = start_all(run, sides)
    try:
        for name, heading, measure in parts(run, sides, running):
            if name is None:
                measure()
            elif only in name:
                of_group = list(measure())
                report.print_group(name, heading, of_group)
                rows += of_group
    finally:
        stop_all(running)
    return rows


def parse_arguments():
    p = argparse.ArgumentParser()
    for name in ("--work", "--programs", "--user"):
        p.add_argument(name, required=True)
    p.add_argument("--postgres", type=int, required=True)
    p.add_argument("--short", action="store_true")
    p.add_argument("--rounds", type=int)
    p.add_argument("--seconds", type=float)
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
    run = Run(args)
    run.arguments = args
    machine = report.machine(run)
    report.print_head(machine)
    rows = measure_all(run, args.sides.split(","), args.only)
    report.print_aims(rows)
    if args.svg:
        picture.draw(machine, rows, args.svg)
    if args.output:
        with open(args.output, "w") as f:
            json.dump({"machine": machine, "rows": [row.as_json() for row in rows]}, f, indent=1)
            f.write("\n")


if __name__ == "__main__":
    try:
        main()
    except (RuntimeError, subprocess.SubprocessError) as error:
        sys.exit(f"bench: {error}")
