# SPDX-License-Identifier: MIT
"""Ten thousand clients that do nothing: what each costs, and what the work of fifty beside them costs."""
import subprocess

import proxies
import scenarios
from report import Row

IDLE = 10000
BUSY = 50
STARTS = {"fahrend": (proxies.start_fahrend, "select"),
          "pgbouncer": (proxies.start_pgbouncer, "batched")}


def measure_side(run, start, mode):
    """Each idle client is logged in and has run a transaction."""
    proxy = start(run)
    try:
        scenarios.run_load(run, proxy, 2 * proxies.POOL_SIZE, mode)
        before = proxy.memory()
        with subprocess.Popen(run.load(proxy, IDLE, mode, "-i"), stdin=subprocess.PIPE,
                              stdout=subprocess.PIPE, text=True) as idle:
            if idle.stdout.readline() != "ready\n":
                idle.wait()
                raise RuntimeError(f"{IDLE} clients through {proxy.name} failed")
            after = proxy.memory()
            result = scenarios.run_load(run, proxy, BUSY, mode, "-n", "1")
            result["bytes"] = (after["rss"] - before["rss"]) / IDLE
            idle.stdin.close()
            idle.wait(30)
        return result
    finally:
        proxy.stop()


def rows(run, sides):
    results = {side: [] for side in STARTS if side in sides}
    for _ in range(1 if run.short else min(run.rounds, 3)):
        for side, rounds in results.items():
            rounds.append(measure_side(run, *STARTS[side]))
    yield Row("memory of an idle client", "bytes",
              {side: [r["bytes"] for r in rounds] for side, rounds in results.items()},
              aims=(("pgbouncer", 0.8),))
    for figure, how in scenarios.FIGURES.items():
        yield Row(*how, {side: [r[figure] for r in rounds] for side, rounds in results.items()},
                  less=figure != "tps")
