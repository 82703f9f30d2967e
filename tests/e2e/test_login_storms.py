# SPDX-License-Identifier: MIT
"""Many who log in at once: nobody else waits for them, and they take no more than they may."""

import threading
import time

import psycopg
import pytest
from wirepeer import scram_verifier

COSTLY = 30_000  # iterations: tens of milliseconds of one processor
STORM = 30


@pytest.fixture
def costly(start):
    """One worker, and passwords in clear that cost a good deal to check."""
    return start(workers=1, auth={"method": "password"},
                 users={"app": {"password": scram_verifier("secret", COSTLY), "tenants": ["*"]}})


def login(daemon, tenant):
    """Seconds that it took."""
    begun = time.monotonic()
    with daemon.tenant(tenant, password="secret"):
        return time.monotonic() - begun


def test_a_storm_of_one_tenants_logins_delays_no_other(costly, figure):
    """Thirty of acme's hashes stand in line when bravo comes: it waits for those in threads."""
    ends = []

    def one_of_many():
        try:
            login(costly, "acme")
        except psycopg.Error as e:
            ends.append(e)
        ends.append(time.monotonic())

    alone = login(costly, "bravo")
    begun = time.monotonic()
    crowd = [threading.Thread(target=one_of_many) for _ in range(STORM)]
    for thread in crowd:
        thread.start()
    while len(ends) < 2:  # the line is there, and moves
        time.sleep(0.001)
    before = len(ends)
    other = login(costly, "bravo")
    behind = STORM - len(ends)
    for thread in crowd:
        thread.join()
    took = max(ends) - begun

    figure(f"login alone {alone * 1000:.0f} ms, beside {STORM} of another tenant {other * 1000:.0f} ms; "
           f"all of them {took * 1000:.0f} ms, {behind} still behind")
    assert behind >= 5, f"{STORM - behind} of the others went first, {before} before it came"
