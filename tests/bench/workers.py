# SPDX-License-Identifier: MIT
"""One and two workers, with a server that answers at once (stub.c) and a pool in as many shards. The
load, the stub and the proxy share the machine's CPUs: with two of them the figure says what is left
for the second worker, not what it could do."""
import os

import proxies
import scenarios
from report import Row

CLIENTS = 32
TENANTS = 8
CPUS_TO_TELL = 6  # two for the proxy, the rest for the load and the stub

YAML = """\
listen: {{address: ["127.0.0.1"], port: {port}, unix_dir: "", tls: {{mode: disable}}}}
workers: {workers}
servers:
  main: {{host: 127.0.0.1, port: {server}, max_connections: 0, tls: {{mode: disable}}}}
auth: {{method: trust}}
users:
  app: {{password: app, tenants: ["*"]}}
tenancy: {{resolve: [parameter: app.tenant], unknown: template}}
tenants:
  defaults: {{server: main, database: app, strategy: rls, reset: never,
             pool: {{size: 32, shards: {workers}, check_delay: 0}}}}
http: {{port: 0}}
log: {{level: warning}}
"""


def start_stub(run):
    port = proxies.free_port()
    return proxies.Proxy(run, "stub", [f"{run.work}/bin/stub", str(port)], port)


def start(run, stub, workers):
    port = proxies.free_port()
    path = f"{run.work}/conf/workers-{port}.yaml"
    with open(path, "w") as f:
        f.write(YAML.format(port=port, server=stub.port, workers=workers))
    return proxies.Proxy(run, f"fahrend-{workers}", [f"{run.work}/bin/fahrend", "-c", path], port)


def measure_one(run, proxy):
    result = scenarios.run_load(run, proxy, CLIENTS, "any", "-n", str(TENANTS))
    result["cpus"] = result["cpu_us"] * result["tps"] / 1e6
    return result


def measure(run):
    """{workers: [result of each round]}"""
    stub = start_stub(run)
    running = {}
    results = {1: [], 2: []}
    try:
        for workers in results:
            running[workers] = start(run, stub, workers)
        for _ in range(run.rounds):
            for workers, rounds in results.items():
                rounds.append(measure_one(run, running[workers]))
    finally:
        for proxy in (*running.values(), stub):
            proxy.stop()
    return results


def rows(run):
    results = measure(run)
    enough = len(os.sched_getaffinity(0)) >= CPUS_TO_TELL
    for key, title, unit in (("tps", "throughput", "transactions/s"),
                             ("cpu_us", "CPU of the proxy", "us/transaction"),
                             ("cpus", "CPUs that it had", "CPUs")):
        for workers, rounds in results.items():
            yield Row(f"{title}, {workers} worker{'s' * (workers > 1)}", unit,
                      {"fahrend": [r[key] for r in rounds]}, less=key != "tps")
    yield Row("throughput, two beside one", "times",
              {"fahrend": [two["tps"] / one["tps"] for one, two in zip(*results.values())]},
              less=False, aims=((None, 1.7),) if enough else ())
