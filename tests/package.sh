#!/bin/bash
# SPDX-License-Identifier: MIT
#
# package.sh: the long test of the service, by hand, as root, in about three minutes. Builds the
# Debian package, makes a tree of Debian 12 with PostgreSQL by debootstrap, and there
#
#   installs the package: files, user, nothing enabled, nothing started; lintian's opinion
#   upgrades it: a configuration that was changed stays, and so do its owner and mode
#   boots the tree (systemd-nspawn --boot): Type=notify, LoadCredential, reload, the watchdog, a
#     drain, a takeover with 100 clients at work, 100 that come to fahrend.socket while nobody is
#     there, and 100 that come and go while `systemctl restart` runs three times, and no error
#   removes and purges it: what is left is nothing
#
#   tests/package.sh [--tree DIR]      a tree that was made before; it is copied
#
# Needs debootstrap and systemd-container (apt). Ends with "package: N checks, 0 failed".
set -euo pipefail
cd "$(dirname "$0")/.."

tree=""
[ "${1:-}" != --tree ] || tree=$2
work=$(mktemp -d /var/tmp/fahrend-package.XXXXXX)
root=$work/root
nspawn=""
checks=0
failed=0

clean() {
    [ -z "$nspawn" ] || { echo "--- journal"; booted journalctl -u 'fahrend*' -o cat -n 40 || true; }
    [ -z "$nspawn" ] || { kill -TERM "$nspawn" 2>/dev/null || true; wait "$nspawn" 2>/dev/null || true; }
    umount "$root/proc" 2>/dev/null || true
    rm -rf "$work"
}
trap clean EXIT

# check TEXT COMMAND...: the command must succeed, and every step of it.
check() {
    local text=$1 out status
    shift
    checks=$((checks + 1))
    set +e
    out=$(set -e; "$@" 2>&1) # not in a condition: there -e would count for nothing
    status=$?
    set -e
    if [ $status = 0 ]; then
        echo "ok   $text"
    else
        failed=$((failed + 1))
        echo "FAIL $text"
        printf '%s\n' "$out" | tail -20 | sed 's/^/     /'
    fi
}
not() { ! "$@"; }
inside() { chroot "$root" /usr/bin/env DEBIAN_FRONTEND=noninteractive PATH=/usr/sbin:/usr/bin:/sbin:/bin "$@"; }

# booted COMMAND...: in the tree that runs.
booted() { nsenter -t "$init" -m -u -i -n -p -r -w /usr/bin/env PATH=/usr/sbin:/usr/bin:/sbin:/bin "$@"; }
# soon SECONDS COMMAND...: it succeeds within that time.
soon() {
    local until=$((SECONDS + $1))
    shift
    until "$@"; do
        [ $SECONDS -lt $until ] || return 1
        read -rt 0.1 <> <(:) || true
    done
}

# ---- the package ----

build() {
    cmake --preset release > /dev/null
    ninja -C build/release fahrend fahrenctl man > /dev/null
    (cd build/release && cpack -G DEB > /dev/null)
    cp build/release/fahrend_*.deb "$work/fahrend.deb"
}

make_tree() {
    if [ -n "$tree" ]; then
        cp -a "$tree" "$root"
    else
        debootstrap --variant=minbase --include=systemd,systemd-sysv,dbus,postgresql bookworm "$root" > "$work/debootstrap.log"
    fi
    mount -t proc proc "$root/proc"
    cp "$work/fahrend.deb" "$root/fahrend.deb"
    inside apt-get install -y -q --no-install-recommends libcurl4 libidn12 libjansson4 libmicrohttpd12 libpq5 \
        libuv1 libyaml-0-2 > "$work/apt.log" 2>&1
}

# As the tree's own names have it.
owner_inside() { [ "$(inside stat -c '%U:%G %a' "$1")" = "$2" ]; }

install_and_upgrade() {
    check "it installs" inside dpkg -i /fahrend.deb
    check "its program runs" inside fahrend --version
    check "its configuration is well formed" inside fahrend --check
    check "it makes its user" inside getent passwd fahrend
    check "its configuration is root's and readable by the daemon" owner_inside /etc/fahrend/fahrend.yaml "root:fahrend 640"
    check "its folder is closed" owner_inside /etc/fahrend "root:fahrend 750"
    check "nothing is enabled" none_enabled
    check "the manual is there" test -s "$root/usr/share/man/man8/fahrend.8.gz"

    echo "# by the administrator" >> "$root/etc/fahrend/fahrend.yaml"
    chmod 600 "$root/etc/fahrend/fahrend.yaml"
    newer_package
    check "it upgrades without a question" inside dpkg --force-confdef --force-confold -i /newer.deb
    check "a changed configuration stays" grep -q "by the administrator" "$root/etc/fahrend/fahrend.yaml"
    check "and so does its mode" owner_inside /etc/fahrend/fahrend.yaml "root:fahrend 600"
    chmod 640 "$root/etc/fahrend/fahrend.yaml"
    command -v lintian > /dev/null &&
        check "lintian knows no error but the address" lintian_is_content
}

