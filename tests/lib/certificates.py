# SPDX-License-Identifier: MIT
"""A small authority for tests, made with the openssl program: certificates, keys, revocations.

Keys are of P-256, so that making one takes a moment. Private keys are closed to others; those that
PostgreSQL reads are given to its user.
"""

import os
import shutil
import subprocess
import tempfile

from cluster import give_to

CA_CONF = """\
[ca]
default_ca = main
[main]
database = {0}/index.txt
crlnumber = {0}/crlnumber
default_md = sha256
default_crl_days = 30
"""


def openssl(*args, **more):
    return subprocess.run(["openssl", *args], check=True, capture_output=True, text=True, **more)


class Authority:
    """One authority in a directory of its own; `owner` is whom the files belong to."""

    def __init__(self, owner=None):
        self.directory = tempfile.mkdtemp(prefix="authority-")
        os.chmod(self.directory, 0o755)
        self.owner = owner
        self.ca = self.path("ca.crt")
        self.crl = self.path("ca.crl")
        openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                "-keyout", self.path("ca.key"), "-out", self.ca, "-days", "2",
                "-subj", "/CN=test authority")
        for name, text in (("index.txt", ""), ("crlnumber", "01\n"),
                           ("ca.conf", CA_CONF.format(self.directory))):
            with open(self.path(name), "w", encoding="ascii") as file:
                file.write(text)
        self._write_crl()

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        shutil.rmtree(self.directory, ignore_errors=True)

    def path(self, name):
        return os.path.join(self.directory, name)

    def certificate(self, name):
        return self.path(f"{name}.crt")

    def key(self, name):
        return self.path(f"{name}.key")

    def issue(self, name, cn=None, hosts=(), days=2, key="ec"):
        """Makes NAME.crt and NAME.key; `days` below 0 makes one that has run out."""
        options = ["-newkey", "rsa:2048"] if key == "rsa" else [
            "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"]
        openssl("req", "-new", *options, "-nodes", "-keyout", self.key(name),
                "-out", self.path(f"{name}.csr"), "-subj", f"/CN={cn or name}")
        with open(self.path(f"{name}.ext"), "w", encoding="ascii") as file:
            names = ",".join(f"{'IP' if host[0].isdigit() else 'DNS'}:{host}" for host in hosts)
            file.write(f"subjectAltName={names}\n" if names else "basicConstraints=CA:FALSE\n")
        openssl("x509", "-req", "-in", self.path(f"{name}.csr"), "-CA", self.ca,
                "-CAkey", self.path("ca.key"), "-CAcreateserial", "-days", str(days),
                "-extfile", self.path(f"{name}.ext"), "-out", self.certificate(name))
        os.chmod(self.key(name), 0o600)
        give_to(self.owner, self.key(name))
        return self

    def pair(self, name):
        """The two keys of the configuration."""
        return {"certificate": self.certificate(name), "key": self.key(name)}

    def revoke(self, name):
        openssl("ca", "-config", self.path("ca.conf"), "-revoke", self.certificate(name),
                "-keyfile", self.path("ca.key"), "-cert", self.ca)
        self._write_crl()

    def _write_crl(self):
        openssl("ca", "-config", self.path("ca.conf"), "-gencrl", "-keyfile", self.path("ca.key"),
                "-cert", self.ca, "-out", self.crl)
