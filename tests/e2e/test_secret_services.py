# SPDX-License-Identifier: MIT
"""Secret stores behind a network, against stand-ins that check what they are sent: signatures byte
by byte, tokens, paths. How such services fail is in test_secret_faults.py."""

import pytest

import sigv4
from secret_services import REGION, Endpoints, says
from secret_stores import (KEYS, NO_KEYS, aws, aws_provider, certificate,  # noqa: F401 - fixtures
                           stores, vault, vault_provider)

CANARY = "canary-7f3a9c"


# ---- the judge of signatures is right itself

SECRET = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
FORM = "application/x-www-form-urlencoded"
PUBLISHED = {  # of AWS's manual, and of its test suite for signers
    "manual": (("GET", "/", "Action=ListUsers&Version=2010-05-08"),
               {"content-type": f"{FORM}; charset=utf-8", "host": "iam.amazonaws.com"}, b"", "iam",
               "5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7"),
    "get-vanilla": (("GET", "/", ""), {}, b"", "service",
                    "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"),
    "get-vanilla-query-order-key-case": (
        ("GET", "/", "Param2=value2&Param1=value1"), {}, b"", "service",
        "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500"),
    "post-vanilla": (("POST", "/", ""), {}, b"", "service",
                     "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"),
    "post-x-www-form-urlencoded": (
        ("POST", "/", ""), {"content-type": FORM}, b"Param1=value1", "service",
        "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a"),
}


@pytest.mark.parametrize("name", PUBLISHED)
def test_the_signature_is_that_of_awss_published_examples(name):
    target, headers, body, service, signature = PUBLISHED[name]
    headers = {"host": "example.amazonaws.com", "x-amz-date": "20150830T123600Z", **headers}

    assert sigv4.signature(SECRET, *target, headers, sorted(headers), body, "us-east-1",
                           service) == signature


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

def test_the_stand_in_answers_a_client_of_awss_as_aws_does(aws, certificate):
    session = pytest.importorskip("botocore.session").Session()
    client = session.create_client(
        "secretsmanager", REGION, endpoint_url=aws.url, verify=certificate[0],
        aws_access_key_id="AKIDTEST", aws_secret_access_key="a/secret+key")

    client.create_secret(Name="x", SecretString="first", ClientRequestToken="t" * 32)
    client.put_secret_value(SecretId="x", SecretString="second", ClientRequestToken="u" * 32)

    assert client.get_secret_value(SecretId="x")["SecretString"] == "second"
    with pytest.raises(client.exceptions.ResourceExistsException):
        client.create_secret(Name="x", SecretString="third")
    client.delete_secret(SecretId="x", RecoveryWindowInDays=7)
    with pytest.raises(client.exceptions.InvalidRequestException):
        client.get_secret_value(SecretId="x")
    client.restore_secret(SecretId="x")
    with pytest.raises(client.exceptions.ResourceNotFoundException):
        client.get_secret_value(SecretId="none")


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
