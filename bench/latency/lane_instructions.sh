#!/bin/bash
# Instructions of an order's way, per function with what it calls, counted by callgrind: exact and repeatable, unlike times.
# Only the turns that send an order are counted. usage: lane_instructions.sh PROGRAM [ORDERS [ARG ...]]
set -euo pipefail
program=$1 orders=${2:-2000} warm=200
shift $(($# < 2 ? $# : 2))
stages="trigger_turn channel_datagram desk_market desk_enter gate orders_open exposure_move frame_enter session_send_order
egress_read tcp_frame position_open desk_turn"
out=$(mktemp)
trap 'rm -f "$out" "$out.log"' EXIT
# The warm orders are counted too: their turns are the same.
valgrind --tool=callgrind --callgrind-out-file="$out" --toggle-collect="trigger_turn*" "$program" lane --uncounted --seconds 0.01 --symbols 500 \
  --live 5000 --noise 8 --warm "$warm" --orders "$orders" "$@" >"$out.log" 2>&1 || { cat "$out.log" >&2; exit 1; }
callgrind_annotate --inclusive=yes --threshold=100 "$out" | awk -v stages="$stages" -v orders=$((orders + warm)) '
  BEGIN { n = split(stages, order); for (i in order) wanted[order[i]] = 1 }
  match($0, /:[A-Za-z_0-9.]+/) {
    name = substr($0, RSTART + 1, RLENGTH - 1)
    count = $1; gsub(",", "", count)
    sub(/\.(constprop|isra|part|cold).*/, "", name)
    if (name in wanted && count + 0 > total[name]) total[name] = count + 0
  }
  END { for (i = 1; i <= n; i++) if (order[i] in total) printf "instructions function=%s per_order=%.1f\n", order[i], total[order[i]] / orders }'
