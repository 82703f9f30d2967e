# SPDX-License-Identifier: MIT
"""Counts the instructions that a proxy spends in user space, with callgrind, while clients take
turns (drive.c). Queries are counted from when all clients have logged in to when the last answer
is there. For logins a figure is the difference of two runs of which one does twice as much, so that
whatever does not grow with the work cancels out."""
import argparse
import glob
import os
import pwd
import re
import resource
import subprocess

import proxies

PATIENCE = 300


class Run:
    """What the command line says; what proxies.py wants to know."""

    def __init__(self, args):
        self.work, self.programs = args.work, args.programs
        self.postgres = getattr(args, "postgres", None)
        self.identity = {}
        if os.getuid() == 0:
            user = pwd.getpwnam(args.user)
            self.identity = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
        self.counts = os.path.join(self.work, "counts")
        os.makedirs(self.counts, exist_ok=True)
        if self.identity:
            os.chown(self.counts, self.identity["user"], self.identity["group"])


def parse_arguments(*more):
    p = argparse.ArgumentParser()
    for name in ("--work", "--programs", "--user"):
        p.add_argument(name, required=True)
    for name, options in more:
        p.add_argument(name, **options)
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 20000), hard))
    return p.parse_args()


class Counted(proxies.Proxy):
    """A proxy that runs under callgrind. `drive` are arguments that its clients need."""

    def __init__(self, run, name, command, port, drive=()):
        self.run, self.drive_arguments = run, list(drive)
        self.out = os.path.join(run.counts, f"callgrind.{name}.{port}")
        valgrind = ["valgrind", "--tool=callgrind", f"--callgrind-out-file={self.out}",
                    f"--vgdb-prefix={run.counts}/vgdb"]
        super().__init__(run, name, [*valgrind, *command], port, PATIENCE)

    def order(self, command):
        vgdb = ["vgdb", f"--pid={self.process.pid}", f"--vgdb-prefix={self.run.counts}/vgdb"]
        subprocess.run([*vgdb, command], check=True, capture_output=True, timeout=PATIENCE,
                       **self.run.identity)

    def drive(self, clients, tenants, queries, *more, at=lambda place: None):
        """Calls `at` with "ready" when all have logged in, and with "done" before they leave."""
        command = [f"{self.run.work}/bin/drive", "-w", "-p", str(self.port), "-c", str(clients),
                   "-n", str(tenants), "-q", str(queries), *self.drive_arguments, *more]
        pipe = subprocess.PIPE
        with subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, text=True) as process:
            for place in process.stdout:
                at(place.strip())
                process.stdin.write("\n")
                process.stdin.flush()
            if process.wait(PATIENCE) != 0:
                raise RuntimeError(f"drive through {self.name}: {process.stderr.read()}")

    def connect(self, times, environment):
        """libpq connects, asks and leaves, again and again."""
        done = subprocess.run(
            [f"{self.run.programs}/pgbench", "-n", "-S", "-C", "-t", str(times), "-h", "127.0.0.1",
             "-p", str(self.port), "-U", "app", "bench"], capture_output=True, text=True,
            timeout=PATIENCE, env={**os.environ, **environment})
        if done.returncode != 0:
            raise RuntimeError(f"pgbench through {self.name}: {done.stderr}")

    def counted(self):
        """Instructions from the latest "zero" on."""
        self.order("dump")
        newest = max(glob.glob(f"{self.out}.*"), key=lambda path: int(path.rsplit(".", 1)[1]))
        with open(newest) as f:
            return int(re.search(r"^summary: (\d+)", f.read(), re.MULTILINE)[1])

    def per_query(self, clients, tenants, queries, *more):
        self.drive(clients, tenants, max(clients, 50), *more)
        figures = []

        def at(place):
            if place == "ready":
                self.order("zero")
            else:
                figures.append(self.counted() / queries)

        self.drive(clients, tenants, queries, *more, at=at)
        return figures[0]

    def logins(self, clients, tenants, *more):
        self.order("zero")
        self.drive(clients, tenants, 0, *more)
        return self.counted()

    def per_login(self, clients, tenants, *more):
        """A login and the client's goodbye, where its pool and context are known already."""
        self.drive(2 * clients, tenants, 0, *more)
        once = self.logins(clients, tenants, *more)
        return (self.logins(2 * clients, tenants, *more) - once) / clients

    def connects(self, times, environment):
        self.order("zero")
        self.connect(times, environment)
        return self.counted()

    def per_connect(self, times, environment):
        self.connect(times, environment)
        once = self.connects(times, environment)
        return (self.connects(2 * times, environment) - once) / times


class Stub:
    """The server of stub.c."""

    def __init__(self, run):
        self.port = proxies.free_port()
        self.process = subprocess.Popen([f"{run.work}/bin/stub", str(self.port)],
                                        stdout=subprocess.PIPE, text=True)
        if self.process.stdout.readline() != "ready\n":
            raise RuntimeError("stub does not start")

    def stop(self):
        self.process.kill()
        self.process.wait()


def save_profile(proxy, path):
    """Self and inclusive costs of the latest count, as callgrind_annotate shows them."""
    newest = max(glob.glob(f"{proxy.out}.*"), key=lambda p: int(p.rsplit(".", 1)[1]))
    with open(path, "w") as f:
        for inclusive in ("no", "yes"):
            f.write(f"inclusive={inclusive}\n")
            f.flush()
            subprocess.run(["callgrind_annotate", "--auto=no", f"--inclusive={inclusive}",
                            "--threshold=100", newest], stdout=f, check=True)
