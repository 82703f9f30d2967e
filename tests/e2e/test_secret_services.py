# SPDX-License-Identifier: MIT
"""Secret stores behind a network, against stand-ins that check what they are sent: signatures byte
by byte, tokens, paths; and every way in which such a service fails."""

import contextlib
import json
import os
import subprocess
import time

import pytest

import sigv4
from proxy import binary
from secret_services import (REGION, Endpoints, SecretsManager, Vault, cut_off, huge,
                             make_certificate, says, slow)

CANARY = "canary-7f3a9c"
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


@pytest.fixture
def aws_provider(aws, certificate):
    return {"type": "aws-secrets-manager", "region": REGION, "prefix": "prod/fahrend/",
            "endpoint": aws.url, "ca": certificate[0]}


@pytest.fixture
def vault_provider(vault, certificate):
    return {"type": "vault", "address": vault.url, "mount": "kv", "prefix": "fahrend/",
            "ca": certificate[0], "token": "root-token"}


# ---- the judge of signatures is right itself

def test_the_signature_is_that_of_awss_published_example():
    headers = {"content-type": "application/x-www-form-urlencoded; charset=utf-8",
               "host": "iam.amazonaws.com", "x-amz-date": "20150830T123600Z"}

    assert sigv4.signature(
        "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", "GET", "/", "Action=ListUsers&Version=2010-05-08",
        headers, sorted(headers), b"", "us-east-1", "iam",
    ) == "5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7"


def test_the_signature_is_that_of_botocore():
    auth = pytest.importorskip("botocore.auth")
    from botocore.awsrequest import AWSRequest
    from botocore.credentials import Credentials
    request = AWSRequest("POST", "https://127.0.0.1:4566/", data=b'{"SecretId": "a"}', headers={
        "Content-Type": "application/x-amz-json-1.1",
        "X-Amz-Target": "secretsmanager.GetSecretValue"})
    auth.SigV4Auth(Credentials("AKID", "a/secret", "token"), "secretsmanager", REGION).add_auth(
        request)
    headers = {name.lower(): value for name, value in request.headers.items()}
    headers["host"] = "127.0.0.1:4566"

    assert sigv4.check({"AKID": "a/secret"}, "POST", "/", "", headers,
                       b'{"SecretId": "a"}') == ("AKID", REGION, "secretsmanager")
    assert sigv4.check({"AKID": "a/secret"}, "POST", "/", "", headers, b'{"SecretId": "b"}') is None


# ---- AWS Secrets Manager

def test_a_secret_of_aws_lives_and_dies(stores, aws, aws_provider):
    it = stores(aws_provider)

    assert it.ask("read tenant_acme")[0] == "42704"
    assert it.ask("write tenant_acme first") == ("ok", "")
    assert it.ask("write tenant_acme second") == ("ok", "")
    assert it.ask("read tenant_acme") == ("ok", "second")
    assert list(aws.secrets) == ["prod/fahrend/tenant_acme"]
    assert it.ask("delete tenant_acme") == ("ok", "")
    assert it.ask("delete tenant_acme") == ("ok", "")
    assert it.ask("read tenant_acme")[0] == "42704"
    assert it.ask("write tenant_acme third") == ("ok", "")
    assert it.ask("read tenant_acme") == ("ok", "third")


def test_what_others_keep_in_aws_is_read(stores, aws, aws_provider):
    aws.secrets["prod/fahrend/rds"] = {"SecretString": '{"username": "u", "password": "p w\\u00e4"}'}
    aws.secrets["prod/fahrend/bytes"] = {"SecretBinary": "aHVudGVyMg=="}
    it = stores(aws_provider)

    assert it.ask("read rds password") == ("ok", "p wä")
    assert it.ask("read bytes") == ("ok", "hunter2")


def test_a_wrong_key_is_told_without_the_lines_that_hold_the_token(stores, aws_provider):
    it = stores(aws_provider, {**KEYS, "AWS_SECRET_ACCESS_KEY": "wrong",
                               "AWS_SESSION_TOKEN": CANARY})

    assert it.ask("read a") == (
        "58030", 'secret store "it": a: GetSecretValue: AWS answers 400 InvalidSignatureException: '
        "The request signature we calculated does not match.")


BUSY = {"__type": "ThrottlingException", "message": "Rate exceeded"}


@pytest.mark.parametrize("fault", [says(400, BUSY), says(429, {}), says(500, b"<html>"),
                                   says(503, {"__type": "InternalServiceError"})],
                         ids=["throttled", "429", "500", "503"])
def test_a_service_that_is_busy_is_asked_again_a_few_times(stores, aws, aws_provider, fault):
    aws.secrets["prod/fahrend/a"] = {"SecretString": "value"}
    it = stores(aws_provider)

    aws.faults = [fault, fault]
    assert it.ask("read a") == ("ok", "value")
    aws.faults = [fault] * 10
    assert it.ask("read a")[0] == "58030"
    assert len(aws.faults) == 7


