# SPDX-License-Identifier: MIT
"""The page at /, in a browser: with 3 and with 5,000 tenants, searched, sorted, light, dark, on a phone.
$FAHREND_SCREENSHOTS names a folder to keep what was seen."""

import os

import pytest

from chromium import Chromium, find_chromium
from cluster import free_port
from proxy import Proxy, base_config, merge
from wirepeer import query
from world import tenants_config

pytestmark = pytest.mark.skipif(not find_chromium(), reason="chromium is not installed")

FIRST_CELLS = "[...document.querySelectorAll('#tenants tbody tr td:first-child')].map(x => x.textContent)"
MANY = 5000


@pytest.fixture(name="browser", scope="module")
def one_browser():
    with Chromium() as chromium:
        yield chromium


def serve(cluster, **changes):
    port = free_port()
    config = merge(base_config(cluster.port, tenants=tenants_config(size=2)),
                   merge({"http": {"port": port}, "limits": {"clients": 20000}}, changes))
    daemon = Proxy(config, release=True)
    daemon.http = port
    return daemon


def visit(browser, daemon):
    browser.complaints.clear()
    browser.ask("Page.navigate", url=f"http://127.0.0.1:{daemon.http}/")
    browser.wait("typeof last !== 'undefined' && last !== null", "the page has figures")


def keep(browser, name):
    shot = browser.screenshot()
    assert shot.startswith(b"\x89PNG") and len(shot) > 5000
    if os.environ.get("FAHREND_SCREENSHOTS"):
        with open(os.path.join(os.environ["FAHREND_SCREENSHOTS"], f"{name}.png"), "wb") as file:
            file.write(shot)


def search(browser, text):
    browser.run("(() => { const box = document.getElementById('tenants-search'); "
                f"box.value = '{text}'; box.dispatchEvent(new Event('input')); }})()")


def sort_by(browser, key):
    browser.run(f"document.querySelector('#tenants th[data-key=\"{key}\"] button').click()")


def test_three_tenants_light_dark_and_on_a_phone(browser, cluster):
    with serve(cluster) as daemon, daemon.tenant("acme") as one, daemon.tenant("acme") as two, \
            daemon.tenant("bravo") as other, daemon.tenant("carol"), daemon.wire() as waits:
        for conn in (one, two):
            conn.execute("SELECT 1")
            conn.execute("BEGIN")
        waits.login(user="app", database="app", app__tenant="acme")
        waits.send(query("SELECT 1"))
        del other
        browser.look(1280, 900)
        visit(browser, daemon)

        browser.wait("document.querySelectorAll('#warnings li').length > 0", "a warning is shown")
        assert "is at its limit of 2 connections" in browser.run(
            "document.getElementById('warnings').textContent")
        assert set(browser.run(FIRST_CELLS)) == {"acme", "bravo", "carol"}
        sort_by(browser, "clients")
        assert browser.run(FIRST_CELLS)[0] == "acme"
        ground = "getComputedStyle(document.body).backgroundColor"
        light = browser.run(ground)
        keep(browser, "three-light")
        browser.look(1280, 900, dark=True)
        assert browser.run(ground) != light
        keep(browser, "three-dark")
        browser.look(390, 844)
        assert browser.run("document.documentElement.scrollWidth <= innerWidth")
        assert browser.run("[...document.querySelectorAll('.wide')]"
                           ".every(x => getComputedStyle(x).display === 'none')")
        keep(browser, "three-phone")
        assert browser.complaints == []


def test_thousands_of_tenants_are_searched_and_sorted(browser, cluster, figure):
    with serve(cluster, tenancy={"unknown": "template"}) as daemon:
        for number in range(MANY):
            with daemon.wire_tenant(f"t{number:04d}") as client:
                if number % 100 == 0:
                    client.ask(query("SELECT 1"))
        browser.look(1280, 900)
        visit(browser, daemon)

        assert browser.run("document.getElementById('tenants-count').textContent") == str(MANY)
        assert len(browser.run(FIRST_CELLS)) == 50
        search(browser, "T42")
        assert browser.run(FIRST_CELLS)[0].startswith("t42")
        assert browser.run("document.getElementById('tenants-count').textContent") == f"100 of {MANY}"
        search(browser, "")
        sort_by(browser, "name")
        assert browser.run(FIRST_CELLS)[:2] == ["t0000", "t0001"]
        sort_by(browser, "name")
        assert browser.run(FIRST_CELLS)[0] == f"t{MANY - 1}"
        sort_by(browser, "transactions")
        assert {int(name[1:]) % 100 for name in browser.run(FIRST_CELLS)[:50]} == {0}
        keep(browser, "many-light")
        browser.run("document.querySelector('.more button').click()")
        assert len(browser.run(FIRST_CELLS)) == 250
        browser.look(390, 844, dark=True)
        assert browser.run("document.documentElement.scrollWidth <= innerWidth")
        keep(browser, "many-phone-dark")
        drawn = browser.run("(() => { const began = performance.now(); draw('tenants'); "
                            "return performance.now() - began; })()")
        figure(f"the page sorts and draws {MANY} tenants in {drawn:.0f} ms")
        assert drawn < 1000
        assert browser.complaints == []


def test_a_search_finds_nothing_and_names_are_no_markup(browser, cluster):
    with serve(cluster) as daemon, daemon.tenant("acme", application_name="<b>x</b>"):
        visit(browser, daemon)
        search(browser, "<script>")

        assert browser.run(FIRST_CELLS) == []
        assert browser.run("document.querySelectorAll('td b, td script').length") == 0
        assert browser.complaints == []
