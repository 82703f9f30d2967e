# SPDX-License-Identifier: MIT
# shellcheck shell=bash
#
# pg: a throwaway PostgreSQL in a directory of the caller's, on a loopback port. To be sourced. The
# programs refuse to run as root: root runs them as the user postgres (or nobody), all others as
# themselves. The caller stops what it started (pg_stop) and removes the directory.

# pg_bin: where the newest installed PostgreSQL server has its programs; fails where there is none.
pg_bin() {
    local dirs
    mapfile -t dirs < <(printf '%s\n' /usr/lib/postgresql/*/bin | sort -t / -k 5 -n)
    if [ ! -x "${dirs[-1]}/initdb" ]; then
        echo "no PostgreSQL server in /usr/lib/postgresql" >&2
        return 1
    fi
    echo "${dirs[-1]}"
}

# pg_user: the unprivileged user that the server runs as.
pg_user() {
    if [ "$(id -u)" -ne 0 ]; then
        id -un
    elif id postgres >/dev/null 2>&1; then
        echo postgres
    else
        echo nobody
    fi
}

# pg_as COMMAND...: as that user.
pg_as() {
    local user
    user=$(pg_user)
    if [ "$(id -u)" -ne 0 ]; then
        "$@"
    else
        setpriv --reuid="$user" --regid="$(id -g "$user")" --clear-groups "$@"
    fi
}

# port_is_free PORT: nothing answers there on loopback.
port_is_free() {
    ! (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null
}

# free_port: a port below the ephemeral range where nothing listens.
free_port() {
    local port
    while :; do
        port=$((20000 + RANDOM % 12000))
        if port_is_free "$port"; then
            echo "$port"
            return
        fi
    done
}

# pg_start DIR PORT AUTH [SETTING=VALUE...]: makes a cluster in DIR/data (superuser postgres, AUTH
# for every login over TCP, no password needed on the socket in DIR) and starts it.
pg_start() {
    local dir=$1 port=$2 auth=$3 bin setting
    shift 3
    bin=$(pg_bin) || return
    mkdir -p "$dir"
    [ "$(id -u)" -ne 0 ] || chown "$(pg_user)" "$dir"
    (
        cd "$dir"
        pg_as "$bin/initdb" -D data -U postgres -E UTF8 --locale=C.UTF-8 -A trust --no-sync \
            >initdb.log 2>&1 || exit
        {
            echo "local all all trust"
            echo "host all all 127.0.0.1/32 $auth"
        } >data/pg_hba.conf
        {
            echo "listen_addresses = '127.0.0.1'"
            echo "port = $port"
            echo "unix_socket_directories = '$dir'"
            echo "fsync = off"
            for setting in "$@"; do
                echo "${setting%%=*} = '${setting#*=}'"
            done
        } >>data/postgresql.conf
        pg_as "$bin/pg_ctl" -D data -l server.log -w -t 60 start >start.log 2>&1
    ) || {
        tail -n 20 "$dir"/*.log >&2
        return 1
    }
}

# pg_stop DIR: at once, without a checkpoint; its data are thrown away.
pg_stop() {
    local bin
    bin=$(pg_bin) || return
    if [ -e "$1/data/postmaster.pid" ]; then
        (cd "$1" && pg_as "$bin/pg_ctl" -D data -m immediate -w stop >/dev/null 2>&1) || true
    fi
}
