# SPDX-License-Identifier: MIT
"""Waiting for a fact, with a bound: the only way in which tests wait."""

import time

# A slow machine under sanitizers still makes this; a hang is found before a person gives up.
PATIENCE = 20.0


def wait_until(fact, what, patience=PATIENCE, step=0.01):
    """Polls fact() until it is true and returns its value; AssertionError names what never came."""
    end = time.monotonic() + patience
    while True:
        value = fact()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"not within {patience:g} s: {what}")
        time.sleep(step)
