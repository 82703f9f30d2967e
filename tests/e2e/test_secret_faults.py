# SPDX-License-Identifier: MIT
"""Every way in which a secret store behind a network fails, of AWS Secrets Manager and of Vault:
the error names the store and says what happened; and while it fails, a tenant whose password was
read before logs in with it, on connections that are new."""

import time

import pytest

from certificates import Authority
from deadline import wait_until
from proxy import Proxy, base_config
from secret_services import (SecretsManager, Vault, cut_off, huge, hung_up,
                             make_certificate, says, slow)
from secret_stores import (KEYS, aws, aws_at, aws_provider, certificate,  # noqa: F401 - fixtures
                           stores, vault, vault_at, vault_provider)
from world import tenants_config

EXPIRED = {"__type": "ExpiredTokenException", "message": "The token is expired"}
THROTTLED = {"__type": "ThrottlingException", "message": "Rate exceeded"}
ELSEWHERE = {"Location": "https://user:pw@elsewhere.example:8200/v1/x?token=y"}
DEEP = b"[" * 100000

# What goes wrong, and what is said of it; of AWS and of Vault.
AWS_FAULTS = {
    "expired token": (says(400, EXPIRED), "AWS answers 400 ExpiredTokenException: The token is"),
    "throttled": (says(400, THROTTLED), "AWS answers 400 ThrottlingException: Rate exceeded"),
    "throttled for long": (says(429, THROTTLED, Retry_After="30"), "it wants to be asked in 30 s"),
    "denied": (says(403, {"__type": "x#AccessDeniedException", "Message": "not\x1b[2J yours"}),
               "AWS answers 403 AccessDeniedException: not?[2J yours"),
    "500": (says(500, b"<html>"), "AWS answers 500"),
    "slow": (slow, "did not answer within 300 ms"),
    "cut off": (cut_off, "the connection ended before the answer did"),
    "hung up": (hung_up, "the connection ended before the answer did"),
    "huge": (huge, "the answer is larger than 524288 bytes"),
    "no JSON": (says(200, b"no json"), "the answer of AWS: is not a JSON object"),
    "deep": (says(200, DEEP), "is not a JSON object"),
    "no value": (says(200, {}), "no SecretString"),
    "no text": (says(200, {"SecretString": 5}), "no SecretString"),
    "empty": (says(200, {"SecretString": ""}), "is empty"),
    "redirect": (says(302, b"", **ELSEWHERE),
                 "AWS answers 302; it sends us to elsewhere.example:8200, where we do not go"),
}
VAULT_FAULTS = {
    "expired token": (says(403, {"errors": ["permission denied"]}),
                      "Vault answers 403: permission denied"),
    "throttled": (says(429, {"errors": ["rate limit quota exceeded"]}),
                  "Vault answers 429: rate limit quota exceeded"),
    "throttled for long": (says(429, {"errors": []}, Retry_After="30"),
                           "Vault answers 429; it wants to be asked in 30 s"),
    "sealed": (says(503, {"errors": ["Vault is sealed"]}), "Vault answers 503: Vault is sealed"),
    "500": (says(500, b"<html>"), "Vault answers 500"),
    "slow": (slow, "did not answer within 300 ms"),
    "cut off": (cut_off, "the connection ended before the answer did"),
    "hung up": (hung_up, "the connection ended before the answer did"),
    "huge": (huge, "the answer is larger than 524288 bytes"),
    "no JSON": (says(200, b"no json"), "the answer of Vault: is not a JSON object"),
    "deep": (says(200, DEEP), "is not a JSON object"),
    "no value": (says(200, {"data": {}}), "of version 2"),
    "no text": (says(200, {"data": {"data": {"password": 5}}}), 'no field "password"'),
    "redirect": (says(307, b"", **ELSEWHERE),
                 "Vault answers 307; it sends us to elsewhere.example:8200, where we do not go"),
}


def is_told(store, words):
    state, text = store.ask("read a")
    assert state in ("58030", "F0000") and words in text, text
    assert text.startswith('secret store "it": a: ')


@pytest.mark.parametrize("name", AWS_FAULTS)
def test_what_is_wrong_with_aws_is_told(stores, aws, aws_provider, name):
    fault, words = AWS_FAULTS[name]
    aws.faults = [fault] * 3

    is_told(stores({**aws_provider, "timeout": "300ms"}), words)


@pytest.mark.parametrize("name", VAULT_FAULTS)
def test_what_is_wrong_with_vault_is_told(stores, vault, vault_provider, name):
    fault, words = VAULT_FAULTS[name]
    it = stores({**vault_provider, "timeout": "300ms"})
    it.ask("read warm")
    vault.faults = [fault] * 3

    is_told(it, words)


@pytest.mark.parametrize("fault", [says(400, THROTTLED), says(429, {}), says(500, b"<html>"),
                                   says(503, {"__type": "InternalServiceError"})],
                         ids=["throttled", "429", "500", "503"])
def test_an_aws_that_is_busy_is_asked_three_times(stores, aws, aws_provider, fault):
    aws.secrets["prod/fahrend/a"] = {"SecretString": "value"}
    it = stores(aws_provider)

    aws.faults = [fault, fault]
    assert it.ask("read a") == ("ok", "value")
    aws.faults = [fault] * 10
    assert it.ask("read a")[0] == "58030"
    assert len(aws.faults) == 7


