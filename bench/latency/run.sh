#!/bin/bash
# Everything that tickgate-bench measures, one after the other on this machine, into DIR, with a report: result.json, .hlog and .hgrm of
# each, report.md and report.html. Ports that cannot be opened here are left out and said.
# usage: run.sh PROGRAM DIR [SECONDS a round [NAME...]]; names (patterns): only these are measured, the rest of DIR stays as it is
set -uo pipefail
program=$1 out=$2 round=${3:-2}
names=("${@:4}")
wanted() {
  local pattern
  [ ${#names[@]} = 0 ] && return 0
  # shellcheck disable=SC2053 # a pattern is meant
  for pattern in "${names[@]}"; do [[ $1 == $pattern ]] && return 0; done
  return 1
}
build=$(dirname "$program")
here=$(dirname "$0")
# A machine of one core measures what is inside the process.
near=${CORE:-$(($(nproc --all) > 1))} far=${FAR_CORE:-0}
if ! { mkdir -p "$out" && [ -w "$out" ]; }; then
  echo "$out: results cannot be written there" >&2
  exit 1
fi
# Ahead of ordinary threads, where that is allowed; tickgate-bench does so itself, only while it measures.
first=()
chrt -f 10 true 2>/dev/null && first=(chrt -f 10)
measure() { # name, arguments
  local name=$1
  shift
  wanted "$name" || return 0
  echo "== $name"
  mkdir -p "$out/$name"
  if ! "$program" "$1" --first "${@:2}" --out "$out/$name" >"$out/$name/output.txt" 2>"$out/$name/errors.txt"; then
    echo "   left out: $(tail -1 "$out/$name/errors.txt")"
    rm -f "$out/$name/result.json"
  fi
}
checks() { # name, arguments of bench-risk
  local name=$1
  shift
  wanted "$name" || return 0
  echo "== $name"
  mkdir -p "$out/$name"
  "$here/micro.py" "$out/$name" "${first[@]}" taskset -c "$near" "$build/bench/risk" "$@" 2>"$out/$name/errors.txt" ||
    echo "   left out: $(tail -1 "$out/$name/errors.txt")"
}
measure cores cores --core "$near" --far_core "$far" --round_s "$round"
measure lane lane --core "$near" --silences "${SILENCES:-5}"
measure feed feed --core "$near" --messages 5000000 --live 1600000 # the day of bench-book
checks risk
trip=(trip --core "$near" --far_core "$far" --round_s "$round" --rounds 3 --seconds 0.5)
veth=no
"$here/veth.sh" up 2>"$out/veth.txt" && veth=yes
[ $veth = yes ] || echo "   no veth pairs: $(tail -1 "$out/veth.txt")"
trap '[ $veth = yes ] && "$here/veth.sh" down' EXIT
measure memif "${trip[@]}" --port memif
measure vhost "${trip[@]}" --port vhost
measure ring "${trip[@]}" --port ring
if [ -n "${NEAR_NIC:-}${FAR_NIC:-}" ]; then
  measure physical "${trip[@]}" --port physical --near "${NEAR_NIC:-}" --far "${FAR_NIC:-}"
fi
for leg in feed client; do
  for port in memif ring; do
    measure "$port-$leg" "${trip[@]}" --port "$port" --leg "$leg"
  done
done
if [ $veth = yes ]; then
  measure af_xdp "${trip[@]}" --port af_xdp --near tgd0 --far tgd1
  measure af_packet "${trip[@]}" --port af_packet --near tgd0 --far tgd1
  measure spinning "${trip[@]}" --port spinning --far_netns tgbench
  measure blocking "${trip[@]}" --port blocking --far_netns tgbench
  measure asleep "${trip[@]}" --port asleep --far_netns tgbench
fi
measure memif-open "${trip[@]}" --port memif --rate 20000 --poisson
recording=${RECORDING:-}
if ! wanted memif-1x && ! wanted memif-8x && ! wanted memif-20x; then
  :
elif [ -z "$recording" ]; then
  recording=$out/day.itch
  "$build/tickgate-exchange" --seed 1 --symbols 8000 --live 200000 --messages 3000000 --write "$recording" >"$out/day.txt" 2>&1 ||
    echo "   no day: $(tail -1 "$out/day.txt")"
  echo "a generated day; RECORDING=file: another one" >"$out/recording.txt"
else
  basename "$recording" >"$out/recording.txt"
fi
for speed in 1 8 20; do
  measure "memif-${speed}x" "${trip[@]}" --port memif --recording "$recording" --speed "$speed"
done
rm -f "$out/day.itch"
for symbols in 65 100 1000 12000; do # 64 of them are watched
  measure "scale-symbols-$symbols" lane --core "$near" --symbols "$symbols" --orders 100000
done
for symbols in 10 100 1000 12000; do
  measure "scale-feed-symbols-$symbols" feed --core "$near" --symbols "$symbols" --live 12000 --messages 1000000
done
for live in 1200 10000 100000 1000000 2000000; do
  measure "scale-orders-$live" feed --core "$near" --symbols 1200 --live "$live" --messages 1000000
done
for instances in 1 8 32; do
  measure "scale-strategies-$instances" lane --core "$near" --instances "$instances" --orders 100000
done
for clients in 0 1 8 32; do
  measure "scale-clients-$clients" lane --core "$near" --clients "$clients" --orders 100000
done
for accounts in 1 16 64 256; do
  checks "scale-accounts-$accounts" --accounts "$accounts" --orders 200000 --runs 1
done
# In turn, so that what the machine does over time meets both ends.
for i in 1 2 3; do
  measure "linear-small-$i" feed --core "$near" --symbols 100 --live 10000 --messages 2000000
  measure "linear-large-$i" feed --core "$near" --symbols 12000 --live 2000000 --messages 2000000
done
wanted conditions && "$here/conditions.py" "$program" "$out" "$near" "$far" ${ROUNDS:+"$ROUNDS"}
wanted peak && { "$here/../demo/port" --build "$build" --search "$out/peak.json" || echo "   no peak"; }
"$here/report.py" "$out"
