# Every verb of the project; `make help` lists them.
#
# Variables: BUILD=dir (default build), CC, MARCH, SAN=address,undefined|thread (own build directory), V=1,
# DEPS=no (do not look for missing packages), JOBS=n, HUGEPAGES=n (2 MiB pages that tests and demo reserve).

SHELL         := /bin/bash
MAKEFLAGS     += --no-builtin-rules
.DEFAULT_GOAL := all

CC       := gcc
SAN      ?=
comma    := ,
BUILD    ?= build$(if $(SAN),/san-$(subst $(comma),-,$(SAN)))
MARCH    ?= x86-64-v2
VERSION  := 0.1.0
Q        := $(if $(V),,@)

WARN     := -Wall -Wextra -Werror -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith -Wvla \
            -Wundef -Wwrite-strings -Wcast-qual -Wformat=2 -Wimplicit-fallthrough
# Where gcc cannot see that a value is always written: behind instrumentation, and in tests, as an assertion of cmocka
# that fails does not return but does not say so.
unsure   := $(if $(findstring clang,$(CC)),,-Wno-maybe-uninitialized)
# Texts are cut to their field on purpose: snprintf bounds every one of them.
WARN     += $(if $(findstring clang,$(CC)),,-Wno-format-truncation)
WARN     += $(if $(SAN)$(COV),$(unsure))
COV      ?=
OPT      := $(if $(SAN)$(COV),-O1,-O3) -g -fno-omit-frame-pointer $(if $(COV),--coverage -fprofile-update=atomic)
CPPFLAGS := -I. -I$(BUILD)/gen -D_GNU_SOURCE -DTICKGATE_VERSION='"$(VERSION)"'
CFLAGS   := -std=c11 $(WARN) $(OPT) -march=$(MARCH) -fno-common -fstack-protector-strong -pthread \
            $(if $(SAN),-fsanitize=$(SAN) -fno-sanitize-recover=all)
LDFLAGS  := -pthread -Wl,--as-needed -Wl,-z,relro,-z,now -rdynamic $(if $(SAN),-fsanitize=$(SAN)) \
            $(if $(COV),--coverage)

# --- rooms -------------------------------------------------------------------------------------------------
# A room is a folder of the dataplane or control plane. `main.c` in a room is a program and stays out of the
# archives; files named dpdk_*.c are the only ones that may include rte_* headers.

