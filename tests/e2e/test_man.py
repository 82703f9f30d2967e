# SPDX-License-Identifier: MIT
"""The manual pages are well formed, and name what the programs know."""

import os
import re
import shutil
import subprocess

import pytest

from proxy import ROOT, binary

BUILD = os.path.dirname(binary())
PAGES = {"fahrend": os.path.join(ROOT, "man", "fahrend.8"),
         "fahrenctl": os.path.join(ROOT, "man", "fahrenctl.1"),
         "fahrend.yaml": os.path.join(BUILD, "fahrend.yaml.5")}


def plain(path):
    """A page's text without requests, fonts and escapes."""
    with open(path, encoding="utf-8") as file:
        text = file.read()
    return re.sub(r"\\f[A-Z]", "", re.sub(r"^\.[A-Z]+ ?", "", text, flags=re.M)).replace("\\-", "-")


def help_of(program):
    return subprocess.run([os.path.join(BUILD, program), "--help"], capture_output=True, text=True,
                          check=True).stdout


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.skipif(not shutil.which("mandoc"), reason="mandoc is not installed")
def test_a_page_is_well_formed(page):
    done = subprocess.run(["mandoc", "-T", "lint", "-W", "warning", PAGES[page]],
                          capture_output=True, text=True, check=False)
    said = [line for line in done.stdout.splitlines()
            if "missing date" not in line and "cannot parse date" not in line]

    assert said == []


@pytest.mark.parametrize("program", ["fahrend", "fahrenctl"])
def test_a_page_has_the_options_of_the_program_and_no_other(program):
    told = set(re.findall(r"(?<![\w-])--?[A-Za-z][\w-]*", help_of(program)))
    paged = set(re.findall(r"(?<![\w-])--?[A-Za-z][\w-]*", plain(PAGES[program])))

    assert told - paged == set()
    assert paged - told == set()


def test_the_page_of_fahrenctl_has_its_words():
    words = set(re.findall(r"^  fahrenctl (?:\[[^]]*\] )*([a-z]+)", help_of("fahrenctl"), re.M))

    assert {"ping", "import", "verify", "url", "exec"} <= words
    for word in words - {"show", "drop", "alter", "suspend", "pause", "resume", "reload"}:
        assert re.search(rf"^{word}\b", plain(PAGES["fahrenctl"]), re.M), word


def test_the_page_of_the_file_has_every_key():
    reference = subprocess.run([binary(), "--reference"], capture_output=True, text=True,
                               check=True).stdout
    page = plain(PAGES["fahrend.yaml"]).replace("\\&", "").replace("\\e", "\\")

    assert [line for line in reference.splitlines() if line not in page] == []


def test_signals_and_exit_status_are_those_of_the_help():
    page = plain(PAGES["fahrend"])

    for word in ("HUP", "TERM", "INT", "QUIT", "USR1", "USR2"):
        assert word in help_of("fahrend") and re.search(rf"^{word}\b|, {word}\b", page, re.M)
    for program in ("fahrend", "fahrenctl"):
        for status in re.findall(r"[012] [a-z ]+", help_of(program).split("Exit status: ")[1].replace("\n", " ")):
            assert status.split(",")[0].strip() in plain(PAGES[program]).replace("\n", " "), status
