# SPDX-License-Identifier: MIT
"""Compares a bare forwarder on epoll with one on io_uring. Started by uring.sh."""
import json
import os
import re
import subprocess
import sys
from statistics import median

import counting
import proxies

CLIENTS = (8, 32)


def start_forwarder(run, program):
    port = proxies.free_port()
    return proxies.Proxy(run, program, [f"{run.work}/bin/{program}", str(port), str(run.postgres)],
                         port)


def cost(run, proxy, clients, seconds):
    """The proxy's CPU for a transaction in µs, and transactions a second."""
    before = proxy.cpu_ns()
    done = subprocess.run(
        [f"{run.programs}/pgbench", "-n", "-S", "-c", str(clients), "-j", "1", "-T", str(seconds),
         "-h", "127.0.0.1", "-p", str(proxy.port), "-U", "app", "bench"],
        env={**os.environ, "PGSSLMODE": "disable", **proxy.environment}, capture_output=True,
        text=True, timeout=60)
    used = proxy.cpu_ns() - before
    count = re.search(r"actually processed: (\d+)", done.stdout)
    tps = re.search(r"tps = ([\d.]+)", done.stdout)
    if done.returncode != 0 or not count:
        raise RuntimeError(f"pgbench through {proxy.name}: {done.stderr}")
    return used / 1000 / int(count[1]), float(tps[1])


def measure(run, sides, rounds, seconds):
    figures = {}
    for clients in CLIENTS:
        taken = {name: [] for name in sides}
        for _ in range(rounds):
            for name, proxy in sides.items():
                taken[name].append(cost(run, proxy, clients, seconds))
        for name, results in taken.items():
            figures[f"{name}, {clients} clients"] = {
                "cpu_us": [c for c, _ in results], "tps": [t for _, t in results]}
    return figures


def show(figures):
    print(f"\n  {'':32} {'CPU for a transaction':>30} {'transactions/s':>15}")
    for what, figure in figures.items():
        cpu = figure["cpu_us"]
        spread = f"{median(cpu):.1f} µs ({min(cpu):.1f}–{max(cpu):.1f})"
        print(f"  {what:32} {spread:>30} {median(figure['tps']):15,.0f}", flush=True)


def main():
    args = counting.parse_arguments(("--postgres", {"type": int}),
                                    ("--rounds", {"type": int, "default": 5}),
                                    ("--seconds", {"type": int, "default": 1}),
                                    ("--output", {}), ("-o", {"dest": "output"}))
    run = counting.Run(args)
    sides = {}
    try:
        for program in ("forwarder", "forwarder_uring"):
            sides[program] = start_forwarder(run, program)
        sides["fahrend"] = proxies.start_fahrend(run)
        figures = measure(run, sides, args.rounds, args.seconds)
    finally:
        for proxy in sides.values():
            proxy.stop()
    show(figures)
    if args.output:
        with open(args.output, "w") as f:
            json.dump(figures, f, indent=1)


if __name__ == "__main__":
    try:
        main()
    except (RuntimeError, subprocess.SubprocessError) as error:
        sys.exit(f"uring: {error}")
