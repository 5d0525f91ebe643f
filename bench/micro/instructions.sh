#!/bin/bash
# Instructions that a benchmark spends inside one function (its clones and what they call included), counted by callgrind: exact and
# repeatable, unlike times. LINE: how the line of the program's
# output begins that says how many messages=N that was. usage: instructions.sh PROGRAM FUNCTION LINE [ARG ...]
#
# callgrind switches at every entry: a part of the function that the compiler has put elsewhere (.cold, .part) would switch it off
# amid the function, so only what is entered from outside is named.
set -euo pipefail
program=$1 function=$2 line=$3
shift 3
out=$(mktemp)
trap 'rm -f "$out" "$out.log"' EXIT
mapfile -t toggles < <(nm "$program" | awk -v f="$function" '
  $3 ~ "^" f "([.](constprop|isra)[.][0-9]+)*$" { print "--toggle-collect=" $3 }')
[ ${#toggles[@]} -gt 0 ] || { echo "instructions.sh: $program has no function $function" >&2; exit 1; }
valgrind --tool=callgrind --callgrind-out-file="$out" "${toggles[@]}" "$program" "$@" >"$out.log" 2>&1
messages=$(sed -n 's/^'"$line"'.* messages=\([0-9]*\) .*/\1/p' "$out.log" | awk '{ sum += $1 } END { print sum }')
total=$(sed -n 's/^==[0-9]*== Collected : \([0-9]*\).*/\1/p' "$out.log")
echo "instructions function=$function total=$total messages=$messages per_message=$((total / messages)) (arguments: $*)"
