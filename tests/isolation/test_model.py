# SPDX-License-Identifier: MIT
"""A random history for 20 seconds; the seed is printed. model.py runs a million checks by hand."""

import random
import time

import pytest

import model
from cluster import Cluster

SECONDS = 20


@pytest.fixture(scope="module")
def server():
    with Cluster() as cluster:
        model.make_world(cluster)
        yield cluster


def test_a_random_history_keeps_every_tenant_to_its_rows(server):
    seed = random.SystemRandom().randrange(1 << 32)
    print(f"seed {seed}")
    until = time.monotonic() + SECONDS

    checks = model.check(server, seed, lambda world, count: time.monotonic() > until)

    print(f"{checks} checks")
    assert checks > 500


def test_a_wrong_row_is_found_and_the_history_made_short(server, monkeypatch):
    """The control: a model that forgets every tenth row is found out, by a few steps."""
    def forgetful(world, actor, rng):
        model.write(world, actor, rng)
        rows = world.model.rows[actor.tenant]
        if rows and rng.random() < 0.1:
            rows.popitem()
    monkeypatch.setitem(model.STEPS, "write", forgetful)

    with pytest.raises(AssertionError, match="the shortest history") as found:
        model.check(server, 1, lambda world, count: count > 2000, patience=3)

    assert len(str(found.value).splitlines()) < 150
