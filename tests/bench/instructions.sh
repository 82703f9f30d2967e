#!/bin/bash
# SPDX-License-Identifier: MIT
#
# instructions.sh: instructions in user space for one simple query, one prepared execution, one
# query that changes tenant, and one login, counted with callgrind; PgBouncer's beside them where it
# does the same. PostgreSQL is real.
#
#   tests/bench/instructions.sh    under 1 minute
#   --profile DIRECTORY            where fahrend's instructions go, function by function: a file for
#                                  each figure
#   -o FILE                        the figures as JSON too
#
# On Debian 12 or 13, as root or with sudo: installs what is missing and builds the preset release
# (or measures the program that $FAHREND names). All else happens in a temporary directory.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
name=instructions
# shellcheck source=tests/bench/lib.sh
. "$here/lib.sh"

bench_help "$0" 14 "$@"
bench_install valgrind pgbouncer python3
bench_make_work
bench_compile drive
bench_build_fahrend
bench_start_postgres
bench_run instructions.py --postgres "$port" "$@"
