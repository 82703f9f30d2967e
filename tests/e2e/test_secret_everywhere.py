# SPDX-License-Identifier: MIT
"""A recognisable secret in every place that may hold one, every feature used, right and wrong; then
all that anybody may look at is searched: our log, PostgreSQL's with every statement in it, errors,
the console, the metrics and the page, arguments and environments of processes. And what clients
say in SQL is in no log of ours."""

import base64
import glob
import hashlib
import hmac
import json
import re
import urllib.parse

import psycopg
import pytest

from cluster import free_port
from proxy import ConsoleError, Proxy, base_config, console_rows, merge
from secret_services import REGION, SecretsManager, Vault, make_certificate
from tenants import asking_server
from test_http import ask
from tokens import AUDIENCE, ISSUER, Key
from wirepeer import WireClient

CANARY = "canary9e107d9d372bb682"
CHILD = """\
env >>{folder}/child; tr '\\0' ' ' </proc/$$/cmdline >>{folder}/child
ls -l /proc/$$/fd >{folder}/descriptors
cat {folder}/printed
"""
ROLES = f"""
CREATE ROLE maker LOGIN SUPERUSER PASSWORD '{CANARY}-admin';
CREATE ROLE asker LOGIN SUPERUSER PASSWORD '{CANARY}-asker';
CREATE ROLE fixed LOGIN PASSWORD '{CANARY}-fixed';
CREATE ROLE known LOGIN PASSWORD '{CANARY}-known';
CREATE ROLE refused LOGIN PASSWORD 'another';
"""
SHOWN = ("ACTIVE_SOCKETS", "CLIENTS", "CONFIG", "DATABASES", "HELP", "LISTS", "MEM", "POOLS",
         "SERVERS", "SOCKETS", "STATE", "STATS", "STATS_TOTALS", "STATS_AVERAGES", "TENANTS", "TOTALS", "USERS", "VERSION")


def private(path, text):
    path.write_text(text)
    path.chmod(0o600)
    return str(path)


