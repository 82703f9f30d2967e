# SPDX-License-Identifier: MIT
"""Stand-ins for AWS Secrets Manager, AWS's endpoints for credentials, and HashiCorp Vault.

One HTTPS server of the tests (http where AWS has http). Signatures are checked byte by byte, tokens
expire when a test says so, and `faults` is what goes wrong next: a list of functions that are given
the handler in place of an answer.
"""

import json
import os
import socket
import ssl
import subprocess
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import sigv4

REGION = "eu-central-1"


def make_certificate(folder):
    """A certificate for 127.0.0.1 that signs itself; the paths of it and its key."""
    cert, key = os.path.join(folder, "service.crt"), os.path.join(folder, "service.key")
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                    "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj", "/CN=service",
                    "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", cert],
                   check=True, capture_output=True)
    return cert, key


class Service:
    """A server on a port of its own. Subclasses answer()."""

    def __init__(self, certificate=None):
        self.requests = []  # (method, path) of all that came
        self.faults = []
        self.delay = 0  # seconds before each answer
        self.lock = threading.Lock()
        service = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle_any(self):
                self.body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                self.names = {k.lower(): v for k, v in self.headers.items()}
                service.handle(self)

            do_GET = do_POST = do_PUT = do_DELETE = handle_any

            def log_message(self, *args):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        if certificate:
            self.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self.tls.load_cert_chain(*certificate)
            self.server.socket = self.tls.wrap_socket(self.server.socket, server_side=True)
        scheme = "https" if certificate else "http"
        self.url = f"{scheme}://127.0.0.1:{self.server.server_port}"

    def __enter__(self):
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True)
        self.thread.start()
        return self

    def __exit__(self, *exc):
        self.server.shutdown()
        self.server.server_close()

    def handle(self, handler):
        with self.lock:
            self.requests.append((handler.command, handler.path, handler.names, handler.body))
            fault = self.faults.pop(0) if self.faults else None
        if fault is not None:
            fault(handler)
        else:
            time.sleep(self.delay)
            with self.lock:
                status, answer = self.answer(handler)
            reply(handler, status, answer)

    def count(self, word):
        """How many requests had this word in their target or path."""
        return sum(word in path or word in names.get("x-amz-target", "")
                   for _, path, names, _ in self.requests)


def reply(handler, status, answer, headers=()):
    data = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
    handler.send_response(status)
    for name, value in dict(headers).items():
        handler.send_header(name, value)
    handler.send_header("Content-Length", str(len(data)))
    handler.end_headers()
    handler.wfile.write(data)


# ---- what can go wrong

def says(status, answer, **headers):
    """An answer in place of the right one; Retry_After="1" is a header."""
    headers = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda handler: reply(handler, status, answer, headers)


def cut_off(handler):
    """Half of an answer, and the connection ends."""
    handler.send_response(200)
    handler.send_header("Content-Length", "1000")
    handler.end_headers()
    handler.wfile.write(b'{"SecretString": "ha')
    handler.wfile.flush()
    handler.close_connection = True
    handler.connection.shutdown(socket.SHUT_RDWR)


def huge(handler):
    """More than anybody should read."""
    handler.send_response(200)
    handler.send_header("Content-Length", str(1 << 30))
    handler.end_headers()
    handler.close_connection = True
    try:
        for _ in range(64):
            handler.wfile.write(b"x" * 65536)
    except OSError:
        pass  # as it should be


def slow(handler):
    """Nothing for longer than anybody should wait."""
    handler.close_connection = True
    handler.rfile.read(1)  # until the other side has had enough


def hung_up(handler):
    """The connection ends without a word."""
    handler.close_connection = True


# ---- AWS