none_enabled() { [ -z "$(find "$root/etc/systemd" -name 'fahrend*')" ]; }

lintian_is_content() {
    ! lintian "$work/fahrend.deb" 2>/dev/null | grep '^E:' | grep -v bogus-mail-host
}

# The same with another version and another default configuration.
newer_package() {
    dpkg-deb -R "$work/fahrend.deb" "$work/newer"
    sed -i 's/^Version: .*/Version: 9.0.0/' "$work/newer/DEBIAN/control"
    echo "# of the newer version" >> "$work/newer/etc/fahrend/fahrend.yaml"
    dpkg-deb -b "$work/newer" "$root/newer.deb" > /dev/null
}

remove() {
    check "it is removed" inside dpkg -r fahrend
    check "its configuration is kept" test -f "$root/etc/fahrend/fahrend.yaml"
    check "its program is not" not test -e "$root/usr/bin/fahrend"
    check "it is purged" inside dpkg -P fahrend
    check "nothing of it is left" nothing_left
}

nothing_left() {
    ! find "$root/etc" "$root/usr" "$root/var/lib" -path "$root/var/lib/dpkg" -prune -o -name '*fahrend*' -print | grep .
}

# ---- the service ----

write_configuration() {
    cat > "$root/etc/fahrend/fahrend.yaml" <<'YAML'
listen: {address: [127.0.0.1], port: 6432, unix_dir: /run/fahrend}
drain_timeout: 30s
servers: {main: {host: /run/postgresql}}
auth: {method: password}
users:
  app: {password: {file: $CREDENTIALS_DIRECTORY/app}, tenants: ["*"]}
  admin: {password: console, tenants: []}
tenancy: {resolve: [{parameter: app.tenant}]}
tenants:
  defaults: {server: main, database: app, strategy: rls, login: {user: app}}
  acme: {}
admin: {database: fahrend, users: [admin]}
http: {address: 127.0.0.1, port: 9632}
YAML
    echo -n app-secret > "$root/etc/fahrend/app.password"
    chmod 600 "$root/etc/fahrend/app.password"
    local unit
    for unit in fahrend fahrend@; do # the other instance needs the credential too
        mkdir -p "$root/etc/systemd/system/$unit.service.d"
        printf '[Service]\nLoadCredential=app:/etc/fahrend/app.password\nWatchdogSec=3\n' \
            > "$root/etc/systemd/system/$unit.service.d/test.conf"
    done
    sed -i 's/^local .*all .*all .*peer/local all all trust/' "$root"/etc/postgresql/*/main/pg_hba.conf
    sed -i 's/^local  *all  *postgres  *peer/local all postgres trust/' "$root"/etc/postgresql/*/main/pg_hba.conf
    sed -i 's/^max_connections.*/max_connections = 150/' "$root"/etc/postgresql/*/main/postgresql.conf
    printf 'BEGIN;\nSELECT 1;\nSELECT pg_sleep(0.002);\nCOMMIT;\n' > "$root/work.sql"
}

boot() {
    umount "$root/proc"
    # A network of its own: what else runs here may have the ports.
    systemd-nspawn -q -D "$root" --private-network --boot --register=no --keep-unit > "$work/console" 2>&1 &
    nspawn=$!
    soon 20 find_init || { cat "$work/console"; exit 1; }
    check "the tree boots" soon 30 booted systemctl is-system-running --wait -q
    check "PostgreSQL answers" soon 30 booted pg_isready -q
    booted psql -qU postgres -c "CREATE ROLE app LOGIN" -c "CREATE DATABASE app"
}

find_init() {
    local child
    child=$(cat "/proc/$nspawn/task/$nspawn/children" 2>/dev/null) && [ -n "$child" ] || return 1
    init=${child%% *}
    [ "$(cat "/proc/$init/comm")" = systemd ] && [ -d "/proc/$init/root/run/systemd/system" ]
}

show() { booted systemctl show -P "$1" fahrend.service; }
is() { [ "$(show "$1")" = "$2" ]; }
ask() { booted env PGPASSWORD=app-secret PGOPTIONS='-c app.tenant=acme' psql -tAqh 127.0.0.1 -p 6432 -U app app -c "$1"; }
logged() { booted journalctl -u fahrend -o cat | grep -q "$1"; }
load() { # SECONDS OPTIONS...: 100 clients
    booted env PGPASSWORD=app-secret PGOPTIONS='-c app.tenant=acme' pgbench -n -f /work.sql -c 100 -j 2 -T "$1" \
        -h 127.0.0.1 -p 6432 -U app "${@:2}" app > "$work/load" 2>&1
}
no_error() { # PID [TEXT]: that some are told behind their last answer, which fails nothing
    wait "$1" && grep -q "number of failed transactions: 0 " "$work/load" &&
        ! grep -i "fatal\|aborted" "$work/load" | grep -qv "${2:-^$}" || { tail -5 "$work/load"; return 1; }
}

serve() {
    check "it starts" booted systemctl start fahrend.service
    check "systemd knows what it does" is StatusText serving
    check "a client reaches its tenant with a credential's password" test "$(ask "SHOW app.tenant")" = acme
    check "it has no privilege" grep -q '^CapEff:.*0000000000000000' "/proc/$init/root/proc/$(show MainPID)/status"
    check "it reloads and says what changed" good_reload
    check "a broken file changes nothing" broken_reload
    check "the watchdog restarts one that stands still" watchdog
}

good_reload() {
    sed -i 's/^drain_timeout: .*/drain_timeout: 31s/' "$root/etc/fahrend/fahrend.yaml"
    booted systemctl reload fahrend.service
    soon 5 logged "reload: changed drain_timeout"
}

