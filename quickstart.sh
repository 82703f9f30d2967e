#!/bin/bash
# SPDX-License-Identifier: MIT
#
# quickstart.sh: builds fahrend, starts a throwaway PostgreSQL with fahrend in front of it, makes
# three tenants, one per strategy, and shows with psql that each sees only its own rows.
#
#   ./quickstart.sh          shows it, prints connection strings, and stays up until Ctrl-C
#   ./quickstart.sh --once   ends after the showing; exit 0 if every check held
#
# On Debian 12 or 13, as root or with sudo: installs what is missing. Leaves nothing behind but
# build/ in this folder; everything else is in a temporary directory that is removed at the end.
set -euo pipefail
cd "$(dirname "$0")"
# shellcheck source=tests/lib/setup.sh
. tests/lib/setup.sh
# shellcheck source=tests/lib/pg.sh
. tests/lib/pg.sh

once=false
case "${1:-}" in
"") ;;
--once) once=true ;;
-h | --help) sed -n '4,11s/^# \{0,1\}//p' "$0"; exit 0 ;;
*) echo "usage: $0 [--once]" >&2; exit 2 ;;
esac

bold="" plain=""
if [ -t 1 ]; then
    bold=$'\e[1m' plain=$'\e[0m'
fi
checks=0 failures=0 fahrend_pid="" work=""

# shellcheck disable=SC2317  # the trap calls it
finish() {
    set +e
    if [ -n "$fahrend_pid" ] && kill -QUIT "$fahrend_pid" 2>/dev/null; then
        for _ in {1..50}; do
            kill -0 "$fahrend_pid" 2>/dev/null || break
            sleep 0.1
        done
        kill -KILL "$fahrend_pid" 2>/dev/null
        wait "$fahrend_pid" 2>/dev/null
    fi
    if [ -n "$work" ]; then
        pg_stop "$work/pg"
        rm -rf "$work"
    fi
}

title() {
    printf '\n%s%s%s\n' "$bold" "$1" "$plain"
}

random_password() {
    od -An -N 12 -t x1 /dev/urandom | tr -d ' \n'
}

build() {
    echo "building fahrend in build/release"
    { cmake --preset release && ninja -C build/release -j 2 fahrend; } >"$work/build.log" 2>&1 || {
        tail -n 40 "$work/build.log" >&2
        return 1
    }
}

# What an administrator does once, by hand here: roles, tables, policies.
make_tenants() {
    PGOPTIONS="-c client_min_messages=warning" "$bin/psql" -X -q -v ON_ERROR_STOP=1 \
        -h "$work/pg" -p "$postgres_port" -U postgres -v app_password="$APP_PASSWORD" \
        -v initech_password="$INITECH_PASSWORD" -v acme_password="$ACME_PASSWORD" <<'SQL'
REVOKE CONNECT ON DATABASE postgres FROM PUBLIC;
CREATE ROLE app LOGIN PASSWORD :'app_password';
CREATE ROLE acme_owner LOGIN PASSWORD :'acme_password';
CREATE ROLE initech LOGIN PASSWORD :'initech_password';
CREATE DATABASE app;
CREATE DATABASE tenant_initech;
REVOKE CONNECT, TEMPORARY ON DATABASE app, tenant_initech FROM PUBLIC;
GRANT CONNECT ON DATABASE app TO app, acme_owner;
GRANT CONNECT ON DATABASE tenant_initech TO initech;

-- acme: rows of a table that all tenants share.
\connect app
CREATE TABLE notes (
    tenant_id text NOT NULL DEFAULT NULLIF(current_setting('app.tenant', true), ''),
    id bigint GENERATED ALWAYS AS IDENTITY,
    body text NOT NULL,
    PRIMARY KEY (tenant_id, id)
);
ALTER TABLE notes ENABLE ROW LEVEL SECURITY;
ALTER TABLE notes FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON notes
    USING (tenant_id = NULLIF(current_setting('app.tenant', true), ''))
    WITH CHECK (tenant_id = NULLIF(current_setting('app.tenant', true), ''));
GRANT SELECT, INSERT, UPDATE, DELETE ON notes TO app, acme_owner;
INSERT INTO notes (tenant_id, body) VALUES ('hooli', 'a secret of another tenant');

-- globex: a schema of its own in the same database.
CREATE SCHEMA tenant_globex;
CREATE TABLE tenant_globex.notes (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    body text NOT NULL
);
GRANT USAGE ON SCHEMA tenant_globex TO app;
GRANT SELECT, INSERT, UPDATE, DELETE ON tenant_globex.notes TO app;

-- initech: a database and a role of its own.
\connect tenant_initech
CREATE TABLE notes (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    body text NOT NULL
);
GRANT SELECT, INSERT, UPDATE, DELETE ON notes TO initech;
SQL
}

