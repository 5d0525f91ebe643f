#!/usr/bin/env bash
# Runs every fuzzer of a build directory for a number of seconds, as many at a time as there are cores.
#
#   run_fuzz.sh DIR SECONDS
#
# Inputs that reach new code go to DIR/corpus/<name>, findings to DIR/findings/<name>-*; the tree's own corpus is read
# only. Exit code 1 when a fuzzer found something or there is none.
set -euo pipefail

if [ $# -ne 2 ]; then
    echo "usage: run_fuzz.sh DIR SECONDS" >&2
    exit 2
fi
cd "$(dirname "$0")/../.."
export dir=$1 seconds=$2
mkdir -p "$dir/findings"

shopt -s nullglob
fuzzers=("$dir"/*_fuzz)
if [ ${#fuzzers[@]} -eq 0 ]; then
    echo "run_fuzz: no fuzzer in $dir" >&2
    exit 1
fi

fuzz_one() {
    local name
    name=$(basename "$1" _fuzz)
    mkdir -p "$dir/corpus/$name"
    if "$1" -max_total_time="$seconds" -timeout=30 -rss_limit_mb=4096 -print_final_stats=1 \
        -artifact_prefix="$dir/findings/$name-" "$dir/corpus/$name" "tests/fuzz/corpus/$name" \
        >"$dir/$name.log" 2>&1; then
        printf 'ok    %-24s %s runs\n' "$name" "$(sed -n 's/^stat::number_of_executed_units: *//p' "$dir/$name.log")"
    else
        printf 'FAIL  %-24s see %s\n' "$name" "$dir/$name.log"
        tail -n 40 "$dir/$name.log"
        return 1
    fi
}
export -f fuzz_one
# shellcheck disable=SC2016 # expanded by the shell that xargs starts
printf '%s\0' "${fuzzers[@]}" | xargs -0 -n 1 -P "$(nproc)" bash -c 'fuzz_one "$1"' fuzz_one
