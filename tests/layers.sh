#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# layers: checks every #include "layer/file.h" under src/ against the table "## Layers" of
# src/README.md. Prints FILE:LINE: and the fault for each include that the table does not allow and
# for each row that names a layer not above it, then one summary line. Exit 0 when all is well.
# Usage: layers.sh [ROOT], the root of the checkout; default: the one that this script lies in.
set -euo pipefail

root=${1:-$(cd "$(dirname "$0")/.." && pwd)}
cd "$root"
table=src/README.md
faults=0
includes=0
declare -A allowed=() # layer -> " layer layer … " that it may include, itself among them

fault() { # WHERE MESSAGE
    echo "$1: $2" >&2
    faults=$((faults + 1))
}

# Rows of the table as "LINE:layer:layer layer …".
rows() {
    awk -F'|' '
        /^## / { inside = ($0 == "## Layers") }
        inside && /^\|/ {
            gsub(/[` ]/, "", $2); gsub(/[`–,]/, " ", $3)
            if ($2 != "layer" && $2 !~ /^-+$/) print NR ":" $2 ":" $3
        }' "$table"
}

read_table() {
    local line layer below name
    while IFS=: read -r line layer below; do
        if [[ -v allowed[$layer] ]]; then
            fault "$table:$line" "layer $layer stands here twice"
        fi
        for name in $below; do
            [[ -v allowed[$name] ]] || fault "$table:$line" "$layer may include $name, which is not above it"
        done
        allowed[$layer]=" $layer $below "
    done < <(rows)
    if [[ ${#allowed[@]} -eq 0 ]]; then
        fault "$table:1" "no table under ## Layers"
    fi
}

check_include() { # FILE LINE INCLUDED
    local layer=${1#src/} target=${3%%/*}
    layer=${layer%%/*}
    includes=$((includes + 1))
    if [[ ! -v allowed[$layer] ]]; then
        fault "$1:$2" "folder $layer is not in the table of layers"
    elif [[ $3 != */* || $3 == *..* ]]; then
        fault "$1:$2" "\"$3\" does not say its layer"
    elif [[ ${allowed[$layer]} != *" $target "* ]]; then
        fault "$1:$2" "$layer may not include \"$3\""
    elif [[ ! -f src/$3 ]]; then
        fault "$1:$2" "\"$3\" does not exist"
    fi
}

check_includes() {
    local file line text
    while IFS=: read -r file line text; do
        text=${text#*\"}
        check_include "$file" "$line" "${text%%\"*}"
    done < <(grep -rnE --include='*.[ch]' '^[[:space:]]*#[[:space:]]*include[[:space:]]*"' src || true)
}

read_table
check_includes
if [[ $includes -eq 0 ]]; then
    fault src "no includes found"
fi
echo "layers: ${#allowed[@]} layers, $includes includes, $faults faults"
[[ $faults -eq 0 ]]