class SecretsManager(Service):
    """Of AWS, with its endpoint for web identities."""

    def __init__(self, certificate):
        super().__init__(certificate)
        self.keys = {"AKIDTEST": "a/secret+key"}
        self.tokens = {}  # of temporary keys, by access key
        self.expired = set()
        self.secrets = {}
        self.deleted = set()
        self.web_token = None

    def answer(self, handler):
        url = urlsplit(handler.path)
        if b"Action=AssumeRoleWithWebIdentity" in handler.body:
            return self.assume_role(parse_qs(handler.body.decode()))
        signed = sigv4.check(self.keys, handler.command, url.path, url.query, handler.names,
                             handler.body)
        if signed is None or signed[1:] != (REGION, "secretsmanager"):
            return 400, {"__type": "InvalidSignatureException", "message":
                         "The request signature we calculated does not match.\n\nThe Canonical "
                         f"String was {handler.names.get('x-amz-security-token')}"}
        if signed[0] in self.expired or \
                self.tokens.get(signed[0]) != handler.names.get("x-amz-security-token"):
            return 400, {"__type": "ExpiredTokenException",
                         "message": "The security token included in the request is expired"}
        action = handler.names["x-amz-target"].removeprefix("secretsmanager.")
        return getattr(self, action)(json.loads(handler.body))

    def assume_role(self, form):
        if form["WebIdentityToken"] != [self.web_token]:
            return 400, {"Error": {"Code": "InvalidIdentityToken"}}
        keys = self.temporary_keys("ASIAWEB")
        keys["SessionToken"] = keys.pop("Token")
        keys["Expiration"] = time.time() + 3600
        return 200, {"AssumeRoleWithWebIdentityResponse":
                     {"AssumeRoleWithWebIdentityResult": {"Credentials": keys}}}

    def temporary_keys(self, access):
        """New ones, as an endpoint tells them."""
        self.keys[access] = "secret/of/" + access
        self.tokens[access] = "token/of/" + access
        expires = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 3600))
        return {"AccessKeyId": access, "SecretAccessKey": self.keys[access],
                "Token": self.tokens[access], "Expiration": expires}

    def missing(self, name):
        if name in self.deleted:
            return 400, {"__type": "InvalidRequestException", "message":
                         "You can't perform this operation on the secret because it was marked "
                         "for deletion."}
        if name not in self.secrets:
            return 400, {"__type": "com.amazonaws.secretsmanager#ResourceNotFoundException",
                         "Message": "Secrets Manager can't find the specified secret."}
        return None

    def GetSecretValue(self, body):
        name = body["SecretId"]
        return self.missing(name) or (200, {"Name": name, **self.secrets[name]})

    def CreateSecret(self, body):
        name = body["Name"]
        if name in self.secrets:
            return 400, {"__type": "ResourceExistsException", "message": "It already exists."}
        self.secrets[name] = {"SecretString": body["SecretString"]}
        return 200, {"Name": name}

    def PutSecretValue(self, body):
        name = body["SecretId"]
        assert len(body["ClientRequestToken"]) == 32
        fault = self.missing(name)
        if fault is None:
            self.secrets[name] = {"SecretString": body["SecretString"]}
        return fault or (200, {"Name": name})

    def DeleteSecret(self, body):
        name = body["SecretId"]
        assert 7 <= body["RecoveryWindowInDays"] <= 30
        fault = self.missing(name)
        self.deleted.add(name)
        return fault or (200, {"Name": name})

    def RestoreSecret(self, body):
        self.deleted.discard(body["SecretId"])
        return 200, {"Name": body["SecretId"]}


class Endpoints(Service):
    """Where a container and a machine get credentials: by http, as AWS has it."""

    def __init__(self, aws):
        super().__init__()
        self.aws = aws
        self.made = 0

    def answer(self, handler):
        if handler.path == "/container":
            if handler.names.get("authorization") != "container-token":
                return 401, {}
            return 200, self.keys()
        if handler.path == "/latest/api/token" and handler.command == "PUT":
            assert handler.names["x-aws-ec2-metadata-token-ttl-seconds"]
            return 200, b"machine-token"
        if handler.names.get("x-aws-ec2-metadata-token") != "machine-token":
            return 401, {}
        if handler.path.endswith("/security-credentials/"):
            return 200, b"the-role"
        if handler.path.endswith("/security-credentials/the-role"):
            return 200, self.keys()
        return 404, {}

    def keys(self):
        self.made += 1
        return self.aws.temporary_keys(f"ASIA{self.made}")


# ---- Vault

class Vault(Service):
    """HashiCorp's, with its key/value engine of version 2 at kv/."""

    def __init__(self, certificate):
        super().__init__(certificate)
        self.tokens = {"root-token"}
        self.secrets = {}
        self.namespace = ""
        self.logins = {"approle": {"role_id": "the-role-id", "secret_id": "the-secret-id"},
                       "kubernetes": {"role": "fahrend", "jwt": "the-jwt"}}
        self.lease = 3600

    def answer(self, handler):
        parts = handler.path.removeprefix("/v1/").split("/")
        body = json.loads(handler.body) if handler.body else {}
        if handler.names.get("x-vault-namespace", "") != self.namespace:
            return 404, {"errors": ["no handler for route"]}
        if parts[0] == "auth" and parts[2] == "login":
            return self.log_in(parts[1], body)
        if handler.names.get("x-vault-token") not in self.tokens:
            return 403, {"errors": ["permission denied"]}
        if parts[:3] == ["auth", "token", "renew-self"]:
            return 200, {"auth": {"client_token": "not ours", "lease_duration": self.lease}}
        if parts[0] == "kv" and parts[1] in ("data", "metadata"):
            return self.secret(handler.command, "/".join(parts[2:]), body)
        return 404, {"errors": []}

    def log_in(self, kind, body):
        if self.logins.get(kind) != body:
            return 400, {"errors": ["invalid role or secret ID"]}
        token = f"hvs.{kind}-{len(self.tokens)}"
        self.tokens.add(token)
        return 200, {"auth": {"client_token": token, "lease_duration": self.lease}}

    def secret(self, method, path, body):
        if method == "POST":
            self.secrets[path] = body["data"]
            return 200, {"data": {"version": 1}}
        if method == "DELETE":
            self.secrets.pop(path, None)
            return 204, b""
        if path not in self.secrets:
            return 404, {"errors": []}
        return 200, {"data": {"data": self.secrets[path], "metadata": {"version": 1}}}
