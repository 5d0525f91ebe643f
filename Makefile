# Every verb of the project; `make help` lists them.
#
# Variables: BUILD=dir (default build), CC, MARCH, SAN=address,undefined|thread (own build directory), V=1.

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
OPT      := $(if $(SAN),-O1,-O3) -g -fno-omit-frame-pointer
CPPFLAGS := -I. -I$(BUILD)/gen -D_GNU_SOURCE -DTICKGATE_VERSION='"$(VERSION)"'
CFLAGS   := -std=c11 $(WARN) $(OPT) -march=$(MARCH) -fno-common -fstack-protector-strong -pthread \
            $(if $(SAN),-fsanitize=$(SAN) -fno-sanitize-recover=all)
LDFLAGS  := -pthread -Wl,--as-needed -Wl,-z,relro,-z,now -rdynamic $(if $(SAN),-fsanitize=$(SAN))

# --- rooms -------------------------------------------------------------------------------------------------
# A room is a folder of the dataplane or control plane. `main.c` in a room is a program and stays out of the
# archives; files named dpdk_*.c are the only ones that may include rte_* headers.

core_rooms := abi base config wire feed book
lane_rooms := lane control port
cp_rooms   := region control cli
src_of      = $(filter-out %/main.c,$(foreach r,$(2),$(wildcard $(1)/$(r)/*.c)))
core_src   := $(call src_of,dataplane,$(core_rooms))
dpdk_src   := $(wildcard dataplane/port/dpdk_*.c)
lane_src   := $(filter-out $(dpdk_src),$(call src_of,dataplane,$(lane_rooms)))
cp_src     := $(call src_of,controlplane,$(cp_rooms))
exch_src   := $(filter-out %/main.c %/dpdk_link.c,$(wildcard bench/exchange/*.c))
obj         = $(patsubst %.c,$(BUILD)/obj/%.o,$(1))

core_lib := $(BUILD)/libtickgate-core.a
lane_lib := $(BUILD)/libtickgate-lane.a
cp_lib   := $(BUILD)/libtickgate-controlplane.a
exch_lib := $(BUILD)/libtickgate-exchange.a

DPDK_CFLAGS := $(shell pkg-config --cflags libdpdk 2>/dev/null | sed 's/-march=[^ ]*//')
DPDK_LIBS   := $(shell pkg-config --libs libdpdk 2>/dev/null)
CORE_LIBS   := -lyaml -lnuma -lhugetlbfs -lz -lm -ldl
CP_LIBS     := -ljansson

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

.PHONY: all
all: $(have)

$(BUILD)/tickgate: $(call obj,$(main_tickgate)) $(cp_lib) $(core_lib)
$(BUILD)/tickgate-controlplane: $(call obj,$(main_tickgate-controlplane)) $(cp_lib) $(core_lib)
$(BUILD)/tickgate-dataplane: $(call obj,$(main_tickgate-dataplane)) $(call obj,$(dpdk_src)) $(lane_lib) $(core_lib)
$(BUILD)/tickgate-exchange: $(call obj,$(main_tickgate-exchange) $(wildcard bench/exchange/dpdk_link.c)) $(exch_lib) \
                            $(core_lib)
$(BUILD)/tickgate-book: $(call obj,$(main_tickgate-book)) $(core_lib)
$(BUILD)/tickgate-bench: $(call obj,$(main_tickgate-bench)) $(exch_lib) $(lane_lib) $(core_lib)

$(BUILD)/tickgate $(BUILD)/tickgate-controlplane: LIBS = $(CP_LIBS) $(CORE_LIBS)
$(BUILD)/tickgate-dataplane $(BUILD)/tickgate-exchange: LIBS = $(DPDK_LIBS) -lrte_net_ring $(CORE_LIBS)
$(BUILD)/tickgate-book $(BUILD)/tickgate-bench: LIBS = $(CORE_LIBS)

$(have):
	@echo "  LINK  $@"
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ $(LIBS)

$(core_lib): $(call obj,$(core_src))
$(lane_lib): $(call obj,$(lane_src))
$(cp_lib):   $(call obj,$(cp_src))
$(exch_lib): $(call obj,$(exch_src))
$(core_lib) $(lane_lib) $(cp_lib) $(exch_lib):
	@echo "  AR    $@"
	$(Q)rm -f $@ && ar rcsD $@ $^

DPDK_OBJ := $(call obj,$(dpdk_src) bench/exchange/dpdk_link.c)
$(DPDK_OBJ): CPPFLAGS += $(DPDK_CFLAGS) -DALLOW_EXPERIMENTAL_API
$(BUILD)/obj/tests/integration/%.o: CPPFLAGS += $(DPDK_CFLAGS) -DALLOW_EXPERIMENTAL_API

$(BUILD)/obj/%.o: %.c | $(gen_headers)
	@echo "  CC    $<"
	@mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<

# --- tests -------------------------------------------------------------------------------------------------
# tests/unit/<room>/<name>_test.c is one cmocka program; it mirrors the tree and links the core archive only,
# unless a line below adds more.

unit_src  := $(wildcard tests/unit/*/*_test.c)
sim_src   := $(wildcard tests/sim/*_test.c)
unit_bin  := $(patsubst tests/%.c,$(BUILD)/tests/%,$(unit_src) $(sim_src))

.PHONY: unit-build
unit-build: $(unit_bin)

$(unit_bin): $(BUILD)/tests/%: $(BUILD)/obj/tests/%.o $(lane_lib) $(core_lib)
	@echo "  LINK  $@"
	@mkdir -p $(@D)
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ $(LIBS) -lcmocka $(CORE_LIBS)

-include $(shell find $(BUILD)/obj -name '*.d' 2>/dev/null)

.PHONY: clean help
clean:
	rm -rf $(BUILD)
help:
	@grep -E '^[a-z-]+:.*##' Makefile | sed 's/:.*##/\t/' | expand -t 18
