#!/bin/bash
# SPDX-License-Identifier: MIT
#
# run.sh: measures fahrend beside PgBouncer (transaction mode, same pool size), beside a bare
# forwarder (on epoll, and on io_uring where liburing is installed) and beside PostgreSQL itself, in
# alternating runs on one machine and one PostgreSQL, and prints one table: each figure's median and
# spread, its ratio to PgBouncer's, and what was aimed at. The scenarios:
#   simple, extended, prepared   one indexed SELECT by each protocol: throughput, CPU time
#   tenants, sealed              100 tenants take turns, beside SET LOCAL by the application
#   logins, scram, tls           connect, query, disconnect
#   bulk                         a large result, COPY, and a small query beside a large result
#   fairness                     a tenant's query while another tenant has 1,000 waiters
#   crowd                        10,000 idle clients: memory of each, and 50 busy ones beside them
#   pools, registered            1 to 1,000 pools in use; 1 to 100,000 tenants, one in use
#   workers                      one and two, with a server that answers at once
#   isolation                    no policy, row security, sealed, a role each: the server's CPU time
#   instructions                 in user space, by callgrind; the long form only
#
#   tests/bench/run.sh             about 15 minutes
#   tests/bench/run.sh --short     under 2 minutes
#   -o FILE, --svg FILE            the figures as JSON too, and as a picture
#   --sides a,b,…                  only these: direct,forwarder,pgbouncer,fahrend
#   --only WORD                    only scenarios whose name contains WORD
#   --rounds N, --seconds N        how often, and how long each time
#
# On Debian 12 or 13, as root or with sudo: installs what is missing and builds the preset release
# (or measures the program that $FAHREND names). All else happens in a temporary directory.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
name=bench
# shellcheck source=tests/bench/lib.sh
. "$here/lib.sh"

bench_help "$0" 28 "$@"
bench_install pgbouncer python3 python3-psycopg valgrind
bench_make_work
bench_compile forwarder load stub drive
if pkg-config --exists liburing; then
    bench_compile forwarder_uring
fi
case " $* " in
*" --sides "*fahrend* | *" --sides="*fahrend*) bench_build_fahrend ;;
*" --sides "* | *" --sides="*) ;;
*) bench_build_fahrend ;;
esac
bench_start_postgres
bench_run bench.py --postgres "$port" "$@"
