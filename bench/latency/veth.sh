#!/bin/bash
# Two veth pairs for tickgate-bench trip: one with addresses for sockets of the kernel, its far end in a namespace of its own, and one
# without for DPDK. usage: veth.sh up|down
set -euo pipefail
case ${1:-} in
up)
  ip netns add tgbench
  ip link add tgk0 type veth peer name tgk1 netns tgbench
  ip addr add 10.0.0.1/24 dev tgk0
  ip -n tgbench addr add 10.0.0.9/24 dev tgk1
  ip link set tgk0 up
  ip -n tgbench link set tgk1 up
  ip -n tgbench link set lo up
  ip link add tgd0 type veth peer name tgd1
  for i in tgd0 tgd1; do
    sysctl -qw "net.ipv6.conf.$i.disable_ipv6=1"
    ip link set "$i" up
  done
  ;;
down)
  ip link del tgd0 || true
  ip netns del tgbench || true
  ip link del tgk0 2>/dev/null || true
  ;;
*)
  echo "usage: $0 up|down" >&2
  exit 2
  ;;
esac
