#!/bin/bash
# Everything that tickgate-bench measures, one after the other on this machine, into DIR, with a report: result.json, .hlog and .hgrm of
# each, report.md and report.html. Ports that cannot be opened here are left out and said.
# usage: run.sh PROGRAM DIR [SECONDS a round]
set -uo pipefail
program=$1 out=$2 round=${3:-2}
here=$(dirname "$0")
near=${CORE:-1} far=${FAR_CORE:-0}
mkdir -p "$out"
# Ahead of ordinary threads, where that is allowed; trips do so themselves, only for the two threads that count.
first=()
chrt -f 10 true 2>/dev/null && first=(chrt -f 10)
measure() { # name, arguments
  local name=$1
  shift
  echo "== $name"
  mkdir -p "$out/$name"
  local before=("${first[@]}")
  [ "$1" = trip ] && before=()
  if ! "${before[@]}" "$program" "$@" --out "$out/$name" >"$out/$name/output.txt" 2>"$out/$name/errors.txt"; then
    echo "   left out: $(tail -1 "$out/$name/errors.txt")"
    rm -f "$out/$name/result.json"
  fi
}
measure lane lane --core "$near" --silences "${SILENCES:-5}"
measure feed feed --core "$near"
trip=(trip --core "$near" --far_core "$far" --round_s "$round" --rounds 3 --seconds 0.5)
veth=no
"$here/veth.sh" up 2>"$out/veth.txt" && veth=yes
[ $veth = yes ] || echo "   no veth pairs: $(tail -1 "$out/veth.txt")"
trap '[ $veth = yes ] && "$here/veth.sh" down' EXIT
measure memif "${trip[@]}" --port memif
measure ring "${trip[@]}" --port ring
if [ $veth = yes ]; then
  measure af_xdp "${trip[@]}" --port af_xdp --near tgd0 --far tgd1
  measure af_packet "${trip[@]}" --port af_packet --near tgd0 --far tgd1
  measure spinning "${trip[@]}" --port spinning --far_netns tgbench
  measure blocking "${trip[@]}" --port blocking --far_netns tgbench
  measure asleep "${trip[@]}" --port asleep --far_netns tgbench
fi
measure memif-open "${trip[@]}" --port memif --rate 20000 --poisson
for symbols in 100 1000 12000; do
  measure "scale-symbols-$symbols" lane --core "$near" --symbols "$symbols" --orders 100000
done
for live in 10000 100000 1000000 2000000; do
  measure "scale-orders-$live" feed --core "$near" --live "$live" --messages 1000000
done
"$here/conditions.py" "$program" "$out" "$near" "$far"
"$here/../demo/port" --build "$(dirname "$program")" --search "$out/peak.json" || echo "   no peak"
"$here/report.py" "$out"