@pytest.mark.parametrize("fault, words", [
    (cut_off, "127.0.0.1"), (huge, "the answer is larger than"), (slow, "Timeout was reached"),
    (says(200, b"no json"), "is not a JSON object"), (says(200, {}), "no SecretString"),
    (says(200, {"SecretString": ""}), "is empty"), (says(200, {"SecretString": 5}), "no SecretString"),
    (says(200, b"["  * 100000), "is not a JSON object"),
    (says(403, {"__type": "AccessDeniedException", "Message": "not\x1b[2J yours"}),
     "AWS answers 403 AccessDeniedException: not?[2J yours"),
    (says(302, b""), "AWS answers 302"),
], ids=["cut off", "huge", "slow", "no JSON", "no value", "empty", "no text", "deep", "denied",
        "redirect"])
def test_what_is_wrong_with_an_answer_is_told(stores, aws, aws_provider, fault, words):
    aws.faults = [fault]
    it = stores(aws_provider)
    begun = time.monotonic()

    state, text = it.ask("read a")

    assert state in ("58030", "F0000") and words in text and 'secret store "it": a: ' in text
    assert time.monotonic() - begun < 10


def test_a_certificate_that_is_not_trusted_is_refused(stores, aws, aws_provider):
    del aws_provider["ca"]

    assert "certificate" in stores(aws_provider).ask("read a")[1]
    assert aws.requests == []


def test_names_that_aws_does_not_know_do_not_reach_it(stores, aws, aws_provider):
    it = stores(aws_provider)

    assert it.ask('read "x"')[0] == "F0000"
    assert aws.requests == []


# ---- where the keys come from

def credentials_file(tmp_path, text):
    path = tmp_path / "credentials"
    path.write_text(text)
    path.chmod(0o600)
    return {**NO_KEYS, "AWS_SHARED_CREDENTIALS_FILE": str(path)}


PROFILES = """
[default]
aws_access_key_id = nobody
aws_secret_access_key = x
; a comment
[prod]
aws_access_key_id=AKIDTEST
aws_secret_access_key = a/secret+key
"""


def test_keys_come_from_a_profile_of_the_shared_file(stores, aws, aws_provider, tmp_path):
    env = credentials_file(tmp_path, PROFILES)
    aws.secrets["prod/fahrend/a"] = {"SecretString": "value"}

    assert stores({**aws_provider, "profile": "prod"}, env).ask("read a") == ("ok", "value")
    assert stores(aws_provider, {**env, "AWS_PROFILE": "prod"}).ask("read a") == ("ok", "value")
    assert 'profile "none"' in stores({**aws_provider, "profile": "none"}, env).ask("read a")[1]


def test_keys_come_from_the_container_and_are_fetched_again_when_they_expire(
        stores, aws, aws_provider):
    aws.secrets["prod/fahrend/a"] = {"SecretString": "value"}
    with Endpoints(aws) as endpoints:
        it = stores(aws_provider, {**NO_KEYS,
                                   "AWS_CONTAINER_CREDENTIALS_FULL_URI": endpoints.url + "/container",
                                   "AWS_CONTAINER_AUTHORIZATION_TOKEN": "container-token"})
        assert it.ask("read a") == ("ok", "value")
        assert it.ask("read a") == ("ok", "value")
        assert endpoints.made == 1
        aws.expired.add("ASIA1")
        assert it.ask("read a") == ("ok", "value")
        assert endpoints.made == 2
        aws.expired.update(f"ASIA{n}" for n in range(10))
        assert "ExpiredTokenException" in it.ask("read a")[1]
        assert endpoints.made == 3


def test_keys_come_from_the_machine_by_its_second_protocol(stores, aws, aws_provider):
    aws.secrets["prod/fahrend/a"] = {"SecretString": "value"}
    with Endpoints(aws) as endpoints:
        env = {**NO_KEYS, "AWS_EC2_METADATA_SERVICE_ENDPOINT": endpoints.url}
        del env["AWS_EC2_METADATA_DISABLED"]

        assert stores(aws_provider, env).ask("read a") == ("ok", "value")


def test_keys_come_from_a_web_identity(stores, aws, aws_provider, tmp_path):
    aws.secrets["prod/fahrend/a"] = {"SecretString": "value"}
    aws.web_token = "header.payload+x/y=.sig"
    token = tmp_path / "token"
    token.write_text(aws.web_token)
    env = {**NO_KEYS, "AWS_ROLE_ARN": "arn:aws:iam::1:role/r", "AWS_ENDPOINT_URL_STS": aws.url,
           "AWS_WEB_IDENTITY_TOKEN_FILE": str(token)}

    assert stores(aws_provider, env).ask("read a") == ("ok", "value")
    token.write_text("another")
    assert "AssumeRoleWithWebIdentity" in stores(aws_provider, env).ask("read a")[1]


