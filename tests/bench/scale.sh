#!/bin/bash
# SPDX-License-Identifier: MIT
#
# scale.sh: what a login and a query cost fahrend with 100,000 registered tenants and 2,000 pools,
# beside one tenant and one pool: instructions in user space, counted with callgrind. The server is
# a stub that answers at once, so that 2,000 server connections cost nothing.
#
#   tests/bench/scale.sh           about 3 minutes
#   --tenants N, --pools N         other sizes
#   --profile DIRECTORY            where the instructions go, function by function: a file for each
#                                  figure and number of tenants
#   -o FILE                        the figures as JSON too
#
# On Debian 12 or 13, as root or with sudo: installs what is missing and builds the preset release
# (or measures the program that $FAHREND names). All else happens in a temporary directory.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
name=scale
# shellcheck source=tests/bench/lib.sh
. "$here/lib.sh"

bench_help "$0" 15 "$@"
bench_install valgrind python3
bench_make_work
bench_compile drive stub
bench_build_fahrend
bench_run scale.py "$@"