broken_reload() {
    echo "nonsense: 1" >> "$root/etc/fahrend/fahrend.yaml"
    booted systemctl reload fahrend.service || true
    soon 5 logged "reload refused" || return 1
    sed -i '/^nonsense/d' "$root/etc/fahrend/fahrend.yaml"
    [ "$(ask "SELECT 1")" = 1 ]
}

watchdog() {
    local before
    before=$(show MainPID)
    booted sh -c "kill -STOP $before"
    soon 20 changed_pid "$before" && soon 10 ask "SELECT 1" > /dev/null
}
changed_pid() { local now; now=$(show MainPID); [ "$now" != 0 ] && [ "$now" != "$1" ]; }

drain() {
    ask "BEGIN; SELECT pg_sleep(2); COMMIT" > /dev/null & local client=$!
    soon 5 sleeping
    booted systemctl stop fahrend.service
    wait "$client"
}
sleeping() { booted psql -tAqU postgres -c "SELECT 1 FROM pg_stat_activity WHERE query LIKE '%pg_sleep(2)%' AND pid <> pg_backend_pid()" | grep -q 1; }

# Clients that come while nobody is there wait for the service that they wake.
come_to_sockets() {
    local pgbench before
    before=$(show MainPID)
    booted systemctl stop fahrend.service
    load 3 -j 100 & pgbench=$!
    no_error "$pgbench"
    changed_pid "$before"
}

# Clients that come and go, through restarts: none is refused. A thread each: one that waits for the
# next process must not have a transaction open at the last.
restart() {
    local pgbench
    load 8 -j 100 -C & pgbench=$!
    soon 5 busy
    for _ in 1 2 3; do
        booted systemctl restart fahrend.service
        [ "$(ask "SELECT 1")" = 1 ]
    done
    no_error "$pgbench" "server shutting down"
}

# Clients that stay, and clients that come, through another instance that takes over.
take_over() { # FROM TO
    local pgbench
    load 8 & pgbench=$!
    soon 5 busy
    booted systemctl start "$2"
    [ "$(ask "SELECT 1")" = 1 ]
    no_error "$pgbench"
    soon 10 has_ended "$1"
    [ "$(ask "SELECT 1")" = 1 ]
}
has_ended() { [ "$(booted systemctl show -P ActiveState -P Result "$1" | sort | xargs)" = "inactive success" ]; }
busy() { [ "$(booted psql -tAqU postgres -c "SELECT count(*) FROM pg_stat_activity WHERE usename = 'app'")" -gt 3 ]; }

run_service() {
    write_configuration
    boot
    serve
    check "a drain lets a transaction end" drain
    booted systemctl start fahrend.service
    check "100 clients and another instance that takes over: no error" take_over fahrend.service fahrend@next.service
    check "and back again" take_over fahrend@next.service fahrend.service
    booted systemctl stop fahrend.service
    booted systemctl start fahrend.socket fahrend.service
    check "100 clients come to fahrend.socket while the service is down: no error" come_to_sockets
    check "100 clients come and go while the service is restarted three times: no error" restart
    [ "$failed" = 0 ] || { echo "--- journal"; booted journalctl -u 'fahrend*' -o short-precise || true; }
    booted systemctl stop fahrend.socket fahrend.service
    booted systemctl poweroff || true
    wait "$nspawn" 2>/dev/null || true
    nspawn=""
    rm -rf "$root"/etc/systemd/system/fahrend{,@}.service.d "$root/etc/fahrend/app.password"
    mount -t proc proc "$root/proc"
}

build
make_tree
install_and_upgrade
run_service
remove
echo "package: $checks checks, $failed failed"
[ "$failed" = 0 ]
