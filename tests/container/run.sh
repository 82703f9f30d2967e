#!/bin/bash
# SPDX-License-Identifier: MIT
#
# run.sh: builds the image of docker/Dockerfile and runs it, without a Docker engine, and shows that
# it does what it should: it is small, an ordinary user runs it without a shell on a read-only root,
# psql reaches two tenants through it, its health check works, TERM drains. By hand, as root, on
# Debian 12 or 13; takes about two minutes, and the first time one more for the base:
#
#   tests/container/run.sh             the last line says `N passed, N failed`
#   tests/container/run.sh --keep DIR  keeps the base and the layers in DIR, for the next time
#   tests/container/run.sh --run DIR   runs the image that is kept there, without building it
#
# Installs buildah, podman, runc and debootstrap where they are missing. Everything else is in a
# temporary directory: the base, which debootstrap makes and which stands for debian:bookworm-slim;
# the images; a PostgreSQL that is thrown away.
set -euo pipefail
cd "$(dirname "$0")/../.."
# shellcheck source=tests/lib/setup.sh
. tests/lib/setup.sh
# shellcheck source=tests/lib/pg.sh
. tests/lib/pg.sh

keep=""
case "${1:-}" in
"") ;;
--keep) keep=$(realpath -m "${2:?--keep needs a directory}") ;;
--run) keep=$(realpath "${2:?--run needs a directory}") ;;
-h | --help) sed -n '4,17s/^# \{0,1\}//p' "$0"; exit 0 ;;
*) echo "usage: $0 [--keep DIR | --run DIR]" >&2; exit 2 ;;
esac
[ "$(id -u)" -eq 0 ] || { echo "$0: must be run as root: it makes a root for containers" >&2; exit 2; }

missing=$(setup_missing buildah podman runc debootstrap postgresql postgresql-client)
# shellcheck disable=SC2086
[ -z "$missing" ] || { apt-get update -qq && setup_apt $missing; }

work=$(mktemp -d "${TMPDIR:-/tmp}/fahrend-container.XXXXXX")
chmod 755 "$work"
store=${keep:-$work/store}
name=fahrend-test-$$
passed=0 failed=0 client=""
mkdir -p "$store"

# shellcheck disable=SC2317  # the trap calls it
finish() {
    set +e
    [ -z "$client" ] || kill "$client" 2>/dev/null
    podman rm -f -t 0 "$name" >/dev/null 2>&1
    pg_stop "$work/pg"
    rm -rf "$work"
}
trap finish EXIT
trap 'exit 130' INT TERM

cat >"$work/storage.conf" <<EOF
[storage]
driver = "vfs"
graphroot = "$store/graph"
runroot = "$work/run"
EOF
cat >"$work/containers.conf" <<'EOF'
[containers]
default_ulimits = ["nofile=1024:1024", "nproc=1024:1024"]
netns = "host"
[engine]
runtime = "runc"
cgroup_manager = "cgroupfs"
events_logger = "none"
EOF
export CONTAINERS_STORAGE_CONF=$work/storage.conf CONTAINERS_CONF=$work/containers.conf

check() {
    local what=$1
    shift
    if "$@" >"$work/check.log" 2>&1; then
        echo "ok    $what"
        passed=$((passed + 1))
    else
        echo "FAIL  $what"
        sed 's/^/      /' "$work/check.log"
        failed=$((failed + 1))
    fi
}

# until_true SECONDS COMMAND...
until_true() {
    local end=$(($(date +%s) + $1))
    shift
    until "$@"; do
        [ "$(date +%s)" -lt "$end" ] || return 1
        sleep 0.1
    done
}

