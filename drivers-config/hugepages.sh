#!/usr/bin/env bash
# Makes sure that N huge pages of 2 MiB are free and that a hugetlbfs mount exists.
#
#   hugepages.sh N
#
# Says what there was, what was asked for and what it got. Never lowers a reservation, never takes more than half of
# the available memory, and never fails for want of pages or rights: programs then fall back to ordinary memory, so
# the answer is a warning and exit code 0. Exit code 2 for usage.
set -euo pipefail

pool=/sys/kernel/mm/hugepages/hugepages-2048kB
mount_point=/dev/hugepages

say() { printf 'hugepages: %s\n' "$*" >&2; }
warn() { say "WARNING: $*"; }

if [ $# -ne 1 ] || ! [[ $1 =~ ^[0-9]{1,6}$ ]]; then
    say "usage: hugepages.sh N (pages of 2 MiB that shall be free)"
    exit 2
fi
asked=$((10#$1))

as_root=()
if [ "$(id -u)" -ne 0 ] && command -v sudo >/dev/null && sudo -n true 2>/dev/null; then
    as_root=(sudo -n)
fi

if [ ! -d "$pool" ]; then
    warn "this kernel has no 2 MiB pages; ordinary memory will be used: slower, and not locked to a node"
    exit 0
fi

free=$(<"$pool/free_hugepages")
total=$(<"$pool/nr_hugepages")
if [ "$free" -lt "$asked" ]; then
    available_kb=$(sed -n 's/^MemAvailable: *\([0-9]*\) kB$/\1/p' /proc/meminfo)
    more=$((asked - free))
    if [ $((more * 2048)) -gt $((available_kb / 2)) ]; then
        more=$((available_kb / 2 / 2048))
        warn "$asked pages would take more than half of the available memory; asking for $((free + more))"
    fi
    # Fragmented memory yields fewer pages than asked for; compaction first makes that rarer.
    "${as_root[@]}" sh -c "echo 1 >/proc/sys/vm/compact_memory" 2>/dev/null || true
    "${as_root[@]}" sh -c "echo $((total + more)) >$pool/nr_hugepages" 2>/dev/null || true
    was=$free
    free=$(<"$pool/free_hugepages")
    say "2 MiB pages free: had $was, asked for $asked, got $free"
    if [ "$free" -lt "$asked" ]; then
        warn "too few pages; ordinary memory will be used where they do not suffice. Remedy, as root, best right" \
            "after boot: echo $((total + asked - was)) >$pool/nr_hugepages"
    fi
else
    say "2 MiB pages free: $free, needed: $asked"
fi

if ! grep -q ' hugetlbfs ' /proc/mounts; then
    if "${as_root[@]}" mkdir -p "$mount_point" 2>/dev/null &&
        "${as_root[@]}" mount -t hugetlbfs -o pagesize=2M hugetlbfs "$mount_point" 2>/dev/null; then
        say "mounted hugetlbfs on $mount_point"
    else
        warn "no hugetlbfs mount and no right to make one; ordinary memory will be used. Remedy, as root:" \
            "mount -t hugetlbfs -o pagesize=2M hugetlbfs $mount_point"
    fi
fi
