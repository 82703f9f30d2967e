#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Puts the defects back that the tests of tests/e2e/test_pgbouncer_defects.py stand for, one after
the other, and says for each which of its tests fail then. By hand: some twenty minutes.

  tests/mutants/run.py [-k WORDS]... [-o FILE]

  -k WORDS   only mutants whose name holds the words; may be given again, for others
  -o FILE    append what comes of each there, beside printing it

Works in a copy below build/mutants, never here. mutants.py lists the edits. One whose text is not found any more has to be written anew,
and is reported as such; nothing is guessed. Exit 0 when every mutant was caught.
"""

import argparse
import os
import re
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
TREE = os.path.join(ROOT, "build", "mutants")
sys.path[:0] = [HERE, os.path.join(ROOT, "tests", "e2e"), os.path.join(ROOT, "tests", "lib")]

from mutants import MUTANTS                     # noqa: E402
from test_pgbouncer_defects import WHERE        # noqa: E402


def sh(*command, **options):
    return subprocess.run(command, cwd=TREE, text=True, capture_output=True, check=False, **options)


def checkout():
    """Copies what git knows of, and builds it. A mutant may leave a function without a use."""
    os.makedirs(TREE, exist_ok=True)
    # Every file is as new as the copy: objects of the last mutant must not pass for ours.
    copy = (f"git ls-files -co --exclude-standard -z | tar --null -T - -cf - "
            f"| tar -C '{TREE}' -xmf -")
    subprocess.run(["sh", "-c", copy], cwd=ROOT, check=True)
    with open(os.path.join(TREE, "CMakeLists.txt"), encoding="utf-8") as file:
        text = file.read()
    with open(os.path.join(TREE, "CMakeLists.txt"), "w", encoding="utf-8") as file:
        file.write(text.replace(" -Werror", ""))
    for preset in ("dev", "release"):
        sh("cmake", "--preset", preset)


def restore(originals):
    for path, text in originals.items():
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)


def apply(edits, originals):
    """Returns what is wrong with the edits, or None."""
    for path, old, new in edits:
        name = os.path.join(TREE, path)
        with open(name, encoding="utf-8") as file:
            text = file.read()
        originals.setdefault(name, text)
        if text.count(old) != 1:
            return f"text found {text.count(old)} times in {path}: write the edit anew"
        with open(name, "w", encoding="utf-8") as file:
            file.write(text.replace(old, new))
    return None


def binary_of(test):
    """The program that a file of unit tests becomes."""
    layer, file = test.split("/")[-2:]
    return f"test_{layer}_{file[len('test_'):-len('.c')]}"


def build(units, release):
    targets = {"dev": ["fahrend", *{binary_of(path) for path, _ in units}]}
    if release:
        targets["release"] = ["fahrend"]
    for preset, names in targets.items():
        result = sh("ninja", "-C", f"build/{preset}", *names)
        if result.returncode != 0:
            return result.stdout[-2000:]
    return None


def failed_units(test, name):
    """Whether a case of a C test fails; a crash of the whole is a failure too."""
    try:
        result = sh(os.path.join(TREE, "build", "dev", binary_of(test)), timeout=120)
    except subprocess.TimeoutExpired:
        return True
    return bool(re.search(rf":[FE]:[^:]*:{name}:", result.stdout + result.stderr))


def failed_pytest(places, release):
    """The names of those that fail."""
    environment = dict(os.environ, FAHREND=os.path.join(TREE, "build", "dev", "fahrend"))
    if release:
        environment["FAHREND_RELEASE"] = os.path.join(TREE, "build", "release", "fahrend")
    ids = [f"tests/{path}::{name}" for path, name in places]
    result = sh("/usr/bin/python3", "-B", "-m", "pytest", "-c", "tests/pytest.ini", "-q", "-p",
                "no:cacheprovider", "--tb=no", "-rfE", *ids, env=environment)
    found = set(re.findall(r"^(?:FAILED|ERROR) \S*?::(\w+)", result.stdout, re.MULTILINE))
    if result.returncode not in (0, 1):
        return set(name for _, name in places) if "no tests ran" not in result.stdout else set()
    return found


def run(mutant, tests, originals):
    """Returns a word for what came of it, and a line for each test."""
    places = [place.split(":") for place in mutant.get("tests", tests)]
    units = [place for place in places if place[0].endswith(".c")]
    release = mutant.get("release", False)
    wrong = apply(mutant["edits"], originals) or build(units, release)
    if wrong:
        return "NOT BUILT", [wrong]
    failed = {name for path, name in units if failed_units(path, name)}
    if len(units) < len(places):
        failed |= failed_pytest([p for p in places if p not in units], release)
    lines = [f"{'fails ' if name in failed else 'passes'} {name}" for _, name in places]
    return "caught" if failed else "SURVIVES", lines


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("-k", action="append", default=[])
    parser.add_argument("-o", default=os.devnull)
    options = parser.parse_args()
    checkout()
    survivors = 0
    with open(options.o, "a", encoding="utf-8") as report:
        for defect, mutants in MUTANTS.items():
            for mutant in mutants:
                title = f"{defect}: {mutant['what']}"
                if options.k and not any(words in title for words in options.k):
                    continue
                originals = {}
                word, lines = run(mutant, WHERE[defect], originals)
                restore(originals)
                survivors += word != "caught"
                text = "\n".join([f"{word:9} {title}"] + [f"          {line}" for line in lines])
                print(text, flush=True)
                print(text, file=report, flush=True)
    missing = [d for d, tests in WHERE.items() if not isinstance(tests, str) and d not in MUTANTS]
    for defect in missing if not options.k else []:
        print(f"NO MUTANT {defect}")
    return 1 if survivors else 0


if __name__ == "__main__":
    sys.exit(main())
