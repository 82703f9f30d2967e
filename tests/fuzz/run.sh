#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# run: builds the fuzz preset (clang, libFuzzer, sanitizers) and runs each harness from its corpus.
# What is found new goes to build/fuzz/found/<harness>/, a crash to build/fuzz/crash/; the corpus in
# the tree is only read. For use by hand: ordinary builds replay the corpus as tests.
# Usage: run.sh [SECONDS [HARNESS…]], default 10 and all; a harness by its name, as wire_startup.
set -euo pipefail

seconds=${1:-10}
shift || true
root=$(cd "$(dirname "$0")/../.." && pwd)
build=$root/build/fuzz
failed=0

if [[ ! $seconds =~ ^[0-9]+$ ]]; then
    echo "usage: $0 [SECONDS [HARNESS…]]" >&2
    exit 2
fi
if [[ $# -eq 0 ]]; then
    for source in "$root"/tests/fuzz/fuzz_*.c; do
        name=$(basename "$source" .c)
        set -- "$@" "${name#fuzz_}"
    done
fi

(cd "$root" && cmake --preset fuzz >/dev/null)
ninja -C "$build" "${@/#/fuzz_}"
mkdir -p "$build/crash"
for name in "$@"; do
    mkdir -p "$build/found/$name"
    echo "fuzz_$name: $seconds s"
    "$build/fuzz_$name" -max_total_time="$seconds" -artifact_prefix="$build/crash/${name}_" \
        -max_len=16384 -print_final_stats=1 "$build/found/$name" \
        "$root/tests/fuzz/corpus/$name" 2>"$build/$name.log" || {
        failed=$((failed + 1))
        tail -n 40 "$build/$name.log"
    }
    grep -E 'number_of_executed_units|peak_rss_mb' "$build/$name.log" || true
done
echo "fuzz: $# harnesses, $failed failed"
[[ $failed -eq 0 ]]
