# SPDX-License-Identifier: MIT
"""Counts the instructions of the things that a proxy does most. Started by instructions.sh."""
import json
import subprocess
import sys

import counting
import proxies
from report import Row

QUERIES = 2000
LOGINS = 200
TLS_LOGINS = 40
LIBPQ = {"PGPASSWORD": "app", "PGSSLMODE": "require"}


def start_fahrend(run, **options):
    port, command = proxies.fahrend_command(run, **options)
    return counting.Counted(run, "fahrend", command, port)


def start_pgbouncer(run, **options):
    port, command = proxies.pgbouncer_command(run, **options)
    return counting.Counted(run, "pgbouncer", command, port, ["-B"])


def measure_tls(proxy, profile, **environment):
    """Connect by SCRAM over TLS, one query, disconnect; by libpq."""
    try:
        figure = proxy.per_connect(TLS_LOGINS, {**LIBPQ, **environment})
        if profile:
            counting.save_profile(proxy, f"{profile}/{proxy.name}-SCRAM-over-TLS")
        return figure
    finally:
        proxy.stop()


def measure_fahrend(run, profile):
    proxy = start_fahrend(run)
    figures = {}

    def keep(what, figure):
        figures[what] = figure
        if profile:
            counting.save_profile(proxy, f"{profile}/{what.replace(' ', '-')}")

    try:
        keep("login and goodbye", proxy.per_login(LOGINS, 1))
        keep("prepared execution", proxy.per_query(1, 1, QUERIES, "-P"))
        keep("query that changes tenant", proxy.per_query(2, 2, QUERIES))
        keep("simple query", proxy.per_query(1, 1, QUERIES))
        return figures
    finally:
        proxy.stop()


def measure_pgbouncer(run):
    proxy = start_pgbouncer(run)
    try:
        figures = {"login and goodbye": proxy.per_login(LOGINS, 1),
                   "simple query": proxy.per_query(1, 1, QUERIES)}
        if proxies.pgbouncer_version() >= (1, 21):
            figures["prepared execution"] = proxy.per_query(1, 1, QUERIES, "-P")
        return figures
    finally:
        proxy.stop()


def rows(run, sides):
    """For the table of bench.py."""
    theirs = measure_pgbouncer(run) if "pgbouncer" in sides else {}
    ours = measure_fahrend(run, None) if "fahrend" in sides else {}
    for what in (*ours, *(set(theirs) - set(ours))):
        yield Row(what, "instructions", {"fahrend": [ours[what]] if ours else [],
                                         "pgbouncer": [theirs[what]] if what in theirs else []},
                  aims=(("pgbouncer", 0.7),) if what == "simple query" else ())


def print_table(fahrend, pgbouncer):
    print(f"\n  {'instructions in user space':28} {'fahrend':>10} {'pgbouncer':>10}")
    for what in ("simple query", "prepared execution", "query that changes tenant",
                 "login and goodbye", "SCRAM over TLS"):
        other = pgbouncer.get(what)
        text = f"{other:10,.0f}   x{fahrend[what] / other:.2f}" if other else f"{'-':>10}"
        print(f"  {what:28} {fahrend[what]:10,.0f} {text}", flush=True)


def main():
    args = counting.parse_arguments(("--postgres", {"type": int}), ("--profile", {}),
                                    ("--output", {}), ("-o", {"dest": "output"}))
    run = counting.Run(args)
    pgbouncer = measure_pgbouncer(run)
    fahrend = measure_fahrend(run, args.profile)
    with_tls = {"auth": "scram-sha-256", "tls": True}
    fahrend["SCRAM over TLS"] = measure_tls(start_fahrend(run, **with_tls), args.profile,
                                            PGOPTIONS="-c app.tenant=t0")
    pgbouncer["SCRAM over TLS"] = measure_tls(
        start_pgbouncer(run, secret=proxies.scram_verifier("app"), **with_tls), args.profile)
    print_table(fahrend, pgbouncer)
    if args.output:
        with open(args.output, "w") as f:
            json.dump({"fahrend": fahrend, "pgbouncer": pgbouncer}, f, indent=1)


if __name__ == "__main__":
    try:
        main()
    except (RuntimeError, subprocess.SubprocessError) as error:
        sys.exit(f"instructions: {error}")
