#!/bin/bash
# Holds the instructions of an order's way to the baseline: more than LIMIT percent beyond it fails. Callgrind counts them exactly, so a
# difference is the code's or the compiler's: with another compiler than the baseline's it is only told.
# usage: [BASELINE=FILE] check.sh PROGRAM [--update]
set -euo pipefail
program=$1 baseline=${BASELINE:-$(dirname "$0")/instructions.txt}
limit=2
compiler=$(readelf -p .comment "$program" | grep -oE 'GCC: .*|clang version .*' | head -1)
counts=$("$(dirname "$0")/lane_instructions.sh" "$program" 2>/dev/null)
if [ "${2:-}" = --update ]; then
  { echo "compiler $compiler"; echo "$counts" | sed -E 's/^instructions function=(\S+) per_order=(\S+)$/\1 \2/'; } >"$baseline"
  echo "written $baseline"
  exit
fi
echo "$counts" | awk -v limit="$limit" -v compiler="$compiler" -v baseline="$baseline" '
  BEGIN {
    while ((getline line < baseline) > 0) {
      split(line, word, " ")
      if (word[1] == "compiler") same = line == "compiler " compiler; else want[word[1]] = word[2]
    }
  }
  {
    split($2, name, "="); split($3, value, "=")
    is = value[2]; was = want[name[2]]; seen[name[2]] = 1
    if (was == "") { printf "%-20s %9.1f  not in the baseline\n", name[2], is; next }
    more = (is - was) * 100 / was
    bad = more > limit
    failed += bad
    printf "%-20s %9.1f  was %9.1f  %+6.1f %%%s\n", name[2], is, was, more, bad ? "  too many" : ""
  }
  END {
    for (f in want) if (!(f in seen)) { printf "%-20s not measured\n", f; failed++ }
    if (!same) { print "another compiler than the baseline'"'"'s: told only"; exit 0 }
    exit failed > 0
  }'
