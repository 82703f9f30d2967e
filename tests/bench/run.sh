#!/bin/bash
# SPDX-License-Identifier: MIT
#
# run.sh: measures fahrend beside PgBouncer (transaction mode, same pool size) and beside a bare
# forwarder, in alternating runs on one machine and one PostgreSQL:
#   - pgbench -S by simple, extended and prepared protocol: throughput, CPU time per transaction
#   - memory of an idle client, at 2,000 clients
#   - 100 tenants where every transaction changes tenant, beside SET LOCAL by the application
#
#   tests/bench/run.sh             under 6 minutes
#   tests/bench/run.sh --short     under 2 minutes
#   -o FILE                        the figures as JSON too
#   --sides a,b,…                  only these: direct,forwarder,pgbouncer,fahrend
#   --only WORD                    only scenarios whose name contains WORD
#   --rounds N, --seconds N        how often, and how long each time
#
# On Debian 12 or 13, as root or with sudo: installs what is missing and builds the preset release
# (or measures the program that $FAHREND names). All else happens in a temporary directory.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
# shellcheck source=tests/lib/setup.sh
. "$root/tests/lib/setup.sh"
# shellcheck source=tests/lib/pg.sh
. "$root/tests/lib/pg.sh"

for argument in "$@"; do
    case "$argument" in
    -h | --help) sed -n '4,19s/^# \{0,1\}//p' "$0"; exit 0 ;;
    esac
done

say() {
    echo "bench: $*" >&2
}

install_packages() {
    setup_install build
    if [ -n "$(setup_missing pgbouncer python3)" ]; then
        say "installing pgbouncer python3"
        # shellcheck disable=SC2046
        setup_apt $(setup_missing pgbouncer python3)
        # The package starts a PgBouncer of its own, on the port that fahrend uses by default.
        setup_as_root systemctl disable --now pgbouncer >/dev/null 2>&1 || true
    fi
}

compile() {
    # shellcheck disable=SC2046
    cc -std=c17 -D_GNU_SOURCE -O2 -g -Wall -Wextra -Wconversion -Wshadow -Wstrict-prototypes \
        -Wmissing-prototypes -Wvla -Werror "$here/$1.c" -o "$work/bin/$1" \
        $(pkg-config --cflags --libs libuv)
}

build_fahrend() {
    if [ -z "${FAHREND:-}" ]; then
        say "building the preset release"
        (cd "$root" && cmake --preset release && ninja -C build/release -j 2 fahrend) \
            >"$work/build.log" 2>&1 || { tail -n 40 "$work/build.log" >&2; return 1; }
    fi
    cp "${FAHREND:-$root/build/release/fahrend}" "$work/bin/fahrend"
}

fill() {
    "$bin/psql" -X -q -v ON_ERROR_STOP=1 -h "$work/pg" -p "$port" -U postgres -f "$here/setup.sql"
    "$bin/pgbench" -q -i -h "$work/pg" -p "$port" -U postgres bench >"$work/fill.log" 2>&1
    "$bin/psql" -X -q -h "$work/pg" -p "$port" -U postgres bench \
        -c 'GRANT SELECT ON ALL TABLES IN SCHEMA public TO app'
}

install_packages
bin=$(pg_bin)
work=$(mktemp -d "${TMPDIR:-/tmp}/fahrend-bench.XXXXXX")
measuring=
# shellcheck disable=SC2317  # the trap calls it
finish() {
    if [ -n "$measuring" ] && kill -TERM "$measuring" 2>/dev/null; then
        wait "$measuring" || true
    fi
    pg_stop "$work/pg"
    rm -rf "$work"
}
trap finish EXIT
trap 'exit 130' INT TERM
chmod 711 "$work"
mkdir "$work/bin" "$work/conf"
chmod 755 "$work/bin" "$work/conf"

compile forwarder
compile load
case " $* " in
*" --sides "*fahrend* | *" --sides="*fahrend*) build_fahrend ;;
*" --sides "* | *" --sides="*) ;;
*) build_fahrend ;;
esac
port=$(free_port)
say "starting PostgreSQL"
pg_start "$work/pg" "$port" trust max_connections=200 shared_buffers=128MB \
    synchronous_commit=off autovacuum=off
fill

# In the background, so that a signal to this script is seen at once and passed on.
/usr/bin/python3 -B "$here/bench.py" --work "$work" --postgres "$port" --programs "$bin" \
    --user "$(pg_user)" "$@" &
measuring=$!
status=0
wait "$measuring" || status=$?
measuring=
exit "$status"
