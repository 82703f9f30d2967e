# SPDX-License-Identifier: MIT
"""Counts what a login and a query cost with many tenants and pools, beside one of each. Started by
scale.sh."""
import json
import subprocess
import sys

import counting
import proxies

AIM = 0.05
CHANGING = 100

FAHREND_YAML = """\
listen: {{address: ["127.0.0.1"], port: {port}, unix_dir: "", tls: {{mode: disable}}}}
workers: 1
servers:
  main: {{host: 127.0.0.1, port: {server}, max_connections: 0, tls: {{mode: disable}}}}
auth: {{method: trust}}
users:
  app: {{password: app, tenants: ["*"]}}
tenancy:
  resolve:
    - parameter: app.tenant
tenants:
  defaults:
    server: main
    database: app
    strategy: rls
    login: client
    pool: {{mode: transaction, size: 1, check_delay: 0}}
{tenants}
limits: {{clients: 20000}}
http: {{port: 0}}
core_dumps: true  # valgrind's vgdb is a debugger
log: {{level: warning}}
"""


def tenants_yaml(tenants, pools):
    """The first have a pool each; all others share one."""
    return "\n".join(f"  t{i}: {{strategy: {'database' if i < pools else 'rls'}}}"
                     for i in range(tenants))


def start(run, stub, tenants, pools):
    port = proxies.free_port()
    path = f"{run.work}/conf/scale-{port}.yaml"
    with open(path, "w") as f:
        f.write(FAHREND_YAML.format(port=port, server=stub.port,
                                    tenants=tenants_yaml(tenants, pools)))
    command = [f"{run.work}/bin/fahrend", "-c", path]
    return counting.Counted(run, f"fahrend-{tenants}", command, port)


def measure(run, tenants, pools, clients, profile):
    """Instructions of each kind of work, with as many clients whatever the number of tenants."""
    figures = {}

    def keep(what, figure):
        figures[what] = figure
        if profile:
            counting.save_profile(proxy, f"{profile}/{what.replace(' ', '-')}-{tenants}")

    stub = counting.Stub(run)
    try:
        proxy = start(run, stub, tenants, pools)
        try:
            changing = ("-f", str(pools))
            many = tenants - pools if tenants > 2 * clients else CHANGING
            keep("simple query", proxy.per_query(clients, pools, clients))
            keep("prepared execution", proxy.per_query(clients, pools, clients, "-P"))
            keep("query that changes tenant", proxy.per_query(clients, many, clients, *changing))
            keep("login and goodbye", proxy.per_login(clients, pools))
            return figures
        finally:
            proxy.stop()
    finally:
        stub.stop()


def print_table(few, many, names):
    print(f"\n  {'instructions in user space':28} {names[0]:>24} {names[1]:>32}")
    for what, base in few.items():
        change = many[what] / base - 1
        verdict = "" if abs(change) <= AIM else f"   not within {AIM:.0%}"
        print(f"  {what:28} {base:24,.0f} {many[what]:23,.0f} ({change:+6.2%}){verdict}")


def main():
    args = counting.parse_arguments(
        ("--tenants", {"type": int, "default": 100000}),
        ("--pools", {"type": int, "default": 2000}),
        ("--profile", {}), ("--output", {}), ("-o", {"dest": "output"}))
    run = counting.Run(args)
    clients = args.pools
    few = measure(run, 1 + CHANGING, 1, clients, args.profile)
    many = measure(run, args.tenants, args.pools, clients, args.profile)
    names = ("1 pool", f"{args.tenants:,} tenants, {args.pools:,} pools")
    print_table(few, many, names)
    if args.output:
        with open(args.output, "w") as f:
            json.dump({"few": few, "many": many}, f, indent=1)


if __name__ == "__main__":
    try:
        main()
    except (RuntimeError, subprocess.SubprocessError) as error:
        sys.exit(f"scale: {error}")
