# SPDX-License-Identifier: MIT
"""The proxies under test: their configuration, their start and end, and what /proc says of them."""
import base64
import hashlib
import hmac
import os
import socket
import subprocess
import time

TENANTS = 100
POOL_SIZE = 8

PGBOUNCER_INI = """\
[databases]
{databases}* = host=127.0.0.1 port={postgres}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = {auth}
auth_file = {users}
pool_mode = transaction
default_pool_size = {size}
max_client_conn = 12000
server_tls_sslmode = disable
ignore_startup_parameters = options,extra_float_digits,app.tenant
log_connections = 0
log_disconnections = 0
log_stats = 0
{more}"""

FAHREND_YAML = """\
listen: {{address: ["127.0.0.1"], port: {port}, unix_dir: "", tls: {tls}}}
workers: 1
servers:
  main: {{host: 127.0.0.1, port: {postgres}, max_connections: 90, tls: {{mode: disable}},
         admin: {{user: postgres}}}}
auth: {{method: {auth}}}
users:
  app: {{password: app, tenants: ["*"]}}
tenancy:
  resolve:
    - parameter: app.tenant
tenants:
  defaults:
    server: main{database}
    strategy: rls
    login: client
    rls: {rls}
    reset: {reset}
    pool: {{mode: transaction, size: {size}}}
{tenants}
admin: {{users: [app]}}
core_dumps: true  # valgrind's vgdb is a debugger
limits: {{clients: 12000}}
http: {{port: 0}}
log: {{level: warning}}
"""


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def pgbouncer_version():
    line = subprocess.run(["pgbouncer", "--version"], capture_output=True, text=True).stdout
    return tuple(int(n) for n in line.split("\n")[0].split()[-1].split(".")[:2])


class Proxy:
    """One running proxy. name is what tables call it; environment is for libpq clients of it."""

    def __init__(self, run, name, command, port, patience=20):
        self.name, self.port, self.patience = name, port, patience
        self.environment = {}
        self.log = os.path.join(run.work, f"{name}.log")
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd="/", **run.identity
            )
        self.wait()

    def wait(self):
        deadline = time.monotonic() + self.patience
        while self.process.poll() is None and time.monotonic() < deadline:
            with socket.socket() as s:
                if s.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.02)
        status = self.process.poll()
        self.stop()
        with open(self.log, errors="replace") as log:
            tail = log.read()[-2000:]
        raise RuntimeError(f"{self.name} does not listen (exit status {status}):\n{tail}")

    def cpu_ns(self):
        """CPU time of all threads so far, in ns; /proc/PID/stat only counts ticks of 10 ms."""
        total = 0
        tasks = f"/proc/{self.process.pid}/task"
        for task in os.listdir(tasks):
            with open(f"{tasks}/{task}/schedstat") as f:
                total += int(f.read().split()[0])
        return total

    def memory(self):
        """Resident and proportional set size, in bytes."""
        sizes = {}
        with open(f"/proc/{self.process.pid}/smaps_rollup") as f:
            for line in f:
                words = line.split()
                if words[0] in ("Rss:", "Pss:"):
                    sizes[words[0][:-1].lower()] = int(words[1]) * 1024
        return sizes

    def stop(self):
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(5)
            except subprocess.TimeoutExpired:
                self.process.kill()
        self.process.wait()


class Direct:
    """PostgreSQL itself, for comparison."""

    def __init__(self, run):
        self.name, self.port, self.environment = "direct", run.postgres, {}

    def cpu_ns(self):
        return 0

    def stop(self):
        pass


def start_forwarder(run, name="forwarder", program="forwarder"):
    port = free_port()
    return Proxy(run, name, [f"{run.work}/bin/{program}", str(port), str(run.postgres)], port)


def certificate(run):
    """(certificate, key) of a server, made once; ECDSA, as both sides are given it."""
    files = [f"{run.work}/conf/server.{kind}" for kind in ("crt", "key")]
    if not os.path.exists(files[0]):
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                        "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj", "/CN=localhost",
                        "-out", files[0], "-keyout", files[1]], check=True, capture_output=True)
        if run.identity:
            os.chown(files[1], run.identity["user"], run.identity["group"])
    return files


