#!/bin/bash
# Instructions that a benchmark spends inside one function (what it calls included), counted by callgrind: exact and
# repeatable, unlike times. usage: instructions.sh PROGRAM FUNCTION [ARG ...]
set -euo pipefail
program=$1 function=$2
shift 2
out=$(mktemp)
trap 'rm -f "$out" "$out.log"' EXIT
valgrind --tool=callgrind --callgrind-out-file="$out" --toggle-collect="$function" "$program" "$@" >"$out.log" 2>&1
messages=$(sed -n 's/.* messages=\([0-9]*\) .*/\1/p' "$out.log" | awk '{ sum += $1 } END { print sum }')
total=$(sed -n 's/^==[0-9]*== Collected : \([0-9]*\).*/\1/p' "$out.log")
echo "instructions function=$function total=$total messages=$messages per_message=$((total / messages)) (arguments: $*)"