def test_a_vault_that_is_sealed_for_a_moment_is_asked_again(stores, vault, vault_provider):
    vault.secrets["fahrend/a"] = {"password": "value"}
    it = stores(vault_provider)
    it.ask("read warm")
    vault.faults = [says(503, {"errors": ["Vault is sealed"]})] * 2

    assert it.ask("read a") == ("ok", "value")


def test_as_long_is_waited_as_the_service_asks_for(stores, vault, vault_provider):
    vault.secrets["fahrend/a"] = {"password": "value"}
    it = stores(vault_provider)
    it.ask("read warm")
    vault.faults = [says(429, {}, Retry_After="1")]
    begun = time.monotonic()

    assert it.ask("read a") == ("ok", "value")
    assert time.monotonic() - begun >= 1


@pytest.mark.parametrize("hosts, days, words", [
    (["10.0.0.1"], 2, "no alternative certificate subject name matches"),
    (["127.0.0.1"], -1, "certificate has expired"),
], ids=["of another", "expired"])
def test_a_certificate_that_is_wrong_is_told(stores, hosts, days, words):
    with Authority() as authority:
        pair = authority.issue("wrong", hosts=hosts, days=days).pair("wrong")
        for kind, at in ((SecretsManager, aws_at), (Vault, vault_at)):
            with kind((pair["certificate"], pair["key"])) as service:
                is_told(stores(at(service, [authority.ca])), words)
                assert service.requests == []


def test_a_certificate_that_nobody_vouches_for_is_told(stores, aws, aws_provider, vault,
                                                       vault_provider):
    for service, provider in ((aws, aws_provider), (vault, vault_provider)):
        del provider["ca"]
        is_told(stores(provider), "SSL certificate problem: self-signed certificate")
        assert service.requests == []


# ---- while it fails

@pytest.fixture(scope="module")
def asking(cluster):
    cluster.run("CREATE ROLE lasting LOGIN IN ROLE pw_asked PASSWORD 'lasting-secret'")
    yield cluster
    cluster.run("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'lasting'")
    cluster.run("DROP ROLE lasting")


class Served:
    """A daemon whose tenant's password is in a stand-in, and is asked for at each login."""

    def __init__(self, cluster, service, provider):
        self.service, self.provider = service, provider
        self.config = base_config(cluster.port, tenants=tenants_config())
        self.config["secrets"] = {"cache": "0"}
        self.config["tenants"]["acme"] = {"login": "tenant", "role": "lasting"}
        self.daemon = None

    def begin(self, name):
        """A new one, whose log is not full of what went wrong before; the store has this name."""
        self.end()
        self.config["secrets"].update(store=name, providers={name: self.provider})
        self.name = name
        self.daemon = Proxy(self.config)
        self.daemon.start()

    def end(self):
        if self.daemon is not None:
            self.daemon.stop()


@pytest.fixture(scope="module")
def served_by_aws(asking, certificate):
    with pytest.MonkeyPatch.context() as patch, SecretsManager(certificate) as service:
        for key in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            patch.setenv(key, KEYS[key])
        service.secrets["prod/fahrend/lasting"] = {"SecretString": "lasting-secret"}
        served = Served(asking, service, {**aws_at(service, certificate), "timeout": "300ms"})
        yield served
        served.end()


@pytest.fixture(scope="module")
def served_by_vault(asking, certificate):
    with Vault(certificate) as service:
        service.secrets["fahrend/lasting"] = {"password": "lasting-secret"}
        served = Served(asking, service, {**vault_at(service, certificate), "timeout": "300ms"})
        yield served
        served.end()


def serves_on(served, faults, name):
    """A client that works, and one that comes, on connections made while the store fails."""
    fault, words = faults[name]
    served.begin(name.replace(" ", "_"))
    daemon = served.daemon
    with daemon.tenant("acme") as conn:
        assert conn.execute("SELECT session_user").fetchone() == ("lasting",)
        served.service.faults = [fault] * 1000
        daemon.console("RECONNECT")

        assert conn.execute("SELECT session_user").fetchone() == ("lasting",)
        with daemon.tenant("acme") as another:
            assert another.execute("SELECT session_user").fetchone() == ("lasting",)
    assert len(served.service.faults) < 1000
    served.service.faults = []
    told = f"what was read before is used provider={served.name} reason="
    wait_until(lambda: told in daemon.log, "the log tells")
    assert words in next(line for line in daemon.log.split("\n") if told in line)


@pytest.mark.parametrize("name", AWS_FAULTS)
def test_what_was_read_before_serves_while_aws_fails(served_by_aws, name):
    serves_on(served_by_aws, AWS_FAULTS, name)


@pytest.mark.parametrize("name", VAULT_FAULTS)
def test_what_was_read_before_serves_while_vault_fails(served_by_vault, name):
    serves_on(served_by_vault, VAULT_FAULTS, name)


def test_a_certificate_that_went_bad_stops_nobody_who_is_known(
        served_by_vault, certificate, tmp_path):
    served = served_by_vault
    served.begin("certified")
    daemon = served.daemon
    with daemon.tenant("acme") as conn:
        assert conn.execute("SELECT session_user").fetchone() == ("lasting",)
        served.service.tls.load_cert_chain(*make_certificate(tmp_path))
        daemon.console("RECONNECT")

        assert conn.execute("SELECT session_user").fetchone() == ("lasting",)
        with daemon.tenant("acme") as another:
            assert another.execute("SELECT session_user").fetchone() == ("lasting",)
    served.service.tls.load_cert_chain(*certificate)
    wait_until(lambda: "provider=certified" in daemon.log, "the log tells")
    assert "self-signed certificate" in daemon.log
