#!/usr/bin/env bash
# Installs what a verb of the Makefile needs on Debian and is missing; says what and why, asks nothing.
#
#   packages.sh GROUP...        groups: build test lint demo bench
#   packages.sh --list          the whole table
#
# Every package of the table is used by a file of this tree; remove the line with the last use.
set -euo pipefail

# group  package              why
table='
build    gcc                  compiler of every program
build    libc6-dev            C library headers
build    make                 runs the verbs
build    pkg-config           finds the flags of DPDK
build    libdpdk-dev          ports: drivers, memory pools and bursts that bypass the kernel
build    libnuma-dev          locality of memory, ports and cores
build    libhugetlbfs-dev     page sizes and mount points of huge pages
build    libyaml-dev          configuration files
build    libjansson-dev       JSON of the control socket and the command line
build    zlib1g-dev           compressed captures and the checksum of restore areas
build    liblwip-dev          TCP of the simulated exchange on its DPDK port
build    liburing-dev         writes of the journal, without a thread that waits
build    libisal-dev          CRC32C of records in the journal
build    libssl-dev           SHA-256 that links blocks of the journal
build    libmicrohttpd-dev    metrics, health and the status page over HTTP
build    libedit-dev          commands as they are typed
build    libcurl4-openssl-dev traces to a collector over HTTP
build    libprotobuf-c-dev    traces in the encoding of OTLP
build    protobuf-c-compiler  the same, out of the public schema
build    libgnutls28-dev      certificates of HTTP
build    libpq-dev            rows of the store into PostgreSQL
build    libpcap-dev          captures: pcap and pcapng
test     libcmocka-dev        unit and simulation tests
test     python3              test runner and integration tests
test     clang                fuzzers, and the second compiler that must accept the tree
test     libclang-rt-@-dev    sanitizer and fuzzer run time of clang
test     tshark               second decoder that captures are compared with
test     iproute2             network namespaces and veth pairs of integration tests
test     ethtool              switches checksum offload off on a veth pair
test     prometheus           scrapes the metrics and checks their text (its service is not started)
test     chromium             shows the status page
test     protobuf-compiler    public schema for the receiver of traces in a test
test     python3-protobuf     decodes what was sent
test     openssl              certificates of tests
test     postgresql           database of the tests of the store
test     pgbouncer            pooler between the store and its database
test     valgrind             counts instructions where the machine has no counters
lint     python3              the checks of tests/lint
lint     git                  lists the files of the tree
lint     clang-format         layout of C files
lint     clang-tidy           bug patterns, clang analyzer
lint     cppcheck             bug patterns, second opinion
lint     shellcheck           bug patterns of shell scripts
lint     codespell            spelling
lint     libcmocka-dev        headers that the checked tests include
lint     liblwip-dev          the same
demo     python3              the live view and the summary
demo     gnuplot-nox          latency plots
bench    stress-ng            neighbours that load processor, memory and disk beside a lane
bench    podman               the same program in a container
bench    runc                 what podman starts containers with
bench    fio                  what the disk does by itself, beside the journal
'

say() { printf 'packages: %s\n' "$*" >&2; }
die() {
    say "$*"
    exit 1
}

if [ "${1:-}" = --list ]; then
    printf '%s' "$table"
    exit 0
elif [ $# -eq 0 ]; then
    say "usage: packages.sh GROUP... (build test lint demo bench)"
    exit 2
fi
for group; do
    case $group in
    build | test | lint | demo | bench) ;;
    *)
        say "unknown group '$group'; groups are build, test, lint, demo and bench"
        exit 2
        ;;
    esac
done

wanted=() # "package<tab>why", in table order, each package once
declare -A seen=()
while read -r group package why; do
    if [ -z "$group" ] || [[ " $* " != *" $group "* ]] || [ -n "${seen[$package]:-}" ]; then
        continue
    fi
    seen[$package]=1
    wanted+=("$package"$'\t'"$why")
done <<<"$table"

if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
    say "this is not Debian (no dpkg-query or apt-get), so nothing can be installed here."
    say "Install the equivalents of these, then run make with DEPS=no:"
    printf '  %s\n' "${wanted[@]%%$'\t'*}" >&2
    exit 1
fi

# The run time of clang carries the version of Debian's default clang: 14 in Debian 12, 19 in Debian 13.
clang_version=14
release=$(sed -n 's/^VERSION_ID="\{0,1\}\([0-9]*\).*/\1/p' /etc/os-release)
grep -q '^ID=debian' /etc/os-release && [ "${release:-12}" -ge 13 ] && clang_version=19
wanted=("${wanted[@]/@/$clang_version}")

installed=$(dpkg-query -W -f '${Package} ${db:Status-Status}\n' 2>/dev/null | sed -n 's/ installed$//p')
missing=()
for entry in "${wanted[@]}"; do
    package=${entry%%$'\t'*}
    grep -qxF -- "$package" <<<"$installed" && continue
    [ ${#missing[@]} -gt 0 ] || say "missing here, needed for: $*"
    printf '  %-20s %s\n' "$package" "${entry#*$'\t'}" >&2
    missing+=("$package")
done
[ ${#missing[@]} -gt 0 ] || exit 0

as_root=()
if [ "$(id -u)" -ne 0 ]; then
    if ! command -v sudo >/dev/null || ! sudo -n true 2>/dev/null; then
        die "not root, and sudo is missing or wants a password. Remedy, as root: apt-get install ${missing[*]}"
    fi
    as_root=(sudo -n)
fi

log=$(mktemp)
trap 'rm -f "$log"' EXIT
# What apt says is shown only when it fails. Recommended packages are left out: what is needed is in the table. The lock
# is waited for, as a fresh machine often runs its own first update.
apt() {
    # SYSTEMD_OFFLINE: what is wanted of a package are its programs; its services are not started.
    if ! "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive SYSTEMD_OFFLINE=1 apt-get -o DPkg::Lock::Timeout=300 \
        -o Dpkg::Use-Pty=0 -o Acquire::Retries=3 -qq "$@" </dev/null >"$log" 2>&1; then
        tail -n 20 "$log" >&2
        return 1
    fi
}
refresh() {
    say "refreshing the package lists (apt-get update)"
    apt update || say "apt-get update failed; trying with the lists that are there"
}
install() {
    apt install -y --no-install-recommends "${missing[@]}"
}

# Lists are fetched only when they do not know a package, or name a version that the mirror no longer has.
known() {
    local package
    for package in "${missing[@]}"; do
        apt-cache show --no-all-versions "$package" >/dev/null 2>&1 || return 1
    done
}
known || refresh
known || die "the package lists do not know all of: ${missing[*]}. Remedy: check the network and" \
    "/etc/apt/sources.list (Debian 12 or later, component main), then apt-get update"
say "installing ${#missing[@]} packages"
if ! install; then
    refresh
    install || die "apt-get could not install: ${missing[*]}. Remedy: read its message above; most often" \
        "the network or the disk"
fi
say "done"
