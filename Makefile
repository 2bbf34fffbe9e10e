# SPDX-License-Identifier: GPL-2.0-or-later
# make [all] · man · demo [SECONDS=n] · test · test-systemd · shell-systemd · test-vm · shell-vm · sweep · lint · fuzz [SECONDS=n] · soak [KILLS=n SEED=n] · bench · install [DESTDIR=] [PREFIX=/usr] · clean · test-fresh
# SAN=address,undefined builds everything with sanitizers, into a folder of its own.

PREFIX ?= /usr
SAN    ?=
BUILD  := build$(if $(SAN),-san)
CC     := gcc
CLANG  ?= clang

# What is missing is installed first, and said so; "installed" is remembered per machine and version of the list.
ifeq ($(filter clean install lint-docs,$(MAKECMDGOALS)),)
ifneq ($(shell scripts/deps --need >&2 && echo ok),ok)
$(error the tools to build with could not be installed: see above)
endif
endif

WARN     := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wno-missing-field-initializers -Werror
CFLAGS   ?= -O2 -g
OURFLAGS := -std=gnu11 -D_GNU_SOURCE $(WARN) -fno-omit-frame-pointer -fPIE -MMD -MP -I. \
	$(if $(SAN),-fsanitize=$(SAN) -fno-sanitize-recover=all -DAGENT_SAN,-D_FORTIFY_SOURCE=2 -fstack-protector-strong) \
	$(shell pkg-config --cflags dbus-1)
OURLD    := -pie -Wl,-z,relro,-z,now -Wl,--as-needed -pthread $(if $(SAN),-fsanitize=$(SAN))
COMMON_LIBS := -luv -lsystemd -lnanomsg -lyaml -lseccomp -lcap-ng

obj = $(patsubst %.c,$(BUILD)/%.o,$(1))

# Helpers with other rights are binaries of their own in their daemon's room.
LOAD_SRC     := $(filter-out loaderd/loaderd.c,$(wildcard loaderd/load*.c loaderd/layout_*.c loaderd/attach*.c loaderd/artifact*.c))
BROKER_SRC   := loaderd/broker.c
LAUNCHER_SRC := channeld/launcher.c
SANDBOX_SRC  := $(wildcard channeld/sandbox*.c)

BIN := $(addprefix $(BUILD)/bin/,ebpf-loaderd ebpf-load ebpf-broker ebpf-tagd ebpf-channeld ebpf-launcher \
	ebpf-sandbox ebpf-sinkd ebpf-xdpd ebpfctl)
BPF := $(patsubst bpf/%.bpf.c,programs/%.bpf.o,$(wildcard bpf/*.bpf.c))

.PHONY: all bpf man demo test test-systemd shell-systemd test-vm shell-vm sweep lint fuzz soak bench install clean test-fresh sdk-example
all: $(BIN) $(BPF) $(BUILD)/sdk/example.so $(BUILD)/sdk/example_load.so man

$(BUILD)/%.o: %.c
	@mkdir -p $(@D)
	@echo "  CC    $<"
	@$(CC) $(OURFLAGS) $(CFLAGS) -c $< -o $@

$(BUILD)/libagent.a: $(call obj,$(wildcard common/*.c))
	@echo "  AR    $@"
	@rm -f $@ && ar rcs $@ $^

define binary
$(BUILD)/bin/$(1): $(call obj,$(2)) $(BUILD)/libagent.a
	@mkdir -p $$(@D)
	@echo "  LD    $$@"
	@$(CC) $(OURLD) $$(filter %.o,$$^) $(BUILD)/libagent.a $(3) -o $$@
	@chmod 755 $$@
endef
without = $(filter-out $(2),$(wildcard $(1)))
$(eval $(call binary,ebpf-loaderd,$(call without,loaderd/*.c,$(LOAD_SRC) $(BROKER_SRC)),$(COMMON_LIBS) -lbpf))
$(eval $(call binary,ebpf-load,$(LOAD_SRC),$(COMMON_LIBS) -lbpf -ldw -lelf -lcrypto -lz))
$(eval $(call binary,ebpf-broker,$(BROKER_SRC),$(COMMON_LIBS)))
$(eval $(call binary,ebpf-tagd,$(wildcard tagd/*.c),$(COMMON_LIBS)))
$(eval $(call binary,ebpf-channeld,$(call without,channeld/*.c,$(LAUNCHER_SRC) $(SANDBOX_SRC)),$(COMMON_LIBS) -lbpf))
$(eval $(call binary,ebpf-launcher,$(LAUNCHER_SRC),$(COMMON_LIBS)))
$(eval $(call binary,ebpf-sandbox,$(SANDBOX_SRC),$(COMMON_LIBS) -ldl))
$(eval $(call binary,ebpf-sinkd,$(wildcard sinkd/*.c),$(COMMON_LIBS)))
$(eval $(call binary,ebpf-xdpd,$(wildcard xdpd/*.c),$(COMMON_LIBS)))
$(eval $(call binary,ebpfctl,$(wildcard ebpfctl/*.c),$(COMMON_LIBS) -ldbus-1))

# BPF objects lie beside the YAML that names them, here as when installed.
BPF_ARCH := $(subst x86_64,x86,$(subst aarch64,arm64,$(shell uname -m)))
programs/%.bpf.o: bpf/%.bpf.c
	@mkdir -p $(BUILD)/bpf
	@echo "  BPF   $@"
	@$(CLANG) -MMD -MP -MF $(BUILD)/bpf/$*.d -target bpf -mcpu=v3 -D__TARGET_ARCH_$(BPF_ARCH) -g -O2 -Wall -Wextra -Wno-unused-parameter -Werror -Ibpf -Iabi -I. -c $< -o $@
bpf: $(BPF)

# Pages and completion are printed from the tables of the binaries: what a table has is in them.
MAN := $(patsubst man/%.in,$(BUILD)/man/%,$(wildcard man/*.in))
man: $(MAN) $(BUILD)/completion/ebpfctl
$(BUILD)/man/%: man/%.in $(wildcard man/*.inc) scripts/man $(BIN)
	@mkdir -p $(@D)
	@echo "  MAN   $@"
	@BUILD=$(BUILD) scripts/man $< >$@.new && mv $@.new $@
$(BUILD)/completion/ebpfctl: ebpfctl/completion.bash scripts/man $(BUILD)/bin/ebpfctl
	@mkdir -p $(@D)
	@BUILD=$(BUILD) scripts/man $< >$@.new && mv $@.new $@

# The user's side: a processor built with the SDK header alone.
$(BUILD)/sdk/%.so: sdk/%.c $(wildcard sdk/*.h abi/*.h)
	@mkdir -p $(@D)
	@echo "  SO    $@"
	@$(CC) -std=gnu11 -O2 -g -Wall -Wextra -Werror -shared -fPIC -Isdk -Iabi $< -o $@

# Unit tests mirror the tree: tests/<room>/test_<file>.c, linked with libagent and the room's own objects.
TEST_SRC := $(wildcard tests/common/test_*.c tests/loaderd/test_*.c tests/channeld/test_*.c tests/sinkd/test_*.c tests/ebpfctl/test_*.c)
TEST_BIN := $(patsubst %.c,$(BUILD)/%,$(TEST_SRC))
room_objs = $(call obj,$(filter-out $(1)/main.c $(BROKER_SRC) $(LAUNCHER_SRC) $(SANDBOX_SRC) loaderd/load.c,$(wildcard $(1)/*.c)))
define test_rule
$(BUILD)/tests/$(1)/test_%: $(BUILD)/tests/$(1)/test_%.o $(if $(filter-out common,$(1)),$(call room_objs,$(1))) $(BUILD)/libagent.a
	@echo "  LD    $$@"
	@$(CC) $(OURLD) $$(filter %.o,$$^) $(BUILD)/libagent.a -lcmocka $(COMMON_LIBS) -lbpf -ldw -lelf -lcrypto -lz -ldbus-1 -o $$@
endef
$(foreach r,common loaderd channeld sinkd ebpfctl,$(eval $(call test_rule,$(r))))
# bpf/ compiled for user space: each test includes the program it is about; the helpers are tests/bpf_user/user.c.
# BPF_CORE_READ takes addresses of fields of what may be no pointer at all, and reads none.
BPF_USER_SAN := -fno-sanitize=null,alignment,pointer-overflow
BPF_USER_FLAGS := -Itests/bpf_user -Ibpf -Iabi -D__TARGET_ARCH_$(BPF_ARCH) -Wno-missing-prototypes -Wno-unused-parameter \
	$(if $(SAN),$(BPF_USER_SAN))
TEST_BIN += $(patsubst %.c,$(BUILD)/%,$(wildcard tests/bpf_user/test_*.c))
$(BUILD)/tests/bpf_user/%.o: OURFLAGS += $(BPF_USER_FLAGS)
$(BUILD)/tests/bpf_user/test_%: $(BUILD)/tests/bpf_user/test_%.o $(BUILD)/tests/bpf_user/user.o
	@echo "  LD    $@"
	@$(CC) $(OURLD) $^ -lcmocka -o $@
# Fuzzers, by clang's libFuzzer; they have sanitizers of their own, so SAN builds leave them out. (pointer-overflow: an empty
# list's NULL + 0, which only clang minds.)
FUZZ     := build/fuzz
FUZZ_BIN := $(patsubst tests/fuzz/%.c,$(FUZZ)/bin/%,$(wildcard tests/fuzz/fuzz_*.c))
FUZZ_CC  := $(CLANG) -std=gnu11 -D_GNU_SOURCE -O1 -g -w -fno-omit-frame-pointer -I. -DAGENT_SAN \
	-fsanitize=fuzzer-no-link,address,undefined -fno-sanitize=pointer-overflow -fno-sanitize-recover=all
fuzz_objs = $(patsubst %.c,$(FUZZ)/%.o,$(1))
$(FUZZ)/tests/%.o: FUZZ_CC += $(BPF_USER_FLAGS) $(BPF_USER_SAN)
$(FUZZ)/%.o: %.c
	@mkdir -p $(@D)
	@echo "  FUZZ  $<"
	@$(FUZZ_CC) -MMD -MP -c $< -o $@
$(FUZZ)/libagent.a: $(call fuzz_objs,$(wildcard common/*.c))
	@rm -f $@ && ar rcs $@ $^
$(FUZZ)/bin/fuzz_encode: $(call fuzz_objs,channeld/plan.c $(wildcard channeld/encode*.c))
$(FUZZ)/bin/fuzz_line: $(call fuzz_objs,channeld/line.c)
$(FUZZ)/bin/fuzz_exec $(FUZZ)/bin/fuzz_tcpstate: $(FUZZ)/tests/bpf_user/user.o
$(FUZZ)/bin/fuzz_%: $(FUZZ)/tests/fuzz/fuzz_%.o $(FUZZ)/libagent.a
	@mkdir -p $(@D)
	@echo "  LD    $@"
	@$(CLANG) -fsanitize=fuzzer,address,undefined $(filter %.o,$^) $(FUZZ)/libagent.a -Wl,--as-needed $(COMMON_LIBS) -o $@
# Tools that end-to-end tests and benchmarks start.
TOOL_SRC := $(wildcard tests/tools/*.c)
TOOL_BIN := $(patsubst %.c,$(BUILD)/%,$(TOOL_SRC))
$(BUILD)/tests/tools/%: $(BUILD)/tests/tools/%.o $(BUILD)/libagent.a
	@echo "  LD    $@"
	@$(CC) $(OURLD) $< $(BUILD)/libagent.a $(COMMON_LIBS) -lbpf -lelf -lz -o $@
TEST_BPF := $(patsubst tests/bpf/%.bpf.c,$(BUILD)/tests/bpf/%.bpf.o,$(wildcard tests/bpf/*.bpf.c))
$(BUILD)/tests/bpf/%.bpf.o: tests/bpf/%.bpf.c
	@mkdir -p $(@D)
	@echo "  BPF   $@"
	@$(CLANG) -MMD -MP -MF $(@:.o=.d) -target bpf -mcpu=v3 -D__TARGET_ARCH_$(BPF_ARCH) -g -O2 -Wall -Wno-unused -Ibpf -Iabi -I. -c $< -o $@
TEST_BPF += $(BUILD)/tests/bpf/tick.nobtf.o
$(BUILD)/tests/bpf/%.nobtf.o: $(BUILD)/tests/bpf/%.bpf.o
	@llvm-objcopy --remove-section .BTF --remove-section .rel.BTF --remove-section .BTF.ext --remove-section .rel.BTF.ext $< $@
TEST_SO := $(patsubst tests/so/%.c,$(BUILD)/tests/so/%.so,$(wildcard tests/so/*.c))
$(BUILD)/tests/so/%.so: tests/so/%.c $(wildcard sdk/*.h abi/*.h)
	@mkdir -p $(@D)
	@echo "  SO    $@"
	@$(CC) -std=gnu11 -O2 -g -Wall -shared -fPIC -Isdk -Iabi $< -o $@
# Preloaded by the failure sweep; it wants no sanitizer of its own.
SWEEP_SHIM := $(BUILD)/tests/sweep/shim.so
$(SWEEP_SHIM): tests/sweep/shim.c tests/sweep/order.h
	@mkdir -p $(@D)
	@echo "  SO    $@"
	@$(CC) -std=gnu11 -D_GNU_SOURCE $(filter-out -Wmissing-prototypes,$(WARN)) -O2 -g -fPIC -shared $< -o $@
# Processors in Go, with the SDK's file beside each; scripts/deps sees to a Go.
GO := $(or $(shell command -v go 2>/dev/null),/usr/lib/go/bin/go)
TEST_GO := $(patsubst tests/go/%.go,$(BUILD)/tests/go/%.so,$(wildcard tests/go/*.go))
$(BUILD)/tests/go/%.so: tests/go/%.go sdk/go/tracer.go
	@mkdir -p $(BUILD)/tests/go/$*
	@cp $^ $(BUILD)/tests/go/$*
	@echo "  GO    $@"
	@cd $(BUILD)/tests/go/$* && GOCACHE=$(CURDIR)/$(BUILD)/go-cache CGO_ENABLED=1 $(GO) build -buildmode=c-shared -o ../$*.so *.go

.PRECIOUS: $(BUILD)/%.o $(FUZZ)/%.o
.PHONY: tests
tests: all $(TEST_BIN) $(TOOL_BIN) $(TEST_BPF) $(TEST_SO) $(TEST_GO) $(SWEEP_SHIM)
# The fuzzers are compiled apart: only for whoever runs them.
test: tests $(if $(SAN),,$(if $(filter tests/fuzz/%,$(or $(TESTS),tests/fuzz/all)),$(FUZZ_BIN)))
	@BUILD=$(CURDIR)/$(BUILD) SAN=$(SAN) scripts/test $(TESTS)

# On machines that the tests boot (tests/vm): systemd-nspawn on this kernel, which `make test` runs as well, and QEMU with Debian's.
test-systemd: tests
	@BUILD=$(CURDIR)/$(BUILD) SAN=$(SAN) scripts/test tests/systemd/*.t tests/units/*.t
shell-systemd: tests
	@BUILD=$(CURDIR)/$(BUILD) tests/vm/nspawn -s
test-vm: tests
	@scripts/deps --vm
	@BUILD=$(CURDIR)/$(BUILD) SAN=$(SAN) scripts/test $(or $(filter tests/vm/%,$(TESTS)),tests/vm/*.t)
shell-vm: tests
	@scripts/deps --vm
	@BUILD=$(CURDIR)/$(BUILD) tests/vm/qemu -s

# One call of one process fails, in a run for each: all that there are. POINT=… one of them; SWEEP="--paths --kind sinkd" picks.
sweep: tests
	@BUILD=$(CURDIR)/$(BUILD) tests/sweep/sweep.py $(if $(POINT),--point $(POINT),--book $(BUILD)/sweep/results $(SWEEP))

demo: all
	@SECONDS_TO_RUN=$(SECONDS) BUILD=$(BUILD) scripts/demo

fuzz: $(FUZZ_BIN)
	@scripts/fuzz $(or $(SECONDS),60) $(FUZZ_BIN)

# The long storm: KILLS=1000 SEED=… ROUND=…
soak: tests
	@BUILD=$(CURDIR)/$(BUILD) SAN=$(SAN) tests/soak/storm.sh

bench: tests
	@BUILD=$(CURDIR)/$(BUILD) scripts/bench

lint:
	@scripts/lint

test-fresh:
	@scripts/test-fresh

install: all
	@DESTDIR=$(DESTDIR) PREFIX=$(PREFIX) BUILD=$(BUILD) scripts/install

clean:
	rm -rf build build-san programs/*.bpf.o

-include $(shell find $(BUILD) -path $(BUILD)/vm -prune -o -type f -name '*.d' -print 2>/dev/null)
