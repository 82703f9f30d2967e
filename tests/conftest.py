# SPDX-License-Identifier: MIT
"""Fixtures of all end-to-end tests: one PostgreSQL for the run, proxies as a test wants them."""

import contextlib
import os
import signal

import pytest

import proxy as proxy_module
from cluster import Cluster, drop_templates
from proxy import Proxy, base_config
from world import make_world, tenants_config

TEST_SECONDS = 150


@pytest.fixture(scope="session", autouse=True)
def no_templates_left():
    yield
    drop_templates()


@pytest.fixture(scope="session")
def cluster():
    """A PostgreSQL with everything that world.py describes."""
    with Cluster() as server:
        make_world(server)
        yield server


@pytest.fixture(scope="module")
def transaction_proxy(cluster):
    """A proxy in transaction mode with world.py's tenants, shared by a file's tests."""
    with Proxy(base_config(cluster.port, tenants=tenants_config())) as daemon:
        yield daemon


@pytest.fixture
def start(cluster):
    """start(release=False, **changes): a proxy of the test's own, ended with the test."""
    with contextlib.ExitStack() as stack:
        def start_proxy(release=False, **changes):
            config = base_config(cluster.port, tenants=tenants_config())
            return stack.enter_context(Proxy(proxy_module.merge(config, changes), release))
        yield start_proxy


@pytest.fixture
def figure(record_property):
    """figure(text): prints a measured figure at the end of the run."""
    return lambda text: record_property("figure", text)


def pytest_terminal_summary(terminalreporter):
    for reports in terminalreporter.stats.values():
        for report in reports:
            if getattr(report, "when", None) == "call":
                for name, text in report.user_properties:
                    terminalreporter.write_line(f"{name}: {text}")


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_protocol(item):
    """Fails a test that takes too long, instead of hanging the run."""
    def too_long(*_):
        raise TimeoutError(f"the test ran for more than {TEST_SECONDS} s")
    before = signal.signal(signal.SIGALRM, too_long)
    signal.alarm(TEST_SECONDS)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    """Adds the end of each running proxy's log to the report of a failed test."""
    outcome = yield
    report = outcome.get_result()
    if report.failed:
        for daemon in list(proxy_module.running):
            name = f"log of fahrend, pid {daemon.pid}, {os.path.basename(daemon.directory)}"
            report.sections.append((name, daemon.log[-4000:]))
