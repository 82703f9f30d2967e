# SPDX-License-Identifier: MIT
"""Holds a table of defects to the files that its tests stand in."""

import os
import re

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")


def with_tests(table):
    """The defects of a table that have tests: lists of file:name below tests/, where others have a
    sentence that says why there are none."""
    return [name for name, tests in table.items() if not isinstance(tests, str)]


def assert_tests_exist(places):
    for place in places:
        path, name = place.split(":")
        with open(os.path.join(ROOT, path), encoding="utf-8") as file:
            assert re.search(rf"^(?:def |START_TEST\(){name}\b", file.read(), re.MULTILINE), place
