#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""PostgreSQL's own regression suite, run straight at a server and then through fahrend in session
mode with `strategy: none`, twice; the results are compared test by test. By hand:

    tests/regress/regress.py        some three minutes; exit status 0 when nothing else differs than said below

217 of 217 straight, and through fahrend with `pool.lifetime: 1ms`, where each client has a server process of
its own; 214 where processes are used again (15.18). PgBouncer 1.25 has 210. What remains then no SQL can undo,
so no scrub can either; it is the process:

- `guc` wants a library (plpgsql) that is not loaded yet: one that is loaded stays so, and keeps its prefix.
- `temp` wants a transaction to fail because it makes the schema for temporary tables, which a process makes once.
- `stats` wants a new client to be counted by the server as a session, which a process is once.
Takes the source of Debian's PostgreSQL by `apt-get source` in the version that is installed (an entry
of sources.list must be of type deb-src), and pg_regress from postgresql-server-dev-15. $PG_SOURCE names
an unpacked source instead. $KEEP names a folder where results and differences are left.
"""

import glob
import os
import re
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "lib"))

EXPECTED = {"guc", "stats", "temp"}

# pylint: disable=wrong-import-position
from cluster import Cluster, as_user, find_bindir, free_port, give_to, unprivileged_user
from proxy import Proxy

LINE = re.compile(r"^(?:test\s+|\s+)(\S+)\s+\.\.\. (ok|FAILED|failed)")


def run(*command, **options):
    return subprocess.run(command, check=True, text=True, capture_output=True, **options).stdout


def fetch_source(folder, bindir):
    """Unpacks the source of the server that is installed and returns its directory."""
    named = os.environ.get("PG_SOURCE")
    if named:
        return named
    major = re.search(r"/(\d+)/bin", bindir)[1]
    version = run("dpkg-query", "-W", "-f", "${Version}", f"postgresql-{major}")
    run("apt-get", "source", "--download-only", f"postgresql-{major}={version}", cwd=folder)
    archive, = glob.glob(os.path.join(folder, "*.orig.tar.bz2"))
    run("tar", "-xf", archive, "-C", folder)
    return archive_root(folder)


def archive_root(folder):
    found, = glob.glob(os.path.join(folder, "postgresql-*", ""))
    return found.rstrip("/")


def build_library(source, folder, bindir):
    """regress.so, functions in C that the tests load; the libraries that stand beside it are Debian's."""
    config = os.path.join(bindir, "pg_config")
    includes = run(config, "--includedir-server").strip()
    installed = run(config, "--pkglibdir").strip()
    run("gcc", "-shared", "-fPIC", "-O1", "-fwrapv", "-I", includes, "-I", run(config, "--includedir").strip(),
        os.path.join(source, "src/test/regress/regress.c"), "-o", os.path.join(folder, "regress.so"))
    for name in ("refint.so", "autoinc.so"):
        shutil.copy(os.path.join(installed, name), folder)
    return os.path.join(installed, "pgxs/src/test/regress/pg_regress")


def make_database(cluster):
    """As pg_regress makes it, when it does not use one that exists."""
    cluster.run("DROP DATABASE IF EXISTS regression")
    cluster.run("CREATE DATABASE regression TEMPLATE template0 LC_COLLATE 'C' LC_CTYPE 'C'")
    for setting in ("lc_messages = 'C'", "lc_monetary = 'C'", "lc_numeric = 'C'", "lc_time = 'C'",
                    "bytea_output = 'hex'", "timezone_abbreviations = 'Default'"):
        cluster.run(f"ALTER DATABASE regression SET {setting}")


def verdicts(regress, source, folder, port, bindir):
    """Runs the suite and returns `ok` or `FAILED` for each test."""
    tests = os.path.join(source, "src/test/regress")
    out = os.path.join(folder, f"out-{port}")
    os.mkdir(out)
    user = unprivileged_user()
    give_to(user, out)
    command = [regress, "--use-existing", "--dbname=regression", "--host=127.0.0.1", f"--port={port}",
               "--user=postgres", f"--bindir={bindir}", f"--dlpath={folder}", f"--inputdir={tests}",
               f"--outputdir={out}", f"--schedule={tests}/parallel_schedule", "--max-connections=20"]
    done = subprocess.run(as_user(user, command), cwd=out, text=True, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, env={**os.environ, "PGSSLMODE": "disable"}, check=False)
    found = dict(m.groups() for m in map(LINE.match, done.stdout.splitlines()) if m)
    if not found:
        raise RuntimeError(done.stdout)
    keep = os.environ.get("KEEP")
    if keep:
        shutil.copytree(out, os.path.join(keep, os.path.basename(out)), dirs_exist_ok=True)
    return found


def proxy_config(server_port, pool):
    return {
        "listen": {"address": ["127.0.0.1"], "port": free_port(), "unix_dir": ""},
        "servers": {"main": {"host": "127.0.0.1", "port": server_port}},
        "auth": {"method": "trust"},
        "tenancy": {"resolve": [{"database": "{tenant}"}], "unknown": "template"},
        "tenants": {"defaults": {"strategy": "none", "database": "{tenant}",
                                 "pool": {"mode": "session", "size": 40, **pool}}},
        "http": {"port": 0},
    }


def fresh_server():
    return Cluster(fsync="off", max_connections="100", timezone="UTC", autovacuum="on",
                   max_prepared_transactions="2", shared_buffers="128MB")


def through_proxy(regress, source, folder, bindir, **pool):
    with fresh_server() as cluster:
        make_database(cluster)
        with Proxy(proxy_config(cluster.port, pool), release=True) as daemon:
            return verdicts(regress, source, folder, daemon.port, bindir)


def report(title, direct, through):
    """Prints how a run went, and returns the names of the tests that differ."""
    print(f"{title}: {list(through.values()).count('ok')} of {len(through)}")
    differ = sorted(name for name in direct if through.get(name) != direct[name])
    for name in differ:
        print(f"differs: {name}: straight {direct[name]}, here {through.get(name)}")
    return set(differ)


def main():
    bindir = find_bindir()
    with tempfile.TemporaryDirectory(prefix="pg-regress-") as folder:
        os.chmod(folder, 0o755)
        source = fetch_source(folder, bindir)
        regress = build_library(source, folder, bindir)
        with fresh_server() as cluster:
            make_database(cluster)
            direct = verdicts(regress, source, folder, cluster.port, bindir)
        report("straight", direct, direct)
        fresh = report("fahrend, each client a process of its own", direct,
                       through_proxy(regress, source, folder, bindir, lifetime="1ms"))
        reused = report("fahrend, processes used again", direct,
                        through_proxy(regress, source, folder, bindir))
    return 1 if fresh or reused - EXPECTED else 0


if __name__ == "__main__":
    sys.exit(main())
