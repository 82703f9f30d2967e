# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2154
#
# lib: what the scripts of this directory share. To be sourced with $here, $root and $name set; sets
# $work, a temporary directory that is removed in the end, and $port of a PostgreSQL if one is
# started there. The caller then runs one Python program with bench_run.

# shellcheck source=tests/lib/setup.sh
. "$root/tests/lib/setup.sh"
# shellcheck source=tests/lib/pg.sh
. "$root/tests/lib/pg.sh"

say() {
    echo "$name: $*" >&2
}

# bench_help SCRIPT LAST ARGUMENT...: shows lines 4 to LAST of the script where that is asked for.
bench_help() {
    local script=$1 last=$2 argument
    shift 2
    for argument in "$@"; do
        case "$argument" in
        -h | --help) sed -n "4,${last}s/^# \{0,1\}//p" "$script"; exit 0 ;;
        esac
    done
}

# bench_install PACKAGE...: what building needs, and these.
bench_install() {
    local missing
    setup_install build
    missing=$(setup_missing "$@")
    if [ -n "$missing" ]; then
        # shellcheck disable=SC2086
        say "installing" $missing
        # shellcheck disable=SC2086
        setup_apt $missing
        # The package starts a PgBouncer of its own, on the port that fahrend uses by default.
        setup_as_root systemctl disable --now pgbouncer >/dev/null 2>&1 || true
    fi
}

# shellcheck disable=SC2317  # the trap calls it
bench_finish() {
    if [ -n "$measuring" ] && kill -TERM "$measuring" 2>/dev/null; then
        wait "$measuring" || true
    fi
    pg_stop "$work/pg"
    rm -rf "$work"
}

bench_make_work() {
    work=$(mktemp -d "${TMPDIR:-/tmp}/fahrend-bench.XXXXXX")
    measuring=
    trap bench_finish EXIT
    trap 'exit 130' INT TERM
    chmod 711 "$work"
    mkdir "$work/bin" "$work/conf"
    chmod 755 "$work/bin" "$work/conf"
}

bench_compile() {
    local program
    for program in "$@"; do
        # shellcheck disable=SC2046
        cc -std=c17 -D_GNU_SOURCE -O2 -g -Wall -Wextra -Wconversion -Wshadow -Wstrict-prototypes \
            -Wmissing-prototypes -Wvla -Werror "$here/$program.c" -o "$work/bin/$program" \
            $([ "$program" != forwarder_uring ] || pkg-config --cflags --libs liburing)
    done
}

bench_build_fahrend() {
    if [ -z "${FAHREND:-}" ]; then
        say "building the preset release"
        (cd "$root" && cmake --preset release && ninja -C build/release -j 2 fahrend) \
            >"$work/build.log" 2>&1 || { tail -n 40 "$work/build.log" >&2; return 1; }
    fi
    cp "${FAHREND:-$root/build/release/fahrend}" "$work/bin/fahrend"
}

# A PostgreSQL with the databases and the tenants' table of setup.sql, and pgbench's.
bench_start_postgres() {
    local bin
    bin=$(pg_bin)
    port=$(free_port)
    say "starting PostgreSQL"
    pg_start "$work/pg" "$port" trust max_connections=200 shared_buffers=128MB \
        synchronous_commit=off autovacuum=off
    "$bin/psql" -X -q -v ON_ERROR_STOP=1 -h "$work/pg" -p "$port" -U postgres -f "$here/setup.sql"
    "$bin/pgbench" -q -i -h "$work/pg" -p "$port" -U postgres bench >"$work/fill.log" 2>&1
    "$bin/psql" -X -q -h "$work/pg" -p "$port" -U postgres bench \
        -c 'GRANT SELECT ON ALL TABLES IN SCHEMA public TO app'
}

# bench_run PROGRAM ARGUMENT...: in the background, so that a signal to the script is seen at once
# and passed on.
bench_run() {
    local program=$1 status=0
    shift
    /usr/bin/python3 -B "$here/$program" --work "$work" --programs "$(pg_bin)" --user "$(pg_user)" \
        "$@" &
    measuring=$!
    wait "$measuring" || status=$?
    measuring=
    exit "$status"
}