def test_no_keys_anywhere_says_where_they_were_looked_for(stores, aws_provider):
    assert "no credentials: not in the environment" in stores(aws_provider, NO_KEYS).ask("read a")[1]


# ---- Vault

def test_the_stand_in_answers_a_client_of_others_as_vault_does(vault, certificate):
    hvac = pytest.importorskip("hvac")
    client = hvac.Client(url=vault.url, token="root-token", verify=certificate[0])
    kv = client.secrets.kv.v2

    kv.create_or_update_secret("fahrend/x", {"password": "p"}, mount_point="kv")

    assert kv.read_secret_version("fahrend/x", mount_point="kv")["data"]["data"] == {"password": "p"}
    with pytest.raises(hvac.exceptions.InvalidPath):
        kv.read_secret_version("fahrend/none", mount_point="kv")


def test_a_secret_of_vault_lives_and_dies(stores, vault, vault_provider):
    it = stores(vault_provider)

    assert it.ask("read tenant_acme")[0] == "42704"
    assert it.ask("write tenant_acme first") == ("ok", "")
    assert it.ask("write tenant_acme second") == ("ok", "")
    assert it.ask("read tenant_acme") == ("ok", "second")
    assert vault.secrets == {"fahrend/tenant_acme": {"password": "second"}}
    assert it.ask("delete tenant_acme") == ("ok", "")
    assert it.ask("delete tenant_acme") == ("ok", "")
    assert it.ask("read tenant_acme")[0] == "42704"
    assert vault.count("renew-self") == 1


def test_a_field_of_vault_is_named_or_the_only_one(stores, vault, vault_provider):
    vault.secrets["fahrend/one"] = {"pw": "only"}
    vault.secrets["fahrend/two"] = {"user": "u", "pass": "p"}
    vault.secrets["fahrend/team/x%20y"] = {"password": "deep"}
    it = stores(vault_provider)

    assert it.ask("read one") == ("ok", "only")
    assert it.ask("read two pass") == ("ok", "p")
    assert it.ask("read two")[0] == "F0000"
    assert it.ask("read two none")[0] == "F0000"
    for path in ("../x", "a//b", "a/./b", "a/..", "/a"):
        assert it.ask(f"read {path}")[1].endswith("is no path of a secret")


@pytest.mark.parametrize("login", [
    {"login": "approle", "role_id": "the-role-id", "secret_id": "the-secret-id"},
    {"login": "kubernetes", "role": "fahrend", "jwt_file": "jwt"}], ids=["approle", "kubernetes"])
def test_vault_is_logged_in_to_again_when_its_token_ends(
        stores, vault, vault_provider, tmp_path, login):
    (tmp_path / "jwt").write_text("the-jwt\n")
    vault.secrets["fahrend/a"] = {"password": "value"}
    vault.namespace = "team"
    it = stores({**vault_provider, **login, "token": None, "namespace": "team"})

    assert it.ask("read a") == ("ok", "value")
    assert it.ask("read a") == ("ok", "value")
    assert vault.count("/login") == 1
    vault.tokens.clear()
    assert it.ask("read a") == ("ok", "value")
    assert vault.count("/login") == 2
    vault.logins.clear()
    vault.tokens.clear()
    assert f"login by {login['login']}: Vault answers 400: invalid role" in it.ask("read a")[1]


def test_a_wrong_token_is_told_and_not_shown(stores, vault_provider):
    state, text = stores({**vault_provider, "token": CANARY}).ask("read a")

    assert (state, text) == ("58030", 'secret store "it": a: Vault answers 403: permission denied')


@pytest.mark.parametrize("fault, words", [
    (says(200, b"no json"), "is not a JSON object"), (says(200, {"data": {}}), "version 2"),
    (says(200, {"data": {"data": {"password": 5}}}), 'no field "password"'), (cut_off, "127.0.0.1"),
    (huge, "larger than"), (says(301, b""), "Vault answers 301")])
def test_what_is_wrong_with_an_answer_of_vault_is_told(stores, vault, vault_provider, fault, words):
    it = stores(vault_provider)
    it.ask("read warm")
    vault.faults = [fault]

    assert words in it.ask("read a")[1]


def test_a_vault_that_is_sealed_for_a_moment_is_asked_again(stores, vault, vault_provider):
    vault.secrets["fahrend/a"] = {"password": "value"}
    it = stores(vault_provider)
    it.ask("read warm")
    vault.faults = [says(503, {"errors": ["Vault is sealed"]})] * 2

    assert it.ask("read a") == ("ok", "value")
