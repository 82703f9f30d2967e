# SPDX-License-Identifier: MIT
"""Runs the oracle: a PostgreSQL, a fahrend before it, and the program that asks both hard.

By hand: runner.py [--seconds N] [--seed S] [--kill N] [--release] [--direct]. The seed also chooses
the size of the pool, of the statement cache and how connections are reset. --direct leaves fahrend
out: the model itself is tried on PostgreSQL.
"""

import argparse
import contextlib
import os
import random
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))

from cluster import Cluster, drop_templates, free_port
from proxy import Proxy, base_config, binary
from world import RLS, SCHEMA, make_world, tenants_config

DEFAULT_PATH = '"$user", public'
# Ordinary rows would do as well; a default cannot be forgotten by a client.
SINK = """
CREATE TABLE IF NOT EXISTS public.oracle_sink (client bigint, number bigint, claimed text,
    stored text DEFAULT coalesce(current_setting('app.tenant', true), '') || '/' ||
                        current_setting('search_path'));
GRANT INSERT, SELECT ON public.oracle_sink TO PUBLIC;
"""


def program():
    """The oracle stands beside the daemon under test, unless $ORACLE names another."""
    return os.environ.get("ORACLE") or os.path.join(os.path.dirname(binary()), "oracle")


def config(server_port, seed, workers):
    """The pools of one run: small, so that clients meet on them."""
    chance = random.Random(seed)
    tenants = tenants_config(size=chance.randint(1, 4))
    tenants["defaults"]["reset"] = chance.choice(["tenant", "tenant", "client", "never"])
    for name in (*RLS, *SCHEMA):
        tenants[name]["pool"] = {"prepared_statements": chance.randint(1, 3)}
    tenants[RLS[1]]["assert"] = "always"
    return base_config(server_port, tenants=tenants, workers=workers, log={"level": "warning"})


def tenant_arguments():
    for name in RLS:
        yield f"--tenant={name},{name},{DEFAULT_PATH}"
    for name in SCHEMA:
        yield f'--tenant={name},,"tenant_{name}"'


def direct_arguments():
    for name in RLS:
        yield f"--tenant={name},{name},{DEFAULT_PATH}"


class WrongAnswer(AssertionError):
    """The oracle found something; its words are the text."""


def ask(cluster, proxy_port, listen_port, seconds, seed, tenants, kill=0):
    """Runs the program and returns what it printed last; WrongAnswer where something was wrong."""
    cluster.run(SINK, "app")
    command = [program(), f"--proxy={proxy_port}", f"--listen={listen_port}",
               f"--server={cluster.port}", f"--seconds={seconds}", f"--seed={seed}",
               f"--kill={kill}", *tenants]
    done = subprocess.run(command, capture_output=True, text=True, timeout=seconds + 90,
                          check=False)
    if done.returncode != 0:
        raise WrongAnswer(f"seed {seed}: exit {done.returncode}\n{done.stdout}{done.stderr}")
    strangers = cluster.run("SELECT * FROM public.oracle_sink WHERE claimed <> stored", "app")
    if strangers:
        raise WrongAnswer(f"seed {seed}: rows of a copy in another context: {strangers[:5]}")
    return done.stdout.splitlines()[-1]


def run(cluster, seconds, seed, kill=0, release=False, workers=1):
    listen_port = free_port()
    with Proxy(config(listen_port, seed, workers), release) as daemon:
        try:
            return ask(cluster, daemon.port, listen_port, seconds, seed, tenant_arguments(), kill)
        except WrongAnswer as wrong:
            raise WrongAnswer(f"{wrong}\nlog of fahrend:\n{daemon.log[-6000:]}") from None


def run_direct(cluster, seconds, seed):
    listen_port = free_port()
    return ask(cluster, listen_port, listen_port, seconds, seed, direct_arguments())


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=20)
    parser.add_argument("--seed", type=int, default=int.from_bytes(os.urandom(4), "big"))
    parser.add_argument("--kill", type=int, default=0)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--release", action="store_true")
    parser.add_argument("--direct", action="store_true")
    options = parser.parse_args()
    print(f"seed {options.seed}", flush=True)
    with contextlib.ExitStack() as stack:
        stack.callback(drop_templates)
        cluster = stack.enter_context(Cluster())
        make_world(cluster)
        if options.direct:
            print(run_direct(cluster, options.seconds, options.seed))
        else:
            print(run(cluster, options.seconds, options.seed, options.kill, options.release,
                      options.workers))


if __name__ == "__main__":
    try:
        main()
    except WrongAnswer as wrong:
        sys.exit(str(wrong))