write_configuration() {
    cat >"$work/fahrend.yaml" <<YAML
listen: {address: ["127.0.0.1"], port: $port, unix_dir: ""}
workers: 1
servers:
  main: {host: 127.0.0.1, port: $postgres_port}
users:
  app: {password: {env: APP_PASSWORD}, tenants: ["*"]}
  acme_owner: {password: {env: ACME_PASSWORD}, tenants: [acme]}
  admin: {password: {env: ADMIN_PASSWORD}, tenants: []}
tenancy:
  resolve:
    - parameter: app.tenant
    - user: "{user}.{tenant}"
    - database: "{database}@{tenant}"
tenants:
  defaults:
    server: main
    database: app
    pool: {mode: transaction, size: 5}
  acme: {strategy: rls}
  globex: {strategy: schema}
  initech:
    strategy: database
    login: {user: initech, password: {env: INITECH_PASSWORD}}
admin: {users: [admin]}
http: {port: 0}
YAML
}

start_fahrend() {
    write_configuration
    build/release/fahrend -c "$work/fahrend.yaml" 2>"$work/fahrend.log" &
    fahrend_pid=$!
    for _ in {1..200}; do
        port_is_free "$port" || return 0
        kill -0 "$fahrend_pid" 2>/dev/null || break
        sleep 0.05
    done
    echo "fahrend did not start:" >&2
    tail -n 20 "$work/fahrend.log" >&2
    return 1
}

# as TENANT SQL: what psql prints, errors too. Each tenant is named in another way.
as() {
    local connection
    case "$1" in
    acme) connection=$acme ;;
    globex) connection=$globex ;;
    initech) connection=$initech ;;
    *) connection=$1 ;;
    esac
    PGCONNECT_TIMEOUT=20 "$bin/psql" -X -q -A -t -F ' | ' -v VERBOSITY=verbose -d "$connection" \
        -c "$2" 2>&1 | sed -e '/^LOCATION: /d' -e 's/^psql: error: connection .* failed: //' || true
}

shown() {
    # shellcheck disable=SC2001
    sed 's/^/             /' <<<"$1"
}

# verdict HELD WHAT
verdict() {
    checks=$((checks + 1))
    if "$1"; then
        printf '  ok         %s\n' "$2"
    else
        failures=$((failures + 1))
        printf '  FAIL       %s\n' "$2"
    fi
}

# expect WHAT WANTED GOT: the very text. expect_refusal WHAT PART GOT: an error that contains it.
expect() {
    local held=false
    [ "$3" != "$2" ] || held=true
    verdict $held "$1"
    $held || shown "wanted: $2"
}

expect_refusal() {
    local held=false
    shown "$3"
    [[ $3 =~ (ERROR|FATAL):.*$2 ]] && held=true
    verdict $held "$1"
}

tell() {
    printf '  %-8s > %s\n' "$1" "$2"
}

show_own_rows() {
    local tenant got
    title "each tenant writes a note and reads all notes that it can see"
    for tenant in acme globex initech; do
        tell "$tenant" "INSERT INTO notes (body) VALUES ('written by $tenant')"
        got=$(as "$tenant" "INSERT INTO notes (body) VALUES ('written by $tenant')")
        [ -z "$got" ] || shown "$got"
    done
    for tenant in acme globex initech; do
        tell "$tenant" "SELECT body FROM notes"
        got=$(as "$tenant" "SELECT body FROM notes")
        shown "$got"
        expect "$tenant sees its own rows and no others" "written by $tenant" "$got"
    done
}

show_storage() {
    local got
    title "what the server holds, seen by its superuser"
    tell postgres "SELECT tenant_id, body FROM notes ORDER BY id"
    got=$("$bin/psql" -X -A -t -F ' | ' -h "$work/pg" -p "$postgres_port" -U postgres app \
        -c "SELECT tenant_id, body FROM notes ORDER BY id")
    shown "$got"
    expect "the shared table held another tenant's row all the time" \
        "$(printf 'hooli | a secret of another tenant\nacme | written by acme')" "$got"
}