def pgbouncer_command(run, size=POOL_SIZE, databases="", auth="trust", tls=False,
                      secret="app"):
    """Its port and how to start it; databases are lines of the ini file ahead of the rule for all."""
    port = free_port()
    conf = f"{run.work}/conf"
    users = f"{conf}/users-{port}.txt"
    with open(users, "w") as f:
        f.write(f'"app" "{secret}"\n"other" "other"\n')
    more = "max_prepared_statements = 200\n" if pgbouncer_version() >= (1, 21) else ""
    if tls:
        more += "client_tls_sslmode = require\nclient_tls_cert_file = {}\nclient_tls_key_file = {}\n" \
            .format(*certificate(run))
    path = f"{conf}/pgbouncer-{port}.ini"
    with open(path, "w") as f:
        f.write(PGBOUNCER_INI.format(postgres=run.postgres, port=port, users=users, size=size,
                                     databases=databases, more=more, auth=auth))
    return port, ["pgbouncer", "-q", path]


def start_pgbouncer(run, name="pgbouncer", **options):
    port, command = pgbouncer_command(run, **options)
    return Proxy(run, name, command, port)


def fahrend_command(run, reset="tenant", size=POOL_SIZE, auth="trust", tls=False,
                    rls="{setting: app.tenant}", database=None):
    port = free_port()
    tls = "{{mode: require, certificate: {}, key: {}}}".format(*certificate(run)) if tls \
        else "{mode: disable}"
    path = f"{run.work}/conf/fahrend-{port}.yaml"
    tenants = "\n".join(f"  t{i}: {{}}" for i in range(TENANTS))
    with open(path, "w") as f:
        f.write(FAHREND_YAML.format(postgres=run.postgres, port=port, size=size, reset=reset, auth=auth,
                                    tenants=tenants, tls=tls, rls=rls,
                                    database=f"\n    database: {database}" if database else ""))
    return port, [f"{run.work}/bin/fahrend", "-c", path]


def start_fahrend(run, reset="tenant", name=None, **options):
    port, command = fahrend_command(run, reset, **options)
    name = name or ("fahrend" if reset == "tenant" else f"fahrend-{reset}")
    proxy = Proxy(run, name, command, port)
    proxy.environment = {"PGOPTIONS": "-c app.tenant=t0"}
    return proxy


def start_fahrend_sealed(run):
    """In front of the database `sealed`, whose tables it protects by the seal."""
    proxy = start_fahrend(run, name="fahrend-sealed", database="sealed",
                          rls="{setting: app.tenant, seal: true, key: "
                              "a key of the benchmark with 32 bytes or more, column: tenant_id}")
    subprocess.run([f"{run.programs}/psql", "-X", "-q", "-h", "127.0.0.1", "-p", str(proxy.port),
                    "-U", "app", "-c", "SETUP RLS", "fahrend"],
                   env={**os.environ, "PGSSLMODE": "disable"}, check=True, capture_output=True)
    return proxy


def start_pgbouncer_scram(run, name="pgbouncer-scram", **options):
    proxy = start_pgbouncer(run, name, auth="scram-sha-256", **options)
    proxy.environment = {"PGPASSWORD": "app"}
    return proxy


def scram_verifier(password, iterations=4096):
    """What PostgreSQL keeps of a password, so that nobody need hash it again and again."""
    salt = os.urandom(16)
    salted = hashlib.pbkdf2_hmac("sha256", password.encode(), salt, iterations)
    stored = hashlib.sha256(hmac.digest(salted, b"Client Key", "sha256")).digest()
    server = hmac.digest(salted, b"Server Key", "sha256")
    salt, stored, server = (base64.b64encode(part).decode() for part in (salt, stored, server))
    return f"SCRAM-SHA-256${iterations}:{salt}${stored}:{server}"


def start_pgbouncer_verifier(run, name="pgbouncer-verifier", **options):
    return start_pgbouncer_scram(run, name, secret=scram_verifier("app"), **options)


def start_fahrend_scram(run, name="fahrend-scram", **options):
    proxy = start_fahrend(run, name=name, auth="scram-sha-256", **options)
    proxy.environment["PGPASSWORD"] = "app"
    return proxy


def with_tls(start, name):
    """The same side with TLS for its clients."""
    def start_it(run):
        proxy = start(run, name=name, tls=True)
        proxy.environment["PGSSLMODE"] = "require"
        return proxy
    return start_it
