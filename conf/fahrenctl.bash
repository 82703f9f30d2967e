# SPDX-License-Identifier: MIT
# Completion of fahrenctl for bash: . conf/fahrenctl.bash, or copied to
# /usr/share/bash-completion/completions/fahrenctl. Names of tenants are asked for on the console.

_fahrenctl_tenants() {
    fahrenctl "${options[@]}" --json show tenants 2>/dev/null |
        sed -n 's/.*"name": *"\([^"]*\)".*/\1/p'
}

_fahrenctl() {
    local word=${COMP_WORDS[COMP_CWORD]} options=() words=() at
    for ((at = 1; at < COMP_CWORD; at++)); do
        case ${COMP_WORDS[at]} in
        -c | --config | -h | --host | -p | --port | -U | --user | --allow)
            options+=("${COMP_WORDS[at]}" "${COMP_WORDS[at + 1]}")
            at=$((at + 1))
            ;;
        -*) ;;
        *) words+=("${COMP_WORDS[at]}") ;;
        esac
    done
    local choices
    case "${words[*]}" in
    "") choices="show create alter drop suspend resume pause reload reconnect kill setup url exec
        import verify shutdown --config --host --port --user --json --help --version" ;;
    show) choices="help version tenants pools clients servers databases users stats stats_totals
        stats_averages totals mem sockets lists config state" ;;
    create) choices="tenant tenants" ;;
    "create tenants") choices="-f" ;;
    alter | drop | suspend | resume | pause) choices="tenant" ;;
    setup) choices="rls" ;;
    url | exec | verify | "alter tenant" | "drop tenant" | "suspend tenant" | "resume tenant" | "pause tenant")
        choices=$(_fahrenctl_tenants) ;;
    "alter tenant "*) choices="set" ;;
    "drop tenant "*) choices="cascade" ;;
    *) COMPREPLY=($(compgen -f -- "$word")); return ;;
    esac
    COMPREPLY=($(compgen -W "$choices" -- "$word"))
}

complete -F _fahrenctl fahrenctl
