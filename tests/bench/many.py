# SPDX-License-Identifier: MIT
"""Many pools, and many tenants: what a transaction and a login cost then. The server is stub.c, which
answers at once, so that a thousand server connections cost nothing. PgBouncer has a database for
each."""
import proxies
import scenarios
import workers
from report import Row

CONNECTIONS = 1000  # server connections over all pools, and as many clients
POOLS = (1, 10, 100, 1000)
TENANTS = (1, 10000, 100000)
PGBOUNCER_MOST = 10000  # it reads 100,000 databases for minutes: each is looked for in a list

FAHREND_YAML = """\
listen: {{address: ["127.0.0.1"], port: {port}, unix_dir: "", tls: {{mode: disable}}}}
workers: 1
servers:
  main: {{host: 127.0.0.1, port: {server}, max_connections: 0, tls: {{mode: disable}}}}
auth: {{method: trust}}
users:
  app: {{password: app, tenants: ["*"]}}
tenancy: {{resolve: [parameter: app.tenant]}}
tenants:
  defaults: {{server: main, strategy: database, pool: {{size: {size}, check_delay: 0}}}}
{tenants}
limits: {{clients: 12000}}
http: {{port: 0}}
log: {{level: warning}}
"""


def start_fahrend(run, stub, count, size):
    port = proxies.free_port()
    path = f"{run.work}/conf/many-{port}.yaml"
    with open(path, "w") as f:
        f.write(FAHREND_YAML.format(port=port, server=stub.port, size=size,
                                    tenants="\n".join(f"  t{i}: {{}}" for i in range(count))))
    return proxies.Proxy(run, f"fahrend-many-{count}", [f"{run.work}/bin/fahrend", "-c", path], port)


def start_pgbouncer(run, stub, count, size):
    databases = "".join(f"t{i} = host=127.0.0.1 port={stub.port}\n" for i in range(count))
    return proxies.start_pgbouncer(run, f"pgbouncer-many-{count}", size=size, databases=databases)


STARTS = {"fahrend": start_fahrend, "pgbouncer": start_pgbouncer}


def cost(run, proxy, clients, mode, *more):
    """The proxy's CPU time for one transaction, in us."""
    scenarios.run_load(run, proxy, clients, mode, "-d", "$t", *more, "-t", "50")
    return scenarios.run_load(run, proxy, clients, mode, "-d", "$t", *more)["cpu_us"]


def measure(run, sides, counts, size, measure_one):
    """{count: {side: [figures of each round]}}; a proxy for each, one at a time."""
    stub = workers.start_stub(run)
    results = {count: {side: [] for side in STARTS
                       if side in sides and (side != "pgbouncer" or count <= PGBOUNCER_MOST)}
               for count in counts}
    try:
        for count, of_sides in results.items():
            for side, rounds in of_sides.items():
                proxy = STARTS[side](run, stub, count, size(count))
                try:
                    for _ in range(1 if run.short else 3):
                        rounds.append(measure_one(proxy, count))
                finally:
                    proxy.stop()
    finally:
        stub.stop()
    return results


def pool_rows(run, sides):
    """All of them in use."""
    counts = POOLS[::3] if run.short else POOLS
    results = measure(run, sides, counts, lambda count: CONNECTIONS // count,
                      lambda proxy, count: cost(run, proxy, CONNECTIONS, "any", "-n", str(count)))
    for count, of_sides in results.items():
        yield Row(f"CPU of the proxy, {count:,} pool{'s' * (count > 1)}", "us/transaction", of_sides)


def tenant_rows(run, sides):
    """One of them is in use, from the middle."""
    def measure_one(proxy, count):
        middle = ("-n", "1", *(("-f", str(count // 2)) if count > 1 else ()))
        clients = 8
        return (cost(run, proxy, clients, "any", *middle), cost(run, proxy, clients, "login", *middle))

    results = measure(run, sides, TENANTS, lambda count: 8, measure_one)
    for which, what in enumerate(("transaction", "login and goodbye")):
        for count, of_sides in results.items():
            yield Row(f"CPU of the proxy, {count:,} tenant{'s' * (count > 1)}", f"us/{what}",
                      {side: [r[which] for r in rounds] for side, rounds in of_sides.items()})
