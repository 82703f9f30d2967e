#!/bin/bash
# SPDX-License-Identifier: MIT
#
# uring.sh: what io_uring would bring: the CPU of a bare forwarder for a transaction, on epoll and
# on io_uring (forwarder.c, forwarder_uring.c), and fahrend's beside it, with 8 and 32 clients of
# pgbench's SELECT before a real PostgreSQL; medians of alternating rounds and their spread.
#
#   tests/bench/uring.sh           under 2 minutes
#   --rounds N, --seconds N        how often, and how long each time
#   -o FILE                        the figures as JSON too
#
# On Debian 12 or 13, as root or with sudo: installs what is missing and builds the preset release
# (or measures the program that $FAHREND names). All else happens in a temporary directory.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
name=uring
# shellcheck source=tests/bench/lib.sh
. "$here/lib.sh"

bench_help "$0" 14 "$@"
bench_install python3 liburing-dev
bench_make_work
bench_compile forwarder forwarder_uring
bench_build_fahrend
bench_start_postgres
bench_run uring.py --postgres "$port" "$@"