show_sharing() {
    local first second
    title "acme and globex share server connections, in different contexts"
    tell "acme" "SELECT pg_backend_pid()"
    first=$(as acme "SELECT pg_backend_pid()")
    tell "globex" "SELECT pg_backend_pid()"
    second=$(as globex "SELECT pg_backend_pid()")
    shown "$first, then $second"
    expect "one server connection served both" "$first" "$second"
}

show_mistakes() {
    local sql
    title "mistakes"
    sql="SELECT count(*) FROM notes WHERE tenant_id = 'hooli'"
    tell acme "$sql"
    expect "asking for another tenant's rows finds none" 0 "$(as acme "$sql")"
    sql="INSERT INTO notes (tenant_id, body) VALUES ('hooli', 'not mine')"
    tell acme "$sql"
    expect_refusal "writing into another tenant's rows is refused" 42501 "$(as acme "$sql")"
    tell globex "connects with search_path=public"
    expect_refusal "the setting that makes the tenant is reserved" "is reserved" \
        "$(as "$globex options='-c search_path=public'" "SELECT 1")"
    tell initech "connects to app@initech with app.tenant=acme"
    expect_refusal "a connection that names two tenants gets neither" "names tenant" \
        "$(as "$initech options='-c app.tenant=acme'" "SELECT 1")"
    tell globex "connects as acme_owner, who may enter acme only"
    expect_refusal "a user enters only tenants of its own" "may not enter" \
        "$(as "$here dbname=app@globex user=acme_owner password=$ACME_PASSWORD" "SELECT 1")"
    tell umbrella "connects"
    expect_refusal "a tenant that does not exist is refused" 'tenant "umbrella" does not exist' \
        "$(as "$here dbname=app@umbrella user=app password=$APP_PASSWORD" "SELECT 1")"
}

print_connections() {
    title "try it yourself, each in another terminal"
    cat <<EOF2
  psql 'postgresql://app:$APP_PASSWORD@127.0.0.1:$port/app?options=-c%20app.tenant%3Dacme'
  psql 'postgresql://app.globex:$APP_PASSWORD@127.0.0.1:$port/app'
  psql 'postgresql://app:$APP_PASSWORD@127.0.0.1:$port/app%40initech'
  psql 'postgresql://admin:$ADMIN_PASSWORD@127.0.0.1:$port/fahrend' -c 'SHOW TENANTS'
EOF2
}

trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP
work=$(mktemp -d "${TMPDIR:-/tmp}/fahrend-quickstart.XXXXXX")
chmod 711 "$work"
setup_install build
build
bin=$(pg_bin)
postgres_port=$(free_port)
port=6432
port_is_free $port || port=$(free_port)
APP_PASSWORD=$(random_password)
ACME_PASSWORD=$(random_password)
INITECH_PASSWORD=$(random_password)
ADMIN_PASSWORD=$(random_password)
export APP_PASSWORD ACME_PASSWORD INITECH_PASSWORD ADMIN_PASSWORD
here="host=127.0.0.1 port=$port"
acme="$here dbname=app user=app password=$APP_PASSWORD options='-c app.tenant=acme'"
globex="$here dbname=app user=app.globex password=$APP_PASSWORD"
initech="$here dbname=app@initech user=app password=$APP_PASSWORD"

echo "starting PostgreSQL on port $postgres_port and fahrend on port $port"
pg_start "$work/pg" "$postgres_port" scram-sha-256
make_tenants
start_fahrend
cat <<'EOF2'

three tenants behind one port:
  acme       rows of a shared table, by row level security;  named by -c app.tenant=acme
  globex     a schema of its own, by search_path;            named by the user app.globex
  initech    a database and a role of its own;               named by the database app@initech
EOF2
show_own_rows
show_storage
show_sharing
show_mistakes
title "$((checks - failures)) of $checks checks held"
if $once; then
    [ "$failures" -eq 0 ]
    exit
fi
print_connections
echo
echo "fahrend is up on port $port; Ctrl-C ends it and removes everything"
trap 'exit 0' INT
wait "$fahrend_pid" || true
echo "fahrend ended by itself:" >&2
tail -n 20 "$work/fahrend.log" >&2
exit 1
