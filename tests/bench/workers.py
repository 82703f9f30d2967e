# SPDX-License-Identifier: MIT
"""One and two workers, with a server that answers at once (stub.c) and a pool in as many shards. The
load, the stub and the proxy share the machine's CPUs: with two of them the figure says what is left
for the second worker, not what it could do."""
import os
import re
import subprocess
from statistics import median

import proxies

CLIENTS = 4
TENANTS = 8

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


def script_of(run):
    return f"{run.work}/conf/one.sql"


def load(run, proxy, tenant):
    return subprocess.Popen(
        [f"{run.programs}/pgbench", "-n", "-f", script_of(run), "-c", str(CLIENTS), "-T", str(run.seconds),
         "-h", "127.0.0.1", "-p", str(proxy.port), "-U", "app", "app"],
        env={**os.environ, "PGSSLMODE": "disable", "PGOPTIONS": f"-c app.tenant=t{tenant}"},
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)


def measure_one(run, proxy):
    cpu = proxy.cpu_ns()
    loads = [load(run, proxy, tenant) for tenant in range(TENANTS)]
    texts = [one.communicate(timeout=60)[0] for one in loads]
    counts = [int(re.search(r"actually processed: (\d+)", text)[1]) for text in texts]
    spent = (proxy.cpu_ns() - cpu) / 1e9
    return {"tps": sum(counts) / run.seconds, "cpu_us": spent * 1e6 / sum(counts),
            "cpus": spent / run.seconds}


def measure(run):
    """{workers: [result of each round]}"""
    with open(script_of(run), "w") as f:
        f.write("SELECT 1;\n")
    stub = start_stub(run)
    running = {}
    results = {"1": [], "2": []}
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


def print_table(results):
    print(f"\nworkers: {TENANTS} tenants, {CLIENTS * TENANTS} clients, a server that answers at once")
    for workers, rounds in results.items():
        print(f"  {workers + ' worker(s)':22} {median(r['tps'] for r in rounds):8.0f} transactions/s, "
              f"proxy CPU {median(r['cpu_us'] for r in rounds):.1f} us/transaction, "
              f"{median(r['cpus'] for r in rounds):.2f} CPUs", flush=True)
