# SPDX-License-Identifier: MIT
"""What is printed: medians with their spread, and ratios taken round by round."""
import os
import platform
import subprocess
import sys
import time
from statistics import median


def note(text):
    print(f"bench: {text}", file=sys.stderr, flush=True)


def first_line(*command):
    done = subprocess.run(command, capture_output=True, text=True)
    return (done.stdout or done.stderr).split("\n")[0].strip()


def cpu_model():
    with open("/proc/cpuinfo") as f:
        for line in f:
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.machine()


def machine(run):
    fahrend = f"{run.work}/bin/fahrend"
    return {
        "date": time.strftime("%Y-%m-%d %H:%M"),
        "cpu": f"{len(os.sched_getaffinity(0))} x {cpu_model()}",
        "kernel": platform.release(),
        "postgresql": first_line(f"{run.programs}/postgres", "--version"),
        "pgbouncer": first_line("pgbouncer", "--version"),
        "fahrend": first_line(fahrend, "--version") if os.path.exists(fahrend) else None,
        "rounds": run.rounds,
        "seconds_per_run": run.seconds,
    }


def print_head(m):
    print(f"{m['date']}, {m['cpu']}, Linux {m['kernel']}")
    print(", ".join(filter(None, (m["postgresql"], m["pgbouncer"], m["fahrend"]))))
    print(f"median of {m['rounds']} rounds of {m['seconds_per_run']} s (least to most); the load, the "
          "proxy and PostgreSQL share the CPUs", flush=True)


def spread(values, form):
    return f"{median(values):{form}} ({min(values):{form}} to {max(values):{form}})"


def ratio(results, base, key):
    """Median over the rounds of results / base; None where either has none or a base is 0."""
    pairs = [(r[key], b[key]) for r, b in zip(results, base)]
    if not pairs or not all(b for _, b in pairs):
        return None
    return median(r / b for r, b in pairs)


def ratio_text(value):
    return "" if value is None else f"x{value:.2f}"


def print_scenario(scenario, results):
    base = results.get(scenario.baseline, [])
    print(f"\n{scenario.title}")
    print(f"  {'':22} {'transactions/s':>26} {'':>6}  {'proxy CPU us/transaction':>25} {'':>6}"
          f"  {'p50, p99 us':>13}")
    for label, rounds in results.items():
        if not rounds:
            print(f"  {label:22} {'cannot':>26}")
            continue
        cpu = [r["cpu_us"] for r in rounds]
        tail = ""
        if "p50_us" in rounds[0]:
            tail = ", ".join(f"{median(r[k] for r in rounds):.0f}" for k in ("p50_us", "p99_us"))
        print(f"  {label:22} {spread([r['tps'] for r in rounds], '.0f'):>26} "
              f"{ratio_text(ratio(rounds, base, 'tps')):>6}  "
              f"{spread(cpu, '.1f') if any(cpu) else '':>25} "
              f"{ratio_text(ratio(rounds, base, 'cpu_us') if any(cpu) else None):>6}  {tail:>13}",
              flush=True)
    print(f"  (x: beside {scenario.baseline})", flush=True)


def print_memory(memory, clients):
    print(f"\nmemory of an idle client, at {clients} clients that are logged in and have run a "
          "transaction each")
    for label, rounds in memory.items():
        texts = [f"{spread([r[key] for r in rounds], '.0f')} bytes {key.upper()}"
                 for key in ("pss", "rss")]
        print(f"  {label:22} {', '.join(texts)}", flush=True)


def scenario_ratio(figures, scenario, label, base, key):
    results = figures["scenarios"].get(scenario, {})
    return ratio(results.get(label, []), results.get(base, []), key)


def fairness_ratio(figures):
    rounds = figures["fairness"].get("fahrend", [])
    return median(r["queued"]["p99_us"] / r["busy"]["p99_us"] for r in rounds) if rounds else None


def bulk_ratio(figures, what):
    for title, sides in figures["bulk"].get("throughput", {}).items():
        if title.endswith(what) and len(sides) == 2:
            pgbouncer, fahrend = (median(r["mb_s"] for r in rounds) for rounds in sides.values())
            return fahrend / pgbouncer
    return None


def print_aims(figures):
    """What the project set out to reach, beside what this run found."""
    aims = [
        (f"CPU per transaction beside PgBouncer's, {n} clients", "at most 1.00",
         scenario_ratio(figures, f"simple-{n}", "fahrend", "pgbouncer", "cpu_us"),
         lambda v: v <= 1.0)
        for n in (8, 32)
    ]
    aims += [
        (f"changing tenants beside SET LOCAL, {label}", "at least 2.00",
         scenario_ratio(figures, "tenants-100", label, "pgbouncer, SET LOCAL", "tps"),
         lambda v: v >= 2.0)
        for label in ("fahrend", "fahrend, reset: never")
    ]
    aims += [
        (f"logins beside PgBouncer's, {what}", "at least 1.00",
         scenario_ratio(figures, name, "fahrend", "pgbouncer, verifier", "tps"),
         lambda v: v >= 1.0)
        for name, what in (("scram-8", "SCRAM"), ("tls-scram-8", "SCRAM over TLS"))
    ]
    aims.append(("MB/s of a large result over TLS beside PgBouncer's", "at least 1.00",
                 bulk_ratio(figures, "over TLS"), lambda v: v >= 1.0))
    aims.append(("p99 of a query beside another tenant's 1,000 waiters, and beside none",
                 "at most 2.00", fairness_ratio(figures), lambda v: v <= 2.0))
    idle = figures["memory"].get("fahrend")
    aims.append(("bytes per idle client", "under 1024",
                 median(r["pss"] for r in idle) if idle else None, lambda v: v < 1024))
    figures["aims"] = [
        {"what": what, "aim": aim, "value": value, "reached": reached(value)}
        for what, aim, value, reached in aims if value is not None
    ]
    if figures["aims"]:
        print("\naims")
    for aim in figures["aims"]:
        verdict = "reached" if aim["reached"] else "not reached"
        print(f"  {aim['what']:72} {aim['value']:8.2f}   {aim['aim']}: {verdict}", flush=True)
