#!/bin/bash
# SPDX-License-Identifier: MIT
#
# run.sh: measures fahrend beside PgBouncer (transaction mode, same pool size) and beside a bare
# forwarder, in alternating runs on one machine and one PostgreSQL:
#   - pgbench -S by simple, extended and prepared protocol: throughput, CPU time per transaction
#   - memory of an idle client, at 8,000 clients
#   - 100 tenants where every transaction changes tenant, beside SET LOCAL by the application
#   - connect, query, disconnect, with trust, with SCRAM, and with SCRAM over TLS
#   - a large result (over TLS as well), COPY out and in, and a small query beside a large result on the same loop
#   - one and two workers, with a server that answers at once
#   - fairness: how long a tenant's query takes while another tenant has 1,000 waiters
#
#   tests/bench/run.sh             about 15 minutes
#   tests/bench/run.sh --short     about 5 minutes
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

bench_help "$0" 23 "$@"
bench_install pgbouncer python3
bench_make_work
bench_compile forwarder load stub
case " $* " in
*" --sides "*fahrend* | *" --sides="*fahrend*) bench_build_fahrend ;;
*" --sides "* | *" --sides="*) ;;
*) bench_build_fahrend ;;
esac
bench_start_postgres
bench_run bench.py --postgres "$port" "$@"
