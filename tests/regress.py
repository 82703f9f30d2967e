# SPDX-License-Identifier: MIT
"""PostgreSQL's own regression suite, directly and through fahrend in session mode with the strategy
none: each test must end as it ends without fahrend.

By hand, 5 to 15 minutes, as root or as an ordinary user:

    /usr/bin/python3 tests/regress.py [--source DIRECTORY] [--diffs FILE]

The source must be of the minor version of the server that is installed; without --source it is
fetched by `apt-get source`, which needs a line `deb-src` and answers 404 for versions that Debian
has replaced. Needs gcc and the package postgresql-server-dev of the version. Prints the tests that
end differently, and exits with 1 where there are some.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))

from cluster import Cluster, as_user, drop_templates, find_bindir, give_to, unprivileged_user
from proxy import Proxy, base_config

TENANTS = {"defaults": {"server": "main"},
           "whole": {"strategy": "none", "login": "client",
                     "pool": {"mode": "session", "size": 60}}}
# What pg_regress sets in a database that it makes itself.
DATABASE = """
CREATE DATABASE regression TEMPLATE template0 ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C';
ALTER DATABASE regression SET lc_messages TO 'C';
ALTER DATABASE regression SET lc_monetary TO 'C';
ALTER DATABASE regression SET lc_numeric TO 'C';
ALTER DATABASE regression SET lc_time TO 'C';
ALTER DATABASE regression SET bytea_output TO 'hex';
ALTER DATABASE regression SET timezone_abbreviations TO 'Default'
"""


def config(server_port):
    """Clients get the database that they ask for."""
    whole = base_config(server_port, log={"level": "warning"},
                        users={"postgres": {"password": "postgres", "tenants": ["*"]}})
    return {**whole, "tenants": TENANTS}


def fetch(work):
    """The source of the installed minor version."""
    major = re.search(r"/(\d+)/bin$", find_bindir())[1]
    subprocess.run(["apt-get", "source", "-qq", f"postgresql-{major}"], cwd=work, check=True)
    found = [entry.path for entry in os.scandir(work) if entry.is_dir()]
    return found[0]


def prepare(source, work, user):
    """The suite where its user can write, with the functions in C that it calls."""
    suite = os.path.join(work, "suite")
    shutil.copytree(os.path.join(source, "src", "test", "regress"), suite)
    config = os.path.join(find_bindir(), "pg_config")

    def ask(what):
        return subprocess.run([config, what], capture_output=True, text=True,
                              check=True).stdout.strip()

    subprocess.run(["gcc", "-shared", "-fPIC", "-O2", "-w", "-I", ask("--includedir-server"),
                    os.path.join(suite, "regress.c"), "-o", os.path.join(suite, "regress.so")],
                   check=True)
    for name in ("refint.so", "autoinc.so"):
        shutil.copy(os.path.join(ask("--pkglibdir"), name), suite)
    subprocess.run(["chmod", "-R", "a+rX", work], check=True)
    if user is not None:
        subprocess.run(["chown", "-R", f"{user.pw_uid}:{user.pw_gid}", suite], check=True)
    program = os.path.join(ask("--pkglibdir"), "pgxs", "src", "test", "regress", "pg_regress")
    return suite, program


def results(text):
    """What pg_regress said of each test."""
    found = {}
    for line in text.splitlines():
        match = re.match(r"^(?:test\s+|\s+)(\w+)\s+\.\.\.\s+(ok|FAILED)", line)
        if match:
            found[match[1]] = match[2]
    return found


def run_suite(cluster, suite, program, port, user):
    cluster.run("DROP DATABASE IF EXISTS regression")
    for statement in DATABASE.split(";"):
        cluster.run(statement)
    out = tempfile.mkdtemp(prefix="out-", dir=os.path.dirname(suite))
    give_to(user, out)
    command = [program, "--use-existing", f"--inputdir={suite}", f"--outputdir={out}",
               f"--dlpath={suite}", f"--bindir={find_bindir()}",
               "--host=127.0.0.1", f"--port={port}", "--user=postgres", "--dbname=regression",
               f"--schedule={suite}/parallel_schedule", "--max-connections=20"]
    if int(re.search(r"/(\d+)/bin$", find_bindir())[1]) >= 16:
        command.append(f"--expecteddir={suite}")
    environment = {**os.environ, "PGOPTIONS": "-c app.tenant=whole", "PGPASSWORD": "postgres"}
    done = subprocess.run(as_user(user, command), cwd=out, env=environment, capture_output=True,
                          text=True, timeout=3600, check=False)
    found = results(done.stdout)
    if not found:
        sys.exit(f"pg_regress did not run:\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}")
    diffs = os.path.join(out, "regression.diffs")
    return found, diffs if os.path.exists(diffs) else None


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--source")
    parser.add_argument("--diffs", help="where the differences of the run through fahrend go")
    options = parser.parse_args()
    user = unprivileged_user()
    work = tempfile.mkdtemp(prefix="regress-")
    os.chmod(work, 0o755)
    try:
        suite, program = prepare(options.source or fetch(work), work, user)
        with Cluster(max_connections="100") as server:
            direct, _ = run_suite(server, suite, program, server.port, user)
        with Cluster(max_connections="100") as server:
            with Proxy(config(server.port), True) as daemon:
                proxied, diffs = run_suite(server, suite, program, daemon.port, user)
                if diffs and options.diffs:
                    shutil.copy(diffs, options.diffs)
    finally:
        shutil.rmtree(work, ignore_errors=True)
        drop_templates()
    for name, found in (("directly", direct), ("through fahrend", proxied)):
        good = sum(result == "ok" for result in found.values())
        print(f"{name}: {good} of {len(found)} tests ok")
    different = [name for name in direct if direct[name] != proxied.get(name)]
    for name in different:
        print(f"{name}: directly {direct[name]}, through fahrend {proxied.get(name, 'not run')}")
    sys.exit(1 if different else 0)


if __name__ == "__main__":
    main()