core_rooms := abi base config wire feed book tcp risk order venue strategy gateway
lane_rooms := lane control port
cp_rooms   := region journal capture store metrics trace dropcopy http control cli
src_of      = $(filter-out %/main.c,$(foreach r,$(2),$(wildcard $(1)/$(r)/*.c)))
core_src   := $(call src_of,dataplane,$(core_rooms))
dpdk_src   := $(wildcard dataplane/port/dpdk_*.c)
lane_src   := $(filter-out $(dpdk_src),$(call src_of,dataplane,$(lane_rooms)))
cp_src     := $(call src_of,controlplane,$(cp_rooms))
exch_src   := $(filter-out %/main.c %/dpdk_link.c %/gate_lwip.c,$(wildcard bench/exchange/*.c bench/exchange/*/*.c))
obj         = $(patsubst %.c,$(BUILD)/obj/%.o,$(1))

# Identity of the contract between the two processes: a hash over the text of all its headers.
abi_text    := $(sort $(wildcard dataplane/abi/*.h dataplane/abi/*.def))
gen_headers := $(BUILD)/gen/abi_hash.h $(BUILD)/gen/migrations.inc $(BUILD)/gen/otlp.stamp

$(BUILD)/gen/abi_hash.h: $(abi_text)
	@mkdir -p $(@D)
	$(Q)cat $(abi_text) | sha256sum | \
	  sed -E 's/^(.{16})(.{16}).*/#define ABI_HASH_HIGH 0x\1ull\n#define ABI_HASH_LOW  0x\2ull/' >$@

# The store's SQL, as strings.
migrations := $(sort $(wildcard controlplane/store/migrations/*.sql))
$(BUILD)/gen/migrations.inc: $(migrations)
	@mkdir -p $(@D)
	$(Q)for f in $(migrations); do echo "MIGRATION(\"$$(basename $$f .sql)\","; \
	  sed 's/\\/&&/g; s/"/\\"/g; s/.*/"&\\n"/' $$f; echo ')'; done >$@

# The public schema of traces, as C: generated, so without our warnings.
otlp_proto := $(patsubst %,opentelemetry/proto/%.proto,common/v1/common resource/v1/resource trace/v1/trace \
                collector/trace/v1/trace_service)
otlp_obj   := $(patsubst %.proto,$(BUILD)/obj/gen/%.pb-c.o,$(otlp_proto))
$(BUILD)/gen/otlp.stamp: $(addprefix controlplane/trace/,$(otlp_proto))
	@mkdir -p $(@D)
	$(Q)protoc-c -I controlplane/trace --c_out=$(@D) $(otlp_proto) && touch $@
$(otlp_obj): $(BUILD)/obj/gen/%.o: $(BUILD)/gen/otlp.stamp
	@mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS) $(filter-out -W%,$(CFLAGS)) -w -c -o $@ $(BUILD)/gen/$*.c

core_lib := $(BUILD)/libtickgate-core.a
lane_lib := $(BUILD)/libtickgate-lane.a
cp_lib   := $(BUILD)/libtickgate-controlplane.a
exch_lib := $(BUILD)/libtickgate-exchange.a

DPDK_CFLAGS := $(shell pkg-config --cflags libdpdk 2>/dev/null | sed 's/-march=[^ ]*//; s/-I/-isystem /g')
DPDK_LIBS   := $(shell pkg-config --libs libdpdk 2>/dev/null)
CORE_LIBS   := -lyaml -lnuma -lhugetlbfs -lpcap -lz -lm -ldl
PQ_CFLAGS   := $(shell pkg-config --cflags libpq 2>/dev/null | sed 's/-I/-isystem /g')
CP_LIBS     := -ljansson -luring -lisal -lcrypto -lpq -lmicrohttpd -lgnutls -ledit -lcurl -lprotobuf-c

programs := $(addprefix $(BUILD)/,tickgate tickgate-dataplane tickgate-controlplane tickgate-exchange tickgate-book \
              tickgate-bench)
# A program whose main.c is not there yet is left out, so that every commit builds.
main_tickgate              := controlplane/cli/main.c
main_tickgate-controlplane := controlplane/control/main.c
main_tickgate-dataplane    := dataplane/control/main.c
main_tickgate-exchange     := bench/exchange/main.c
main_tickgate-book         := bench/book/main.c
main_tickgate-bench        := bench/latency/main.c
have      = $(foreach p,$(programs),$(if $(wildcard $(main_$(notdir $(p)))),$(p)))

.PHONY: programs
programs: $(have)

$(BUILD)/tickgate: $(call obj,$(main_tickgate)) $(cp_lib) $(core_lib)
$(BUILD)/tickgate-controlplane: $(call obj,$(main_tickgate-controlplane)) $(cp_lib) $(core_lib)
$(BUILD)/tickgate-dataplane: $(call obj,$(main_tickgate-dataplane)) $(call obj,$(dpdk_src)) $(lane_lib) $(core_lib)
$(BUILD)/tickgate-exchange: $(call obj,$(main_tickgate-exchange) bench/exchange/dpdk_link.c dataplane/port/dpdk_unmap.c \
                              bench/exchange/trade/gate_lwip.c) $(exch_lib) $(core_lib)
# Before the archives: functions of lwIP have the names of the dataplane's TCP, which the exchange does not use.
$(BUILD)/tickgate-exchange: LDFLAGS += -Wl,--no-as-needed -llwip -Wl,--as-needed
LWIP_CFLAGS := $(shell pkg-config --cflags lwip 2>/dev/null | sed 's/-I/-isystem /g')
$(BUILD)/obj/controlplane/store/%.o: CPPFLAGS += $(PQ_CFLAGS)
$(call obj,bench/exchange/trade/gate_lwip.c): CPPFLAGS += $(LWIP_CFLAGS)
$(BUILD)/tickgate-book: $(call obj,$(main_tickgate-book) bench/book/capture.c bench/book/input.c bench/book/unpack.c \
  bench/book/offline.c) $(core_lib)
$(BUILD)/tickgate-bench: $(call obj,$(wildcard bench/latency/*.c) bench/book/offline.c $(dpdk_src)) $(exch_lib) $(lane_lib) $(core_lib)

$(BUILD)/tickgate $(BUILD)/tickgate-controlplane: LIBS = $(CP_LIBS) $(CORE_LIBS)
$(BUILD)/tickgate-dataplane $(BUILD)/tickgate-exchange: LIBS = $(DPDK_LIBS) -lrte_net_ring $(CORE_LIBS)
$(BUILD)/tickgate-book: LIBS = -lpcap $(CORE_LIBS)
$(BUILD)/tickgate-bench: LIBS = $(DPDK_LIBS) -ljansson $(CORE_LIBS)

$(have):
	@echo "  LINK  $@"
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ $(LIBS)

$(core_lib): $(call obj,$(core_src))
$(lane_lib): $(call obj,$(lane_src))
$(cp_lib):   $(call obj,$(cp_src)) $(otlp_obj)
$(exch_lib): $(call obj,$(exch_src))
$(core_lib) $(lane_lib) $(cp_lib) $(exch_lib):
	@echo "  AR    $@"
	$(Q)rm -f $@ && ar rcsD $@ $^

DPDK_OBJ := $(call obj,$(dpdk_src) bench/exchange/dpdk_link.c)
$(DPDK_OBJ): CPPFLAGS += $(DPDK_CFLAGS) -DALLOW_EXPERIMENTAL_API
$(BUILD)/obj/tests/integration/%.o: CPPFLAGS += $(DPDK_CFLAGS) -DALLOW_EXPERIMENTAL_API

$(BUILD)/obj/tests/%.o: CFLAGS += $(unsure)

# The page is inside the program.
$(call obj,controlplane/http/page.c): controlplane/http/page.html

$(BUILD)/obj/%.o: %.c | $(gen_headers)
	@echo "  CC    $<"
	@mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<

# --- strategies: shared objects that the dataplane loads, each one file that includes strategy.h only --------

strategies := $(patsubst dataplane/strategy/examples/%.c,$(BUILD)/strategies/%.so,$(wildcard dataplane/strategy/examples/*.c))
programs: $(strategies)
$(BUILD)/strategies/%.so: dataplane/strategy/examples/%.c dataplane/strategy/strategy.h
	@echo "  LINK  $@"
	@mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) -fPIC -shared -o $@ $<

# One that hangs, for a test of what happens then.
hang_strategy := $(BUILD)/tests/lib/hang.so
$(hang_strategy): tests/lib/hang.c dataplane/strategy/strategy.h
	@echo "  LINK  $@"
	@mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) -fPIC -shared -o $@ $<
integration-build: $(hang_strategy)

# Reading that takes as long as a test wants.
hold_read := $(BUILD)/tests/lib/hold_read.so
$(hold_read): tests/lib/hold_read.c
	@echo "  LINK  $@"
	@mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) -fPIC -shared -o $@ $<
integration-build: $(hold_read)

# --- libtickgate: what clients of the gateway link and include, and an example of one ------------------------
# The number of the shared object is that of the interface in tickgate.h.

client_header  := dataplane/gateway/tickgate.h
client_so      := libtickgate.so.$(shell sed -n 's/.*TICKGATE_INTERFACE = \([0-9]*\),.*/\1/p' $(client_header))
client_libs    := $(addprefix $(BUILD)/,libtickgate.a libtickgate.so $(client_so))
client_example := $(BUILD)/examples/client
signal_example := $(BUILD)/examples/signal_sender
programs: $(client_libs) $(client_example) $(signal_example)
client_objects := $(addprefix $(BUILD)/obj/client/,library.o trade.o)
$(BUILD)/obj/client/library.o: dataplane/gateway/library.c
$(BUILD)/obj/client/trade.o: dataplane/abi/trade.c
$(client_objects): | $(gen_headers)
	@echo "  CC    $<"
	@mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) -fPIC -fvisibility=hidden -MMD -MP -c -o $@ $<
# Of the static library, too, a client sees nothing but what the header declares.
$(BUILD)/obj/client/all.o: $(client_objects)
	$(Q)$(LD) -r -o $@ $^ && objcopy --localize-hidden $@
$(BUILD)/libtickgate.a: $(BUILD)/obj/client/all.o
	@echo "  AR    $@"
	$(Q)rm -f $@ && ar rcsD $@ $^
$(BUILD)/$(client_so): $(client_objects)
	@echo "  LINK  $@"
	$(Q)$(CC) $(LDFLAGS) -shared -Wl,-soname,$(@F) -o $@ $^
$(BUILD)/libtickgate.so: $(BUILD)/$(client_so)
	$(Q)ln -sf $(<F) $@
$(client_example): $(call obj,dataplane/gateway/examples/client.c) $(BUILD)/libtickgate.a
	@echo "  LINK  $@"
	@mkdir -p $(@D)
	$(Q)$(CC) $(LDFLAGS) -o $@ $^

$(signal_example): $(call obj,dataplane/gateway/examples/signal_sender.c)
	@echo "  LINK  $@"
	@mkdir -p $(@D)
	$(Q)$(CC) $(LDFLAGS) -o $@ $^

# --- micro-benchmarks: bench/micro/<name>.c, each with its `make bench-<name>` below --------------------------

bench_bin := $(patsubst bench/micro/%.c,$(BUILD)/bench/%,$(wildcard bench/micro/*.c))
$(BUILD)/bench/book: $(call obj,bench/book/plain.c)
$(bench_bin): $(BUILD)/bench/%: $(BUILD)/obj/bench/micro/%.o $(call obj,bench/book/offline.c) $(exch_lib) $(cp_lib) $(lane_lib) $(core_lib)
	@echo "  LINK  $@"
	@mkdir -p $(@D)
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ -lpcap $(CORE_LIBS) $(CP_LIBS)

# --- tests -------------------------------------------------------------------------------------------------
# tests/unit/<room>/<name>_test.c is one cmocka program; it mirrors the tree and links the core archive only,
# unless a line below adds more.

unit_src  := $(wildcard tests/unit/*/*_test.c)
sim_src   := $(wildcard tests/sim/*_test.c)
unit_bin  := $(patsubst tests/%.c,$(BUILD)/tests/%,$(unit_src) $(sim_src))

.PHONY: unit-build
unit-build: $(unit_bin)

$(filter $(BUILD)/tests/unit/exchange/%,$(unit_bin)): LIBS = $(exch_lib) $(core_lib)
$(filter $(BUILD)/tests/unit/exchange/%,$(unit_bin)): $(exch_lib)
$(unit_bin): $(BUILD)/tests/%: $(BUILD)/obj/tests/%.o $(lane_lib) $(core_lib)
	@echo "  LINK  $@"
	@mkdir -p $(@D)
	$(Q)$(CC) $(LDFLAGS) -o $@ $(filter-out %.so,$^) $(LIBS) -lcmocka $(CORE_LIBS)

# The control plane's tests link its archive; some of them talk to a program that plays the dataplane.
cp_unit_bin := $(filter $(foreach r,$(cp_rooms),$(BUILD)/tests/unit/$(r)/%),$(unit_bin))
$(cp_unit_bin): LIBS = $(cp_lib) $(core_lib) $(CP_LIBS)
$(cp_unit_bin): $(cp_lib)
fake_dataplane := $(BUILD)/tests/lib/fake_dataplane
$(fake_dataplane): $(call obj,tests/lib/fake_dataplane.c) $(core_lib)
	@echo "  LINK  $@"
	@mkdir -p $(@D)
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ $(CORE_LIBS)
unit-build integration-build: $(fake_dataplane)

# A journal and a store for the tests that have a database.
store_run := $(BUILD)/tests/lib/store_run
$(store_run): $(call obj,tests/lib/store_run.c) $(cp_lib) $(core_lib)
	@echo "  LINK  $@"
	@mkdir -p $(@D)
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ $(CP_LIBS) $(CORE_LIBS)
integration-build: $(store_run)

# Our decoding in lines that tshark's can be compared with.
decode := $(BUILD)/tests/lib/decode
$(decode): $(call obj,tests/lib/decode.c tests/lib/decode_frames.c bench/book/input.c bench/book/unpack.c) $(core_lib)
	@echo "  LINK  $@"
	@mkdir -p $(@D)
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ $(CORE_LIBS)
integration-build: $(decode)

# lwIP as a peer of our TCP: a program of its own, as its functions have the names of ours.
lwip_peer := $(BUILD)/tests/lib/lwip_peer
$(call obj,tests/lib/lwip_peer.c): CPPFLAGS += $(LWIP_CFLAGS)
$(lwip_peer): $(call obj,tests/lib/lwip_peer.c)
	@echo "  LINK  $@"
	@mkdir -p $(@D)
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ -llwip
unit-build: $(if $(wildcard /usr/include/lwip/lwip/tcp.h),$(lwip_peer))

# The feed and its snapshots are tested on a channel without a lane.
$(filter $(BUILD)/tests/unit/feed/%,$(unit_bin)): $(call obj,bench/book/offline.c)
$(BUILD)/tests/unit/control/snapshot_test: $(call obj,bench/book/offline.c)
$(filter $(BUILD)/tests/unit/latency/%,$(unit_bin)): $(call obj,bench/latency/hdr.c bench/latency/kernel.c bench/latency/quiet.c)
$(BUILD)/tests/unit/latency/grain_test $(BUILD)/tests/unit/latency/lane_region_test: $(call obj,bench/latency/grain.c)
$(BUILD)/tests/unit/latency/grain_test: LIBS = $(core_lib)
$(BUILD)/tests/unit/latency/schedule_test: $(call obj,bench/latency/schedule.c) $(exch_lib)
$(BUILD)/tests/unit/latency/schedule_test: LIBS = $(exch_lib) $(core_lib) -lpcap -lz -lm
$(filter $(BUILD)/tests/unit/feed/%,$(unit_bin)): LIBS = $(core_lib)

# Strategies are loaded by these as the dataplane does it.
$(filter $(BUILD)/tests/unit/lane/% $(BUILD)/tests/unit/strategy/% $(BUILD)/tests/sim/%,$(unit_bin)): $(strategies)
$(BUILD)/obj/tests/unit/lane/%.o $(BUILD)/obj/tests/unit/strategy/%.o $(BUILD)/obj/tests/sim/%.o: CPPFLAGS += -DSTRATEGIES_DIR='"$(BUILD)/strategies"'

# Practice orders are held to a whole lane, the one that is measured.
$(BUILD)/tests/unit/lane/desk_warm_test: $(call obj,$(wildcard bench/latency/lane_*.c))
$(BUILD)/tests/unit/lane/desk_warm_test: LIBS = $(lane_lib) $(core_lib)

# And so is what is measured beside a control plane.
lane_region_test := $(BUILD)/tests/unit/latency/lane_region_test
$(lane_region_test): $(call obj,$(wildcard bench/latency/lane*.c)) $(strategies) $(cp_lib)
$(lane_region_test): LIBS = $(cp_lib) $(lane_lib) $(core_lib) -lz -lm
$(BUILD)/obj/tests/unit/latency/%.o: CPPFLAGS += -DSTRATEGIES_DIR='"$(BUILD)/strategies"'

# Simulations share a world and the exchange's generator.
sim_lib_obj := $(call obj,$(filter-out %_test.c,$(wildcard tests/sim/*.c)) bench/book/offline.c)
$(filter $(BUILD)/tests/sim/%,$(unit_bin)): $(sim_lib_obj) $(exch_lib)
$(filter $(BUILD)/tests/sim/%,$(unit_bin)): LIBS = $(exch_lib) $(lane_lib) $(core_lib) -lpcap

# tests/integration: C programs that need a DPDK port link everything; scripts drive the built programs.
# The fake card of these tests stands before these calls of DPDK.
fake_calls := $(addprefix rte_eth_,dev_info_get dev_fw_version_get dev_configure dev_start dev_stop dev_socket_id read_clock \
                dev_set_mc_addr_list allmulticast_enable link_get_nowait stats_get) \
              $(addprefix rte_flow_,validate create destroy flush)
$(addprefix $(BUILD)/tests/integration/,port_fake_test port_stead_test): LDFLAGS += $(addprefix -Wl$(comma)--wrap=,$(fake_calls))
integration_bin := $(patsubst tests/%.c,$(BUILD)/tests/%,$(wildcard tests/integration/*_test.c))
$(integration_bin): $(BUILD)/tests/%: $(BUILD)/obj/tests/%.o $(call obj,$(dpdk_src)) $(lane_lib) $(core_lib)
	@echo "  LINK  $@"
	@mkdir -p $(@D)
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ $(DPDK_LIBS) -lrte_net_ring -lcmocka $(CORE_LIBS)

# tests/fuzz/<name>_fuzz.c. Called by the fuzz verbs with CC=clang and the sanitizers, in its own build directory.
fuzz_bin := $(patsubst tests/fuzz/%.c,$(BUILD)/%,$(wildcard tests/fuzz/*_fuzz.c))
$(fuzz_bin): $(BUILD)/%: $(BUILD)/obj/tests/fuzz/%.o $(call obj,bench/book/offline.c) $(exch_lib) $(cp_lib) $(lane_lib) $(core_lib)
	@echo "  LINK  $@"
	$(Q)$(CC) $(LDFLAGS) -fsanitize=fuzzer -o $@ $^ $(CP_LIBS) $(CORE_LIBS)

.PHONY: integration-build fuzz-programs
integration-build: programs $(integration_bin) $(bench_bin)
fuzz-programs: $(fuzz_bin)

-include $(shell find $(BUILD)/obj -name '*.d' 2>/dev/null)

# --- verbs -------------------------------------------------------------------------------------------------
# A verb installs what it needs, then calls make again: pkg-config and the compiler are there only from then on.

DEPS      ?= yes
JOBS      ?= $(shell nproc)
HUGEPAGES ?= 512
PREFIX    ?= /usr/local
FUZZ_S    ?= 60
deps       = $(Q)$(if $(filter no,$(DEPS)),:,drivers-config/packages.sh)
sub        = +$(Q)$(MAKE) --no-print-directory $(if $(filter -j%,$(MAKEFLAGS)),,-j$(JOBS))
fuzz_make  = CC=clang SAN=fuzzer-no-link,address,undefined BUILD=$(BUILD)/fuzz fuzz-programs

.PHONY: demo bench bench-trip bench-book bench-port bench-tcp bench-risk bench-mark bench-route bench-lane bench-check bench-journal bench-restart bench-store bench-gateway all deps test unit sim integration fuzz soak asan ubsan tsan san coverage lint docs install clean help

all: ## build every program into build/
	$(deps) build
	$(sub) programs

demo: ## a day of market data, then trading, watched and reconciled; CAPTURE=file replays real data
	$(deps) build demo
	$(Q)drivers-config/hugepages.sh $(HUGEPAGES) || true
	$(sub) programs
	$(Q)bench/demo/run --build $(BUILD) $(if $(CAPTURE),--capture '$(CAPTURE)')

bench-book: ## cost of a message: decode, book, best price (ns, instructions, memory)
	$(deps) build test
	$(Q)drivers-config/hugepages.sh $(HUGEPAGES)
	$(sub) $(BUILD)/bench/book
	$(Q)$(BUILD)/bench/book
	$(Q)bench/micro/instructions.sh $(BUILD)/bench/book apply_mix mix --messages 2000000 --live 400000

bench-port: ## what a lane takes through a shared-memory port, both lines (RATE=10000000 messages/s, DROP=1: do not wait, SEARCH=file: the highest rate without loss)
	$(deps) build demo
	$(Q)drivers-config/hugepages.sh $(HUGEPAGES) || true
	$(sub) programs
	$(Q)bench/demo/port --build $(BUILD) $(if $(RATE),--rate $(RATE)) $(if $(DROP),--drop) $(if $(SEARCH),--search '$(SEARCH)')

bench-tcp: ## cost of a frame with an order: from approved payload to what the transmit ring takes (ns, instructions)
	$(deps) build test
	$(sub) $(BUILD)/bench/tcp
	$(Q)$(BUILD)/bench/tcp
	$(Q)bench/micro/instructions.sh $(BUILD)/bench/tcp batch_send tcp_frame --messages 20000 --payload 52

bench-journal: ## events to the disk and their commits, beside fio and a bare fdatasync (BENCH_DIR: where)
	$(deps) build bench
	$(sub) $(BUILD)/bench/journal
	$(Q)$(BUILD)/bench/journal --dir $(or $(BENCH_DIR),$(BUILD))/bench-journal

bench-restart: ## a start that goes on from the journal of a full day, by stage (BENCH_DIR: where)
	$(deps) build
	$(Q)drivers-config/hugepages.sh $(HUGEPAGES)
	$(sub) programs $(BUILD)/bench/restart
	$(Q)bench/restart/run --build $(BUILD) $(if $(BENCH_DIR),--dir $(BENCH_DIR))

bench-store: ## the journal into a PostgreSQL of its own, beside psql's \copy of the same rows
	$(deps) build test
	$(sub) $(store_run)
	$(Q)bench/store/run --build $(BUILD)

bench-risk: ## cost of an order's checks: 12,000 symbols, 200 accounts, random access (ns, instructions)
	$(deps) build test
	$(Q)drivers-config/hugepages.sh $(HUGEPAGES)
	$(sub) $(BUILD)/bench/risk $(BUILD)/bench/gateway
	$(Q)$(BUILD)/bench/risk
	$(Q)bench/micro/instructions.sh $(BUILD)/bench/risk decide risk --orders 20000 --runs 1
	$(Q)bench/micro/checks.py $(BUILD)/bench/risk --orders 20000 --runs 1
	$(Q)for check in -- --book --luld --self --market; do $(BUILD)/bench/gateway $$check 1 && \
	  bench/micro/instructions.sh $(BUILD)/bench/gateway desk_enter gateway --orders 20000 $$check 1 || exit 1; done

bench-gateway: ## cost of a client's order: from its ring to the frame, and its answer (ns, instructions)
	$(deps) build test
	$(sub) $(BUILD)/bench/gateway
	$(Q)$(BUILD)/bench/gateway
	$(Q)bench/micro/instructions.sh $(BUILD)/bench/gateway request_turn gateway --orders 20000
	$(Q)bench/micro/instructions.sh $(BUILD)/bench/gateway desk_enter gateway --orders 20000

bench-lane: ## from a frame of market data to the frame with an order, inside the process and over memif and rings (ns by stage, system calls, instructions)
	$(deps) build test
	$(Q)drivers-config/hugepages.sh $(HUGEPAGES)
	$(sub) programs
	$(Q)$(BUILD)/tickgate-bench lane --silences 10 $(if $(CORE),--core $(CORE))
	$(Q)$(BUILD)/tickgate-bench lane --capture $(if $(CORE),--core $(CORE))
	$(Q)for port in memif ring; do $(BUILD)/tickgate-bench trip --port $$port --rounds 1 $(if $(CORE),--core $(CORE)) || exit 1; done
	$(Q)bench/latency/lane_instructions.sh $(BUILD)/tickgate-bench

bench: ## everything that is measured on this machine, with a report (build/bench-report; minutes; ROUND_S=n; PARTS="memif scale-*": only these)
	$(deps) build test demo bench
	$(Q)drivers-config/hugepages.sh $(HUGEPAGES)
	$(sub) programs $(BUILD)/bench/risk $(BUILD)/tests/lib/store_run
	$(Q)bench/latency/run.sh $(BUILD)/tickgate-bench $(BUILD)/bench-report $(or $(ROUND_S),2) $(PARTS)

bench-trip: ## the same through memif, between two cores, beside an echo over memif (PORT=ring|..., RATE=n: open loop)
	$(deps) build test
	$(Q)drivers-config/hugepages.sh $(HUGEPAGES)
	$(sub) programs
	$(Q)$(BUILD)/tickgate-bench trip --port $(or $(PORT),memif) $(if $(RATE),--rate $(RATE)) $(if $(CORE),--core $(CORE))

bench-check: ## instructions of an order's way against the baseline (exact; fails when there are more), and times against those of this class of machine (told)
	$(deps) build test
	$(sub) programs
	$(Q)bench/latency/baseline.py $(BUILD)/tickgate-bench
	$(Q)bench/latency/check.sh $(BUILD)/tickgate-bench

bench-mark: ## what marking positions costs, from their table and as arrays with and without vector instructions
	$(deps) build test
	$(Q)drivers-config/hugepages.sh $(HUGEPAGES)
	$(sub) $(BUILD)/bench/mark
	$(Q)$(BUILD)/bench/mark

bench-route: ## cost of a routed order: plan, and all of it with two venues (ns, instructions)
	$(deps) build test
	$(sub) $(BUILD)/bench/route
	$(Q)$(BUILD)/bench/route
	$(Q)bench/micro/instructions.sh $(BUILD)/bench/route plan_once plan-split --orders 20000
	$(Q)bench/micro/instructions.sh $(BUILD)/bench/route route_once route-split --orders 20000

deps: ## install the packages that every verb needs (Debian; says what and why)
	$(deps) build test lint demo

test: ## all tests: unit, simulation, integration, fuzz corpora
	$(deps) build test
	$(Q)drivers-config/hugepages.sh $(HUGEPAGES)
	$(sub) programs unit-build integration-build
	$(sub) $(fuzz_make)
	$(Q)tests/run --build $(BUILD) unit sim integration fuzz

unit: ## unit tests
	$(deps) build test
	$(sub) unit-build
	$(Q)tests/run --build $(BUILD) unit

sim: ## simulation: the dataplane on a simulated port and clock
	$(deps) build test
	$(sub) unit-build
	$(Q)tests/run --build $(BUILD) sim

integration: ## real processes and ports
	$(deps) build test
	$(Q)drivers-config/hugepages.sh $(HUGEPAGES)
	$(sub) programs integration-build
	$(Q)tests/run --build $(BUILD) integration

fuzz: ## every fuzzer for FUZZ_S seconds (60), findings in build/fuzz
	$(deps) build test
	$(sub) $(fuzz_make)
	$(Q)tests/lib/run_fuzz.sh $(BUILD)/fuzz $(FUZZ_S)

soak: ## simulation over SOAK_SEEDS seeds (5000), from SOAK_SEED on (1); SOAK_KILLS kills (1000) of whoever trades and writes, beside the journal, and beside the database
	$(deps) build test
	$(sub) programs unit-build $(fake_dataplane)
	$(Q)TICKGATE_SEEDS=$(or $(SOAK_SEEDS),5000) TICKGATE_SEED=$(or $(SOAK_SEED),1) \
	  tests/run --build $(BUILD) --timeout-factor 100 sim
	$(Q)skipped=; for part in journal_kill restart_kill store_kill; do \
	  code=0; TICKGATE_BUILD=$(BUILD) TICKGATE_KILLS=$(or $(SOAK_KILLS),1000) TICKGATE_SEED=$(or $(SOAK_SEED),1) \
	    tests/integration/$${part}_test.py || code=$$?; \
	  case $$code in 0) ;; 77) skipped="$$skipped $$part" ;; *) exit $$code ;; esac; \
	done; \
	[ -z "$$skipped" ] || { echo "soak: skipped, so not shown:$$skipped" >&2; exit 77; }

asan: san = address ## unit tests and simulation under AddressSanitizer
ubsan: san = undefined ## the same under UndefinedBehaviorSanitizer
tsan: san = thread ## the same under ThreadSanitizer
san: san = address,undefined ## the same under the first two at once
asan ubsan tsan san: san_build = $(BUILD)/san-$(subst $(comma),-,$(strip $(san)))
asan ubsan tsan san:
	$(deps) build test
	$(sub) SAN=$(strip $(san)) BUILD=$(san_build) unit-build
	$(Q)SIM_SECONDS=15 tests/run --build $(san_build) --timeout-factor 10 unit sim

coverage: ## lines and branches that unit tests and simulation reach, per room
	$(deps) build test
	$(sub) COV=1 BUILD=$(BUILD)/coverage unit-build
	$(Q)find $(BUILD)/coverage -name '*.gcda' -delete
	$(Q)SIM_SECONDS=15 tests/run --build $(BUILD)/coverage --timeout-factor 10 unit sim
	$(Q)tests/lib/run_coverage.py $(BUILD)/coverage

lint: ## include direction, sizes, lane rules, formatting, clang-tidy, cppcheck, spelling ...
	$(deps) build lint
	$(sub) lint-build
	$(Q)tests/lint/run --build $(BUILD)

docs: ## write docs/configuration.md, docs/control.md, docs/controls.md and docs/logs.md from their tables
	$(deps) build
	$(sub) programs
	$(Q)$(BUILD)/tickgate-dataplane --options >docs/configuration.md
	$(sub) $(BUILD)/tests/unit/cli/doc_test
	$(Q)TICKGATE_GOLDEN=write $(BUILD)/tests/unit/cli/doc_test
	$(Q)python3 tests/lint/controls.py >docs/controls.new && mv docs/controls.new docs/controls.md
	$(Q)python3 tests/lint/logs.py >docs/logs.new && mv docs/logs.new docs/logs.md

install: ## programs, their units, manual page and completions, the client library, its header and that of strategies into DESTDIR/PREFIX
	$(deps) build
	$(sub) programs
	$(Q)install -d $(DESTDIR)$(PREFIX)/bin
	$(if $(have),$(Q)install -m 755 $(have) $(DESTDIR)$(PREFIX)/bin)
	$(Q)install -d $(DESTDIR)$(PREFIX)/lib/systemd/system
	$(Q)for unit in drivers-config/systemd/*.service; do \
	  sed 's,/usr/local/bin,$(PREFIX)/bin,' $$unit >$(DESTDIR)$(PREFIX)/lib/systemd/system/$${unit##*/}; done
	$(Q)install -d $(DESTDIR)$(PREFIX)/share/man/man1 $(DESTDIR)$(PREFIX)/share/bash-completion/completions \
	  $(DESTDIR)$(PREFIX)/share/zsh/site-functions
	$(Q)$(BUILD)/tickgate man >$(DESTDIR)$(PREFIX)/share/man/man1/tickgate.1
	$(Q)$(BUILD)/tickgate completion bash >$(DESTDIR)$(PREFIX)/share/bash-completion/completions/tickgate
	$(Q)$(BUILD)/tickgate completion zsh >$(DESTDIR)$(PREFIX)/share/zsh/site-functions/_tickgate
	$(Q)install -d $(DESTDIR)$(PREFIX)/lib $(DESTDIR)$(PREFIX)/include
	$(Q)install -m 644 $(BUILD)/libtickgate.a $(DESTDIR)$(PREFIX)/lib
	$(Q)install -m 755 $(BUILD)/$(client_so) $(DESTDIR)$(PREFIX)/lib
	$(Q)ln -sf $(client_so) $(DESTDIR)$(PREFIX)/lib/libtickgate.so
	$(Q)install -m 644 $(client_header) $(DESTDIR)$(PREFIX)/include
	$(Q)install -D -m 644 dataplane/strategy/strategy.h $(DESTDIR)$(PREFIX)/include/tickgate/strategy.h

clean: ## remove the build directory
	rm -rf $(BUILD)

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' Makefile | expand -t 14

# Flags of a compilation, for clang-tidy and cppcheck; headers that the build generates must be there first.
.PHONY: lint-build lint-flags
lint-build: $(gen_headers) programs
lint-flags:
	$(info $(CPPFLAGS) $(DPDK_CFLAGS) $(LWIP_CFLAGS) $(PQ_CFLAGS) -DSTRATEGIES_DIR='""' -DALLOW_EXPERIMENTAL_API -std=c11)@:
