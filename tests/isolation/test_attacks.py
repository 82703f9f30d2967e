# SPDX-License-Identifier: MIT
"""Every attack of attacks.toml against every level: what gets through is what the table says."""

import os

import pytest

from attacks import Field, as_markdown, attacks, levels, make_places
from proxy import ROOT

ATTACKS = {attack["id"]: attack for attack in attacks()}


@pytest.fixture(scope="module")
def field(cluster):
    """field(level, size): a proxy in front of that level, kept for the next attack on it."""
    make_places(cluster)
    fields = {}

    def get(level, size):
        if (level, size) not in fields:
            fields[level, size] = Field(cluster, level, size)
        return fields[level, size]
    yield get
    for each in fields.values():
        each.stop()


@pytest.mark.parametrize("name", ATTACKS)
@pytest.mark.parametrize("level", levels())
def test_what_gets_through_is_what_the_table_says(field, level, name):
    attack = ATTACKS[name]

    through = field(level, attack.get("size", 1)).run(attack)

    if level in attack["open"]:
        assert through, "it is kept out, and the table says that it is open"
    else:
        assert not through


def test_the_table_names_only_levels_that_there_are():
    for attack in attacks():
        assert set(attack["open"]) <= set(levels()), attack["id"]


def test_the_strong_levels_keep_out_all_that_crosses_tenants():
    for attack in attacks():
        if attack["id"].startswith(("B", "S")) and int(attack["id"][1:].rstrip("abc")) <= 10:
            assert not {"rls-sealed", "schema-tenant", "database"} & set(attack["open"])


def test_the_manual_shows_the_table():
    """Change docs/isolation.md to what `python3 tests/lib/attacks.py` prints."""
    with open(os.path.join(ROOT, "docs", "isolation.md"), encoding="utf-8") as file:
        assert as_markdown() in file.read()


@pytest.mark.parametrize("reset", ["RESET ALL", "RESET search_path", "SET search_path TO DEFAULT"])
def test_a_reset_returns_to_the_tenant_where_its_connections_are_its_own(field, reset):
    """Their startup packet carries the context: so even within one batch nothing is lost."""
    with field("schema-tenant", 1).daemon.wire_tenant("victor") as client:
        assert client.rows(f"{reset}; SELECT body FROM notes") == [["secret of victor"]]


@pytest.mark.parametrize("level, sql, left", [
    ("rls-sealed", "RESET ALL; SELECT body FROM notes", []),
    ("rls-plain", "RESET ALL; SELECT body FROM notes", [])])
def test_a_reset_is_no_tenant_where_connections_are_shared(field, level, sql, left):
    with field(level, 1).daemon.wire_tenant("victor") as client:
        assert client.rows(sql) == left
        assert client.rows("SELECT body FROM notes") == [["secret of victor"]]
