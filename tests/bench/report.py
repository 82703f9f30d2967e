# SPDX-License-Identifier: MIT
"""What is told: one table of rows, each a figure of all sides, with its median and spread, ratios
taken round by round, and what was aimed at."""
import os
import platform
import subprocess
import sys
import time
from statistics import median

OURS, THEIRS = "fahrend", "pgbouncer"


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


class Row:
    """One figure: {side: its value in each round}. Where `less`, the smaller is the better. An aim is
    (side, ratio): what ours should be beside that side's, or (None, value)."""

    def __init__(self, title, unit, sides, less=True, aims=()):
        self.title, self.unit, self.less, self.aims = title, unit, less, aims
        self.scenario = self.group = ""  # its name and its heading, once it is in the table
        self.sides = {side: values for side, values in sides.items() if values}

    def ratio(self, base):
        """Median over the rounds of ours / base; None where either has none."""
        pairs = list(zip(self.sides.get(OURS, ()), self.sides.get(base, ())))
        if not pairs or not all(b for _, b in pairs):
            return None
        return median(o / b for o, b in pairs)

    def judged(self):
        """{what, aim, value, reached} of each aim that was measured."""
        for side, limit in self.aims:
            value = self.ratio(side) if side else median(self.sides.get(OURS, [0])) or None
            if value is not None:
                text = f"at {'most' if self.less else 'least'} {limit:,g}"
                yield {"what": f"{self.scenario}: {self.title.strip()}",
                       "beside": side, "aim": text, "value": value,
                       "reached": value <= limit if self.less else value >= limit}

    def as_json(self):
        return {"scenario": self.scenario, "group": self.group, "title": self.title, "unit": self.unit,
                "better": "less" if self.less else "more", "rounds": self.sides,
                "median": {side: median(values) for side, values in self.sides.items()},
                "beside_pgbouncer": self.ratio(THEIRS), "aims": list(self.judged())}


def number(value):
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}"


def spread(values):
    if not values:
        return "–"
    least, most = number(min(values)), number(max(values))
    return number(median(values)) + (f" ({least}–{most})" if len(values) > 1 else "")


def print_head(m):
    print(f"{m['date']}, {m['cpu']}, Linux {m['kernel']}")
    print(", ".join(filter(None, (m["postgresql"], m["pgbouncer"], m["fahrend"]))))
    print(f"median of alternating rounds ({m['rounds']} of {m['seconds_per_run']} s) and, in brackets, "
          "least and most; the load, the proxy and the server share the CPUs")
    print(f"\n{'':46} {'fahrend':>26} {'PgBouncer':>26} {'ratio':>6}", flush=True)


def print_group(scenario, heading, rows):
    """One scenario's part of the table."""
    for row in rows:
        row.scenario, row.group = scenario, heading
    if any(row.sides for row in rows):
        print(heading)
    for row in rows:
        if not row.sides:
            continue
        ratio = row.ratio(THEIRS)
        others = "; ".join(f"{side} {spread(values)}" for side, values in row.sides.items()
                           if side not in (OURS, THEIRS))
        print(f"  {row.title + ', ' + row.unit:44} {spread(row.sides.get(OURS)):>26} "
              f"{spread(row.sides.get(THEIRS)):>26} "
              f"{'' if ratio is None else f'{ratio:.2f}':>6}  {others}".rstrip(), flush=True)


def print_aims(rows):
    judged = [aim for row in rows for aim in row.judged()]
    if judged:
        print("\naims")
    for aim in judged:
        what = aim["what"] + (f", beside {aim['beside']}" if aim["beside"] else "")
        print(f"  {what:70} {aim['value']:8,.2f}  {aim['aim']}: "
              f"{'reached' if aim['reached'] else 'not reached'}", flush=True)
