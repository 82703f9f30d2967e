# SPDX-License-Identifier: MIT
#
# setup.sh: installs by apt what building and testing need on a bare Debian 12 or 13. To be sourced;
# then `setup_install build` or `setup_install build test`. Asks dpkg first, so that a machine that
# has everything is left alone and needs no network. Works as root or with sudo.

# What compiles; docker/Dockerfile takes it from here, too.
SETUP_COMPILE="gcc libc6-dev make cmake ninja-build pkg-config libuv1-dev libssl-dev libpq-dev \
libidn-dev libyaml-dev libmicrohttpd-dev libsystemd-dev libcurl4-openssl-dev libjansson-dev libpam0g-dev libldap-dev check uthash-dev"
SETUP_BUILD="$SETUP_COMPILE postgresql postgresql-client"
SETUP_TEST="python3 python3-pytest python3-pytest-xdist python3-psycopg python3-psycopg2 python3-yaml ca-certificates"
# Drivers that applications use, and what checks our files. What this Debian does not have is left
# out; its tests are skipped.
SETUP_DRIVERS="clang-format-14 chromium slapd libpam-wrapper docker-compose mandoc python3-prometheus-client python3-django php-cli php-pgsql ruby-activerecord ruby-pg \
python3-botocore python3-hvac python3-asyncpg python3-sqlalchemy default-jdk-headless libpostgresql-jdbc-java libhibernate3-java golang-go \
golang-github-jackc-pgx-v4-dev golang-github-lib-pq-dev"

setup_as_root() {
    if [ "$(id -u)" -eq 0 ]; then
        "$@"
    else
        sudo "$@"
    fi
}

# Prints those of the packages named that are not installed.
setup_missing() {
    local package
    for package in "$@"; do
        case "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)" in
        installed) ;;
        *) echo "$package" ;;
        esac
    done
}

setup_apt() {
    # Debian's PostgreSQL package would make and start a cluster of its own: we bring ours.
    local conf=/etc/postgresql-common/createcluster.d/fahrend-setup.conf code=0
    setup_as_root mkdir -p "${conf%/*}"
    echo 'create_main_cluster = false' | setup_as_root tee "$conf" >/dev/null
    setup_as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq \
        --no-install-recommends "$@" >/dev/null || code=$?
    setup_as_root rm -f "$conf"
    return "$code"
}

# Prints those of the packages named that this Debian has.
setup_known() {
    local package
    for package in "$@"; do
        ! apt-cache show "$package" >/dev/null 2>&1 || echo "$package"
    done
}

# promtool, into the directory given: its package starts a server where it is installed.
setup_promtool() {
    local work
    command -v promtool >/dev/null && return
    [ ! -x "$1/promtool" ] || return 0
    work=$(mktemp -d)
    mkdir -p "$1"
    (cd "$work" && apt-get download -qq prometheus >/dev/null 2>&1 && dpkg -x prometheus_*.deb . &&
        cp usr/bin/promtool "$1") || echo "setup: no promtool: its tests are skipped"
    rm -rf "$work"
}

setup_install() {
    local group wanted="" missing drivers=""
    for group in "$@"; do
        case "$group" in
        build) wanted="$wanted $SETUP_BUILD" ;;
        test)
            wanted="$wanted $SETUP_TEST"
            drivers=$SETUP_DRIVERS
            # Node comes from Debian, unless there is one from elsewhere.
            command -v node >/dev/null || wanted="$wanted nodejs"
            command -v npm >/dev/null || wanted="$wanted npm"
            ;;
        esac
    done
    # shellcheck disable=SC2086
    missing=$(setup_missing $wanted $drivers)
    [ -n "$missing" ] || return 0
    setup_as_root apt-get update -qq >/dev/null
    # shellcheck disable=SC2046,SC2086
    missing="$(setup_missing $wanted) $(setup_known $(setup_missing $drivers))"
    echo "setup: installing" $missing
    # shellcheck disable=SC2086
    setup_apt $missing
}
