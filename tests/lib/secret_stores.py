# SPDX-License-Identifier: MIT
"""Fixtures for tests of secret stores: the stand-ins of secret_services.py, and the program
tests/stores, which asks one provider for one secret after the other."""

import contextlib
import json
import os
import subprocess

import pytest

from proxy import binary
from secret_services import REGION, SecretsManager, Vault, make_certificate

NO_KEYS = {"PATH": os.environ["PATH"], "HOME": "/nonexistent", "AWS_EC2_METADATA_DISABLED": "true"}
KEYS = {**NO_KEYS, "AWS_ACCESS_KEY_ID": "AKIDTEST", "AWS_SECRET_ACCESS_KEY": "a/secret+key"}


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    return make_certificate(tmp_path_factory.mktemp("service"))


@pytest.fixture
def aws(certificate):
    with SecretsManager(certificate) as service:
        yield service


@pytest.fixture
def vault(certificate):
    with Vault(certificate) as service:
        yield service


class Stores:
    """The program tests/stores, with one provider named `it`."""

    def __init__(self, folder, provider, env):
        file = os.path.join(folder, "stores.yaml")
        with open(file, "w", encoding="utf-8") as out:
            json.dump({"servers": {"main": {}}, "secrets": {"providers": {"it": provider}}}, out)
        self.process = subprocess.Popen(
            [os.path.join(os.path.dirname(binary()), "stores"), file], env=env, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def ask(self, line):
        """(SQLSTATE or "ok", text) for one line."""
        verb, rest = line.split(" ", 1)
        self.process.stdin.write(f"{verb} it {rest}\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        assert answer, self.process.stderr.read()
        return tuple(answer.rstrip("\n").split(" ", 1))

    def end(self):
        assert self.process.communicate()[1] == ""
        assert self.process.returncode == 0


@pytest.fixture
def stores(tmp_path):
    """stores(provider, env): the program, ended with the test, which must leave nothing."""
    with contextlib.ExitStack() as stack:
        def start(provider, env=KEYS):
            program = Stores(str(tmp_path), provider, env)
            stack.callback(program.end)
            return program
        yield start


def aws_at(service, certificate):
    """The provider that asks a stand-in for AWS."""
    return {"type": "aws-secrets-manager", "region": REGION, "prefix": "prod/fahrend/",
            "endpoint": service.url, "ca": certificate[0]}


def vault_at(service, certificate):
    """The provider that asks a stand-in for Vault."""
    return {"type": "vault", "address": service.url, "mount": "kv", "prefix": "fahrend/",
            "ca": certificate[0], "token": "root-token"}


@pytest.fixture
def aws_provider(aws, certificate):
    return aws_at(aws, certificate)


@pytest.fixture
def vault_provider(vault, certificate):
    return vault_at(vault, certificate)