base=docker.io/library/debian:bookworm-slim
if ! podman image exists "$base"; then
    echo "== base"
    debootstrap --variant=minbase bookworm "$work/root" >"$work/base.log" 2>&1 || { tail "$work/base.log"; exit 1; }
    # As the slim images do.
    rm -rf "$work"/root/var/cache/apt/* "$work"/root/var/lib/apt/lists/* "$work"/root/usr/share/{doc,man,locale,info}/*
    tar -C "$work/root" -c . | podman import -q - "$base" >/dev/null
    rm -rf "$work/root"
fi

echo "== image"
began=$(date +%s)
[ "${1:-}" = --run ] || buildah bud --isolation chroot --network host --format docker --layers \
    --ignorefile docker/Dockerfile.dockerignore -f docker/Dockerfile -t fahrend . >"$work/build.log" 2>&1 ||
    { tail -40 "$work/build.log"; exit 1; }
echo "built in $(($(date +%s) - began)) s"

size() {
    podman image inspect --format '{{.Size}}' "$1"
}
above=$((($(size fahrend) - $(size "$base")) / 1000000))
echo "size: $above MB above the base"
check "the image is less than 60 MB above the base" test "$above" -lt 60
check "it has a health check by fahrenctl" \
    grep -q '/usr/bin/fahrenctl ping' <(podman image inspect fahrend --format '{{.HealthCheck.Test}}')
check "its user is a number" test "$(podman image inspect fahrend --format '{{.User}}')" = 10001:10001
check "it needs no configuration to say its version" podman run --rm fahrend --version

echo "== run"
postgres_port=$(free_port) port=$(free_port) http_port=$(free_port)
pg_start "$work/pg" "$postgres_port" scram-sha-256
PGPASSWORD="" psql -X -q -v ON_ERROR_STOP=1 -h "$work/pg" -p "$postgres_port" -U postgres <<'SQL'
CREATE ROLE app LOGIN PASSWORD 'app-secret';
CREATE DATABASE app;
\connect app
CREATE TABLE notes (tenant_id text NOT NULL DEFAULT NULLIF(current_setting('app.tenant', true), ''), body text);
ALTER TABLE notes ENABLE ROW LEVEL SECURITY;
ALTER TABLE notes FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON notes USING (tenant_id = NULLIF(current_setting('app.tenant', true), ''));
GRANT SELECT, INSERT ON notes TO app;
SQL
began=$(date +%s%N)
podman run -d --name "$name" --read-only --cap-drop all --security-opt no-new-privileges \
    -e FAHREND_LISTEN__PORT="$port" -e FAHREND_LISTEN__UNIX_DIR= \
    -e FAHREND_SERVERS__MAIN__HOST=127.0.0.1 -e FAHREND_SERVERS__MAIN__PORT="$postgres_port" \
    -e FAHREND_USERS__APP__PASSWORD=app-secret -e 'FAHREND_USERS__APP__TENANTS=["*"]' \
    -e FAHREND_TENANCY__RESOLVE='[{user: "{user}.{tenant}"}]' \
    -e FAHREND_TENANTS__DEFAULTS__DATABASE=app \
    -e FAHREND_TENANTS__ACME={} -e FAHREND_TENANTS__GLOBEX={} \
    -e FAHREND_HTTP__PORT="$http_port" -e FAHREND_DRAIN_TIMEOUT=20s \
    fahrend >/dev/null 2>"$work/podman.log" || { cat "$work/podman.log"; exit 1; }

as() {
    psql -X -At "postgresql://app.$1:app-secret@127.0.0.1:$port/app" -c "$2"
}
answers() {
    podman exec "$name" /usr/bin/fahrenctl ping 2>/dev/null
}
check "it starts from environment variables alone" until_true 30 answers
answers >/dev/null 2>&1 || { podman logs "$name"; echo "$passed passed, $failed failed"; exit 1; }
echo "made, started and answered after $((($(date +%s%N) - began) / 1000000)) ms"
pid=$(podman inspect --format '{{.State.Pid}}' "$name")
check "it is process 1, without a shell" grep -qx '/usr/bin/fahrend' <(tr '\0' '\n' <"/proc/$pid/cmdline")
check "an ordinary user runs it" grep -q '^Uid:[[:space:]]10001' "/proc/$pid/status"
check "it has no capabilities" grep -qx 'CapEff:[[:space:]]0000000000000000' "/proc/$pid/status"
check "acme writes" as acme "INSERT INTO notes (body) VALUES ('of acme')"
check "globex writes" as globex "INSERT INTO notes (body) VALUES ('of globex')"
check "acme sees its row only" test "$(as acme 'SELECT body FROM notes')" = "of acme"
check "globex sees its row only" test "$(as globex 'SELECT body FROM notes')" = "of globex"
check "the health check is good" podman healthcheck run "$name"
# shellcheck disable=SC2016
check "it is ready" grep -q '^HTTP/1.1 200' <(exec 3<>"/dev/tcp/127.0.0.1/$http_port"
    printf 'GET /readyz HTTP/1.0\r\n\r\n' >&3; head -1 <&3)
echo "memory: $(awk '/VmRSS/ {print $2}' "/proc/$pid/status") kB"

echo "== TERM"
mkfifo "$work/sql"
psql -X -At "postgresql://app.acme:app-secret@127.0.0.1:$port/app" <"$work/sql" >"$work/client.log" 2>&1 &
client=$!
exec 4>"$work/sql"
echo "BEGIN; INSERT INTO notes (body) VALUES ('while it drained'); SELECT 'in transaction';" >&4
check "a client is in a transaction" until_true 10 grep -q 'in transaction' "$work/client.log"
podman kill -s TERM "$name" >/dev/null
check "new clients are refused" until_true 10 bash -c "! PGCONNECT_TIMEOUT=2 psql -X \
    'postgresql://app.acme:app-secret@127.0.0.1:$port/app' -c 'SELECT 1'"
check "the transaction is not cut off" kill -0 "$client"
echo "COMMIT;" >&4
exec 4>&-
check "its client ends well" wait "$client"
client=""
check "it ends by itself" until_true 15 test "$(podman wait "$name")" = 0
check "the transaction was committed" grep -q 'while it drained' \
    <(psql -X -At -h "$work/pg" -p "$postgres_port" -U postgres app -c "SELECT body FROM notes")

echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
