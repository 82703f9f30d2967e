# SPDX-License-Identifier: MIT
"""A CREATE TENANT that fails leaves nothing: no row, no role, no password in any store."""

import pytest

from proxy import ConsoleError
from secret_stores import (KEYS, aws, aws_at, certificate,  # noqa: F401 - fixtures
                           vault, vault_at)
from tenants import begin, objects_of, server  # noqa: F401 - fixtures


@pytest.fixture(params=["files", "aws", "vault"])
def kept(request, tmp_path, certificate, monkeypatch):
    """(provider, what it holds by now)"""
    if request.param == "files":
        folder = tmp_path / "kept"
        folder.mkdir(mode=0o700)
        return {"type": "files", "directory": str(folder)}, lambda: [f.name for f in folder.iterdir()]
    if request.param == "vault":
        vault = request.getfixturevalue("vault")
        return vault_at(vault, certificate), lambda: [n for n, v in vault.secrets.items() if v]
    aws = request.getfixturevalue("aws")
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, KEYS[name])
    return aws_at(aws, certificate), lambda: sorted(aws.secrets.keys() - aws.deleted)


def begin_with(begin, provider):
    return begin(secrets={"store": "mine", "providers": {"mine": provider}})


def test_what_was_made_for_nothing_is_taken_back(begin, server, kept):
    provider, held = kept
    daemon = begin_with(begin, provider)
    server.run("CREATE SCHEMA tenant_undone", "app")
    try:
        with pytest.raises(ConsoleError, match="was not made for tenant"):
            daemon.console("CREATE TENANT undone WITH (strategy = schema)")
        assert held() == []
        assert objects_of(server, "undone") == ["tenant_undone"]
    finally:
        server.run("DROP SCHEMA tenant_undone", "app")

    daemon.console("CREATE TENANT undone WITH (strategy = schema)")
    assert [name.rsplit("/", 1)[-1] for name in held()] == ["tenant_undone"]
    daemon.console("DROP TENANT undone")
    assert held() == []


def test_a_password_that_was_there_before_stays(begin, server, kept, tmp_path):
    provider, held = kept
    if provider["type"] != "files":
        pytest.skip("one store is enough: who made it is asked above them")
    (tmp_path / "kept" / "tenant_brought").write_text("from elsewhere")
    (tmp_path / "kept" / "tenant_brought").chmod(0o600)
    daemon = begin_with(begin, provider)
    server.run("CREATE SCHEMA tenant_brought", "app")

    with pytest.raises(ConsoleError, match="was not made for tenant"):
        daemon.console("CREATE TENANT brought WITH (strategy = schema)")

    assert held() == ["tenant_brought"]
    server.run("DROP SCHEMA tenant_brought", "app")


def test_what_a_server_out_of_reach_began_is_taken_back(begin, server, tmp_path):
    daemon = begin(servers={"away": {"host": "127.0.0.1", "port": 1, "admin": {"user": "postgres"}}})

    with pytest.raises(ConsoleError, match="refused"):
        daemon.console("CREATE TENANT gone WITH (strategy = schema, server = away)")

    assert not (tmp_path / "tenant_gone").exists()
    assert objects_of(server, "gone") == []
