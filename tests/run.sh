#!/bin/bash
# SPDX-License-Identifier: MIT
#
# run.sh: builds fahrend and runs every test: unit and loop tests (ctest), then end-to-end and
# isolation tests (pytest) against a real PostgreSQL, and the oracle for half a minute. The last
# line says `N passed, N failed`.
#
#   tests/run.sh                   everything
#   tests/run.sh unit | e2e | isolation | oracle | test_auth …
#                                  only these suites or files
#   tests/run.sh -k PATTERN        only end-to-end tests and ctest names that match
#
# On a bare Debian 12 or 13, as root or with sudo. Leaves nothing behind but build/ and
# tests/e2e/node/node_modules.
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=tests/lib/setup.sh
. tests/lib/setup.sh

usage() {
    sed -n '4,15s/^# \{0,1\}//p' "$0"
    exit "$1"
}

pattern=""
suites=()
while [ $# -gt 0 ]; do
    case "$1" in
    -k) pattern=${2:?-k needs a pattern}; shift 2 ;;
    -h | --help) usage 0 ;;
    -*) usage 2 ;;
    *) suites+=("$1"); shift ;;
    esac
done
[ ${#suites[@]} -gt 0 ] || suites=(unit e2e isolation oracle)

# Paths for pytest out of the names of suites; "unit" is ctest's.
unit=false
paths=()
for suite in "${suites[@]}"; do
    case "$suite" in
    unit) unit=true ;;
    e2e | isolation | oracle) paths+=("tests/$suite") ;;
    *)
        found=$(find tests/e2e tests/isolation tests/oracle -name "${suite%.py}.py")
        [ -n "$found" ] || { echo "run.sh: no suite or test file named $suite" >&2; exit 2; }
        paths+=("$found")
        ;;
    esac
done

work=$(mktemp -d "${TMPDIR:-/tmp}/fahrend-test.XXXXXX")
chmod 755 "$work"
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM
# PostgreSQL 16, 17 and 18 beside Debian's, for the isolation tests.
other_servers() {
    local servers=tests/isolation/servers
    [ ! -d "$servers/node_modules/postgres-18" ] || return 0
    npm ci --prefix "$servers" --cache "$work/npm" --no-audit --no-fund --silent \
        --fetch-retries 1 >"$work/servers.log" 2>&1 && return 0
    echo "run.sh: PostgreSQL 16, 17 and 18 cannot be installed by npm: isolation is tested on one"
    rm -rf "$servers/node_modules"
}

# Most tests wait for something; the files are shared among a few processes, each with a PostgreSQL
# of its own.
jobs=3

failed_step() {
    echo "run.sh: $1 failed"
    echo "0 passed, 1 failed"
    exit 1
}

build() {
    cmake --preset "$1" >"$work/cmake.log" 2>&1 || { cat "$work/cmake.log"; return 1; }
    ninja -C "build/$1" "${@:2}" >"$work/ninja.log" 2>&1 || { tail -50 "$work/ninja.log"; return 1; }
}

# From npm, as package-lock.json says; where the registry is out of reach, Debian's own.
node_packages() {
    # npm leaves a list of what it has put there.
    [ tests/e2e/node/node_modules/.package-lock.json -ot tests/e2e/node/package-lock.json ] || return 0
    npm ci --prefix tests/e2e/node --cache "$work/npm" --no-audit --no-fund --silent \
        --fetch-retries 1 >"$work/npm.log" 2>&1 && return 0
    echo "run.sh: npm ci failed, taking Debian's node-pg instead"
    cat "$work/npm.log"
    rm -rf tests/e2e/node/node_modules
    export NODE_PATH=/usr/share/nodejs
    [ -z "$(setup_missing node-pg)" ] || setup_apt node-pg
}

step() {
    echo "== $* ($(date +%T))"
}

step install
setup_install build test || failed_step "installing packages"
step build dev
build dev || failed_step "building preset dev"

if $unit; then
    step unit tests
    ctest --test-dir build/dev -j 2 --timeout 120 --output-on-failure \
        --output-junit "$work/ctest.xml" ${pattern:+-R "$pattern"} >"$work/ctest.log" 2>&1 || true
    [ -f "$work/ctest.xml" ] || { cat "$work/ctest.log"; failed_step "running ctest"; }
    if grep -q '^100% tests passed' "$work/ctest.log"; then
        grep '^100% tests passed' "$work/ctest.log"
    else
        cat "$work/ctest.log"
    fi
fi

if [ ${#paths[@]} -gt 0 ]; then
    step build release
    build release fahrend || failed_step "building preset release"
    case " ${paths[*]} " in
    *" tests/e2e "* | *test_threads*)
        step build tsan
        build tsan fahrend || failed_step "building preset tsan"
        export FAHREND_TSAN="${FAHREND_TSAN:-$PWD/build/tsan/fahrend}"
        ;;
    esac
    step end-to-end tests
    node_packages || failed_step "installing node-postgres"
    setup_promtool "$PWD/build/tools"
    export PATH="$PATH:$PWD/build/tools"
    case " ${paths[*]} " in *isolation*) other_servers ;; esac
    # Absolute, so that the tests may run from anywhere.
    FAHREND="${FAHREND:-$PWD/build/dev/fahrend}" \
        FAHREND_RELEASE="${FAHREND_RELEASE:-$PWD/build/release/fahrend}" TMPDIR="$work" \
        timeout --kill-after=20 1500 /usr/bin/python3 -B -m pytest -c tests/pytest.ini \
        -n "$jobs" --dist loadfile --junitxml="$work/pytest.xml" ${pattern:+-k "$pattern"} "${paths[@]}" || true
    [ -f "$work/pytest.xml" ] || failed_step "running pytest"
fi

/usr/bin/python3 -B tests/lib/summary.py "$work"/*.xml