def forms(secret):
    """The secret as it may be written: plain, in base64 at each of three offsets, in hex, escaped."""
    found = {secret, secret.encode().hex(), urllib.parse.quote(secret, safe="")}
    for offset in range(3):
        text = base64.b64encode(b"\0" * offset + secret.encode()).decode()
        found.add(text[4 if offset else 0:len(text) // 4 * 4 - 4])
    return found


class Scene:
    """Everything that was used, and what was to be seen of it."""

    def __init__(self, folder, server, vault, aws):
        self.folder, self.server, self.vault, self.aws = folder, server, vault, aws
        self.seen = {}  # where it was seen -> text
        self.secrets = {}  # what it is -> the secret
        self.ports = {"http": {"port": free_port()}, "listen": {"port": free_port()}}
        self.port = self.ports["http"]["port"]
        self.key = Key(str(folder), "EdDSA", "eddsa")
        self.daemon = Proxy(self.config())
        (folder / "jwks.json").write_text(json.dumps({"keys": [self.key.jwk]}))

    def secret(self, what):
        return self.secrets.setdefault(what, f"{CANARY}-{what}")

    def stored(self):
        """What users log in with, by the way in which we know it."""
        private(self.folder / "printed", self.secret("exec"))
        private(self.folder / "kept", json.dumps({"pw": self.secret("files")}))
        self.vault.secrets["user"] = {"pw": self.secret("vault")}
        self.aws.secrets["user"] = {"SecretString": self.secret("aws")}
        master = self.secret("master-key")
        self.secrets["derived"] = hmac.new(master.encode(), b"user", hashlib.sha256).hexdigest()
        child = private(self.folder / "child.sh", CHILD.format(folder=self.folder))
        return {
            "text": self.secret("text"),
            "file": {"file": private(self.folder / "file", self.secret("file"))},
            "env": {"env": "CANARY_ENV"},
            "exec": {"exec": ["sh", child]},
            "files": {"store": "files", "id": "kept", "key": "pw"},
            "vault": {"store": "vault", "id": "user", "key": "pw"},
            "aws": {"store": "aws", "id": "user"},
            "derived": {"store": "master", "id": "user"},
        }

    def config(self):
        self.users = self.stored()
        vault = {"type": "vault", "address": self.vault.url, "mount": "kv", "ca": self.vault.ca}
        config = base_config(
            self.server.port, http={"user": "monitor", "password": self.secret("http")},
            users={"admin": {"password": self.secret("console"), "tenants": []}},
            tenancy={"registry": {"server": "main", "database": "app"},
                     "resolve": [{"parameter": "app.tenant"}]})
        config["users"].update({f"by_{name}": {"password": ref, "tenants": ["*"]}
                                for name, ref in self.users.items()})
        config["auth"] = {
            "method": "password",
            "jwt": {"file": str(self.folder / "jwks.json"), "issuer": ISSUER, "audience": AUDIENCE},
            "query": {"server": "main", "database": "app", "user": "asker",
                      "password": self.secret("asker"), "cache": "0"}}
        config["servers"]["main"]["admin"] = {"user": "maker", "password": self.secret("admin")}
        config["secrets"] = {"store": "vault", "providers": {
            "vault": {**vault, "token": "root-token"},
            "wrong": {**vault, "token": self.secret("vault-token")},
            "approle": {**vault, "login": "approle", "role_id": self.secret("role-id"),
                        "secret_id": self.secret("secret-id")},
            "files": {"type": "files", "directory": str(self.folder)},
            "aws": {"type": "aws-secrets-manager", "region": REGION, "endpoint": self.aws.url,
                    "ca": self.vault.ca},
            "master": {"type": "derive", "key": self.secret("master-key")}}}
        config["tenants"] = {
            "defaults": {"server": "main", "database": "app", "strategy": "rls", "login": "tenant",
                         "rls": {"seal": True, "key": self.secret("seal" * 8)}},
            "fixed": {"strategy": "none",
                      "login": {"user": "fixed", "password": self.secret("fixed")}},
            "refused": {"strategy": "none",
                        "login": {"user": "refused", "password": self.secret("refused")}},
            "sealed": {"login": {"user": "app"}}}
        return merge(config, self.ports)

    # ---- what is done

    def note(self, where, text):
        self.seen[where] = self.seen.get(where, "") + str(text)

    def console(self, command, refused=False):
        """One command, which is refused or not."""
        with WireClient(self.daemon.port) as client:
            client.login(self.secret("console"), user="admin", database="fahrend")
            try:
                answer = console_rows(client, command)
            except ConsoleError as error:
                answer = error.fields
            self.note("console", answer)
            assert isinstance(answer, dict) == refused, answer

    def fails(self, tenant="fixed", **login):
        with pytest.raises(psycopg.OperationalError) as refusal:
            self.daemon.tenant(tenant, **login).execute("SELECT 1")
        self.note("errors", refusal.value)

    def log_in(self):
        for name in self.users:
            user = f"by_{name}"
            with self.daemon.tenant("fixed", user=user, password=self.secrets[name]) as conn:
                assert conn.execute("SELECT session_user").fetchone() == ("fixed",)
            self.fails(user=user, password=self.secrets[name] + "x")
        self.secrets["known"] = f"{CANARY}-known"
        with self.daemon.tenant("fixed", user="known", password=self.secrets["known"]) as conn:
            assert conn.execute("SELECT 1").fetchone() == (1,)
        self.fails(user="known", password=self.secrets["known"] + "x")
        token = self.key.token(sub="by_text", tenant=None)
        self.secrets["token"] = token.split(".")[2]
        self.daemon.tenant("fixed", user="by_text", password=token).close()
        self.fails(user="by_file", password=token)
        self.fails(user="by_text", password=token[:-8])
        self.fails("refused", user="by_text", password=self.secrets["text"])
        self.fails(user="admin", dbname="fahrend", password=f"{CANARY}-wrong")

    def work_on_tenants(self):
        self.console("CREATE TENANT made WITH (strategy = schema)")
        self.note("console", self.vault.secrets.keys())
        self.secrets["made"] = self.vault.secrets["tenant_made"]["password"]
        with self.daemon.tenant("made", user="by_text", password=self.secrets["text"]) as conn:
            assert conn.execute("SELECT session_user").fetchone() == ("tenant_made",)
            self.console("ALTER TENANT made ROTATE PASSWORD")
            self.console("ALTER TENANT made SET (pool.size = 3)")
            assert conn.execute("SELECT session_user").fetchone() == ("tenant_made",)
        self.secrets["rotated"] = self.vault.secrets["tenant_made"]["password"]
        assert self.secrets["rotated"] != self.secrets["made"]
        self.console("CREATE TENANT planned DRY RUN")
        self.console("SETUP RLS")
        with self.daemon.tenant("sealed", user="by_text", password=self.secrets["text"]) as conn:
            assert conn.execute("SELECT fahrend.current_tenant()").fetchone() == ("sealed",)
        for command in (f"CREATE TENANT x WITH (password = '{CANARY}-typed')",
                        f"CREATE TENANT x WITH (rls.key = '{CANARY}-typed')",
                        f"ALTER TENANT made SET (rls.key = '{CANARY}-typed')",
                        f"ALTER USER x PASSWORD '{CANARY}-typed'"):
            self.console(command, refused=True)
        self.console("DROP TENANT made CASCADE")

    def break_stores(self):
        """A reload that cannot be, for each way in which a secret is not to be had."""
        config = self.config()
        for user, ref in (("by_vault", {"store": "wrong", "id": "user"}),
                          ("by_aws", {"store": "approle", "id": "user"}),
                          ("by_files", {"store": "files", "id": "kept", "key": "none"}),
                          ("by_exec", {"exec": ["sh", "-c", f"cat {self.folder}/printed; exit 3"]}),
                          ("by_text", {"text": f"{CANARY}-typed"}),
                          ("by_file", [f"{CANARY}-typed"])):
            broken = merge(config, {"users": {user: {"password": None}}})
            self.daemon.write(merge(broken, {"users": {user: {"password": ref}}}))
            self.console("RELOAD", refused=True)
        self.aws.keys.clear()
        self.daemon.write(config)
        self.console("RELOAD")

    def look(self):
        header = base64.b64encode(f"monitor:{self.secrets['http']}".encode()).decode()
        wrong = base64.b64encode(f"monitor:{CANARY}-wrong".encode()).decode()
        for path in ("/", "/metrics", "/api/state", "/livez", "/readyz"):
            assert ask(self.port, path, Authorization="Basic " + header)[0] == 200
            self.note("http", ask(self.port, path, Authorization="Basic " + header))
            self.note("http", ask(self.port, path, Authorization="Basic " + wrong))
        for what in SHOWN:
            self.console(f"SHOW {what}")
        for path in glob.glob(f"/proc/{self.daemon.pid}/task/*/cmdline"):
            with open(path, "rb") as file:
                self.note("arguments", file.read())
        self.note("children", (self.folder / "child").read_text())
        self.note("log", self.daemon.log)


@pytest.fixture(scope="module")
def scene(tmp_path_factory):
    folder = tmp_path_factory.mktemp("everywhere")
    certificate = make_certificate(folder)
    with pytest.MonkeyPatch.context() as patch, asking_server() as server, \
            Vault(certificate) as vault, SecretsManager(certificate) as aws:
        vault.ca = certificate[0]
        aws.keys = {"AKIDTEST": f"{CANARY}-aws-key"}
        aws.tokens = {"AKIDTEST": f"{CANARY}-aws-token"}
        server.run(ROLES)
        server.run("CREATE TABLE notes (tenant_id text NOT NULL); GRANT SELECT ON notes TO app", "app")
        server.run("ALTER SYSTEM SET log_statement = 'all'")
        server.run("ALTER SYSTEM SET log_min_messages = 'debug1'")
        server.run("SELECT pg_reload_conf()")
        vault.logins["approle"] = {}
        scene = Scene(folder, server, vault, aws)
        for name, value in (("CANARY_ENV", scene.secret("env")),
                            ("AWS_ACCESS_KEY_ID", "AKIDTEST"),
                            ("AWS_SECRET_ACCESS_KEY", scene.secret("aws-key")),
                            ("AWS_SESSION_TOKEN", scene.secret("aws-token"))):
            patch.setenv(name, value)
        before = len(server.log)
        with scene.daemon:
            scene.log_in()
            scene.work_on_tenants()
            scene.look()
            scene.break_stores()
            scene.note("log", scene.daemon.log)
        scene.note("PostgreSQL", server.log[before:])
        yield scene


@pytest.mark.parametrize("where", ["log", "PostgreSQL", "console", "errors", "http", "arguments",
                                   "children"])
def test_no_secret_is_seen(scene, where):
    text = scene.seen[where]

    assert len(text) > 20  # something was to be seen
    for what, secret in scene.secrets.items():
        for form in forms(secret):
            assert form not in text, (what, re.findall(f".{{0,200}}{re.escape(form)}.{{0,40}}",
                                                       text)[:3])
    if where != "console":  # who typed it is told what was wrong with it
        assert CANARY not in text, re.findall(f".{{0,200}}{CANARY}.{{0,40}}", text)[:3]


def test_a_program_has_none_of_our_descriptors(scene):
    with open(scene.folder / "descriptors", encoding="utf-8") as file:
        opened = re.findall(r" (\d+) -> (\S+)", file.read())

    # Those of its own are its script, and its end of a pipe.
    assert {where.split(":")[0] for number, where in opened if int(number) > 2} <= {
        "pipe", str(scene.folder / "child.sh")}
