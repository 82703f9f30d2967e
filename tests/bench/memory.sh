#!/bin/bash
# SPDX-License-Identifier: MIT
#
# memory.sh: what an idle client (plain, and with TLS) and a registered tenant cost: the growth of
# the process's resident memory, so with all that the allocator wastes. The clients are logged in
# and have run a transaction; the server is a stub.
#
#   tests/bench/memory.sh          under 1 minute
#   --clients N, --tenants N       how many; 5,000 and 100,000
#   -o FILE                        the figures as JSON too
#
# On Debian 12 or 13, as root or with sudo: installs what is missing and builds the preset release
# (or measures the program that $FAHREND names). All else happens in a temporary directory.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
name=memory
# shellcheck source=tests/bench/lib.sh
. "$here/lib.sh"

bench_help "$0" 14 "$@"
bench_install python3 openssl
bench_make_work
bench_compile stub
bench_build_fahrend
openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost -keyout "$work/conf/key" \
    -out "$work/conf/crt" 2>/dev/null
chmod 644 "$work/conf/crt"
chown "$(pg_user)" "$work/conf/key" "$work/conf/crt"
bench_run memory.py "$@"
