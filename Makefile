# The verbs of this repository; `make help` lists them. C files are found, never listed.
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
SHELL := /bin/sh
.PHONY: help setup demo test test-c test-minimal test-avif-next asan asan-c asan-python tsan-c lint \
	bench bench-kernels instructions instructions-record proof clean fuzz fuzz-short \
	fuzz-programs coverage c-programs FORCE

PYTHON := .venv/bin/python
CC ?= gcc
OUT ?= build/c
SAN :=
SANITIZERS := address,undefined
SAN_FLAGS := -fsanitize=$(SANITIZERS) -fno-omit-frame-pointer -fno-sanitize-recover=all -O1

# --- what is built -----------------------------------------------------------------

VERSION := $(shell sed -n 's/^version = "\([^"]*\)".*/\1/p' pyproject.toml)
# Optional ones as in setup.py: LAZYIMAGE_WEBP=off builds without; what needs it is left out.
ISAL = $(if $(filter off,$(LAZYIMAGE_ISAL)),,$(shell pkg-config --exists libisal && echo libisal))
DEFLATE = $(if $(filter off,$(LAZYIMAGE_DEFLATE)),,$(shell pkg-config --exists libdeflate && \
	echo libdeflate))
WEBP := $(if $(filter off,$(LAZYIMAGE_WEBP)),,$(shell pkg-config --modversion libwebp 2>/dev/null))
AVIF := $(if $(filter off,$(LAZYIMAGE_AVIF)),,$(shell pkg-config --exists libavif && echo libavif))
LCMS2 := $(if $(filter off,$(LAZYIMAGE_LCMS2)),,$(shell pkg-config --exists lcms2 && echo lcms2))
MODULES = libjpeg libpng zlib $(ISAL) $(DEFLATE) $(AVIF) $(if $(WEBP),libwebp) $(LCMS2)
LEFT_OUT := $(if $(WEBP),,csrc/codecs/webp/% tests/c/codecs/test_webp_% tests/fuzz/%_webp.c) \
	$(if $(AVIF),,csrc/codecs/avif/% csrc/python/avif_module.c tests/c/codecs/test_avif_% \
	tests/fuzz/%_avif.c) $(if $(LCMS2),,tests/c/color/test_curves.c)
C_FILES := $(filter-out $(LEFT_OUT),$(sort $(shell find csrc -name '*.c')))
HEADERS := $(sort $(shell find csrc tests/c tests/fuzz tests/reliability -name '*.h'))
CORE := $(filter-out csrc/python/%,$(C_FILES))
TEST_FILES := $(filter-out $(LEFT_OUT),$(sort $(wildcard tests/c/*/test_*.c)))
THREADED := tests/c/base/test_guard.c tests/c/image/test_ahead.c tests/c/group/test_tee.c \
	tests/c/codecs/test_png_stream.c tests/c/group/test_budget.c tests/c/group/test_group.c
FUZZ_FILES := $(filter-out $(LEFT_OUT),$(sort $(wildcard tests/fuzz/fuzz_*.c)))
TOOL_FILES := tests/c/codecs/samples.c benchmarks/png_read.c
TOOL_FILES += tests/reliability/sanitized.c
TOOL_FILES += tests/reliability/allocations.c
# Those that others preload or link; each is linted as the tools are.
SHIM_FILES := tests/reliability/heap_faults.c tests/reliability/output_faults.c
PROGRAMS := $(patsubst %.c,$(OUT)/%,$(TEST_FILES) $(TOOL_FILES))

# Recursively expanded: pkg-config may not be there before setup has run.
WARNINGS := -Wall -Wextra -Wshadow
DEFINES = -D_GNU_SOURCE -DLI_VERSION='"$(VERSION)"' $(if $(ISAL),-DLI_HAVE_ISAL=1) \
	$(if $(DEFLATE),-DLI_HAVE_DEFLATE=1) $(if $(AVIF),-DLI_HAVE_AVIF=1) \
	$(if $(LCMS2),-DLI_HAVE_LCMS2=1) \
	$(if $(WEBP),-DLI_HAVE_WEBP=1 -DLI_WEBP_VERSION='"$(WEBP)"') \
	$(shell pkg-config --cflags $(MODULES))
CFLAGS_ALL = -std=c11 -O2 -g $(WARNINGS) -Icsrc -Itests/c -ffp-contract=off \
	$(DEFINES) $(SAN) $(LAZYIMAGE_CFLAGS)
LIBS = $(shell pkg-config --libs $(MODULES)) -lm -lpthread

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/\1|\2/p' $(MAKEFILE_LIST) | \
		while IFS='|' read -r verb words; do printf '  make %-13s%s\n' "$$verb" "$$words"; done

setup: ## install what is missing, make .venv, build the extension; instant when done
	@tools/setup.sh

demo: setup ## one picture through the pipeline, with its figures
	@$(PYTHON) benchmarks/demo.py

# --- tests -------------------------------------------------------------------------

test: ## every test: C programs, then pytest on every interpreter from 3.11 up
	@tools/setup.sh --pythons
	@$(MAKE) --no-print-directory c-programs
	@$(PYTHON) tools/run_tests.py --c $(OUT) --venvs build/venvs

test-c: setup ## the C tests alone, without Python
	@$(MAKE) --no-print-directory c-programs
	@$(PYTHON) tools/run_tests.py --c $(OUT)

test-avif-next: ## the AVIF tests on the libavif of Debian's next release, fetched and unpacked aside
	@tools/avif_next.sh

MINIMAL := LAZYIMAGE_LCMS2=off LAZYIMAGE_WEBP=off LAZYIMAGE_AVIF=off LAZYIMAGE_DEFLATE=off LAZYIMAGE_ISAL=off \
	LAZYIMAGE_CFLAGS=-DLI_PLAIN

test-minimal: setup ## a build without optional libraries: C tests, the quick Python suite
	@$(MINIMAL) $(MAKE) --no-print-directory c-programs OUT=build/minimal/c
	@$(PYTHON) tools/run_tests.py --c build/minimal/c
	@rm -rf build/minimal/lib
	@$(MINIMAL) $(PYTHON) -W ignore setup.py -q build --build-lib build/minimal/lib
	@LAZYIMAGE_LCMS2=off LAZYIMAGE_WEBP=off LAZYIMAGE_AVIF=off PYTHONPATH=$(CURDIR)/build/minimal/lib $(PYTHON) -m pytest -q -p no:cacheprovider \
		-m 'not slow and not corpus'

NEON_TESTS := $(patsubst tests/c/%.c,build/neon/%,$(wildcard tests/c/kernels/test_*.c) \
	tests/c/codecs/test_png_filter.c)
NEON_CORE := csrc/base/base.c csrc/base/cpu.c $(wildcard csrc/kernels/*.c) \
	$(wildcard csrc/codecs/png/filter*.c)

.PHONY: test-neon
test-neon: ## the kernels and PNG's filters built for arm64, tested under qemu
	@tools/setup.sh --neon
	@$(MAKE) --no-print-directory $(NEON_TESTS)
	@for test in $(NEON_TESTS); do qemu-aarch64 $$test || exit 1; done

build/neon/%: tests/c/%.c $(NEON_CORE) $(HEADERS)
	@mkdir -p $(@D)
	@aarch64-linux-gnu-gcc -std=c11 -O2 $(WARNINGS) -Werror -Icsrc -Itests/c \
		-ffp-contract=off -D_GNU_SOURCE -static $< $(NEON_CORE) -lm -o $@

asan: asan-c asan-python ## C tests and the Python suite under ASan, UBSan and LSan

asan-c: setup ## the C tests under ASan, UBSan and LSan
	@$(MAKE) --no-print-directory c-programs OUT=build/asan/c SAN='$(SAN_FLAGS)'
	@$(PYTHON) tools/run_tests.py --c build/asan/c --timeout 600

# libjpeg-turbo's SIMD reads what nobody wrote beyond the end of a row, and drops it.
# They take minutes there, and their code is reached by others; valgrind ends test_guard at the
# first page that has gone; *_memory put a malloc of their own below the libraries, which valgrind
# takes away.
NOT_UNDER_VALGRIND := test_guard test_source test_crashers test_group test_tee test_png_pack \
	test_png_stream test_png_write test_webp_write test_webp_memory test_avif_memory \
	test_jpeg_memory \
	test_avif_write test_kernels test_ycc test_resize test_jpeg_skim test_jpeg_skim_damage test_run

MEMCHECK_S := 1800
MEMCHECK := env JSIMD_FORCENONE=1 valgrind -q --vex-guest-max-insns=20 --error-exitcode=9 \
	--leak-check=full --errors-for-leak-kinds=definite,indirect

.PHONY: valgrind-c
valgrind-c: ## the C tests under valgrind's memcheck, but for the longest: errors and leaks
	@tools/setup.sh --valgrind
	@$(MAKE) --no-print-directory c-programs
	@$(PYTHON) tools/run_tests.py --c $(OUT) --timeout $(MEMCHECK_S) --leave-out '$(NOT_UNDER_VALGRIND)' --only '$(ONLY)' \
		--under '$(MEMCHECK)'

tsan-c: setup ## the C tests that start threads, under TSan
	@$(MAKE) --no-print-directory $(THREADED:%.c=build/tsan/c/%) OUT=build/tsan/c \
		SAN='-fsanitize=thread -O1'
	@for program in $(THREADED:%.c=build/tsan/c/%); do \
		TSAN_OPTIONS=halt_on_error=1 $$program || exit 1; done

asan-python: setup ## the Python suite under ASan, UBSan and LSan, on an extension of its own
	@SANITIZE=$(SANITIZERS) $(PYTHON) -W ignore setup.py -q build --build-lib build/asan/lib
	@$(PYTHON) tools/run_sanitized.py build/asan

T ?= png_differential
S ?= 60
FUZZERS := $(FUZZ_FILES:tests/fuzz/fuzz_%.c=%)
FUZZ_BUILD := OUT=build/fuzz/c CC=clang-14 SAN='$(SAN_FLAGS) -fsanitize=fuzzer-no-link'
fuzz: ## one fuzzer for some seconds: make fuzz T=decode_jpeg S=600; T is a tests/fuzz/fuzz_T.c
	@tools/setup.sh --fuzz
	@$(MAKE) --no-print-directory build/fuzz/c/tests/fuzz/fuzz_$(T) $(FUZZ_BUILD)
	@$(PYTHON) tools/fuzz.py $(T) $(S)

fuzz-programs:
	@tools/setup.sh --fuzz
	@$(MAKE) --no-print-directory $(FUZZERS:%=build/fuzz/c/tests/fuzz/fuzz_%) $(FUZZ_BUILD)

.SECONDARY: $(FUZZ_FILES:%.c=build/fuzz/c/%.o) $(FUZZ_FILES:%.c=build/cover/c/%.o)
fuzz-short: fuzz-programs ## every fuzzer for five seconds
	@$(MAKE) --no-print-directory $(FUZZERS:%=fuzz-short-%)

fuzz-short-%: FORCE
	@$(PYTHON) tools/fuzz.py $* 5 >build/fuzz/$*.log 2>&1 || \
		{ tail -40 build/fuzz/$*.log; exit 1; }
	@echo "$*: $$(sed -n 's/^stat::number_of_executed_units: *//p' \
		build/fuzz/$*.log) inputs, no finding"

# Tests of the parsers, and fuzzers to give files to; -O0, so that a line is a line.
COVER_TESTS := $(filter-out %_memory.c,$(filter tests/c/codecs/% tests/c/meta/% \
	tests/c/engine/test_crashers.c,$(TEST_FILES)))
coverage: ## lines of our own parsers that tests, corpus and the fuzzers' inputs reach, by file
	@tools/setup.sh --coverage
	@$(MAKE) --no-print-directory $(COVER_TESTS:%.c=build/cover/c/%) \
		$(FUZZERS:%=build/cover/c/tests/fuzz/fuzz_%) OUT=build/cover/c CC=clang-14 \
		SAN='-fprofile-instr-generate -fcoverage-mapping -O1'
	@$(PYTHON) tools/parser_coverage.py build/cover

.PHONY: sanitized-program
sanitized-program:
	@$(MAKE) --no-print-directory build/asan/c/tests/reliability/sanitized OUT=build/asan/c \
		SAN='$(SAN_FLAGS)'

# What the rows of the scorecard call: a row that needs a C program names it here.
SCORED := tests/c/codecs/samples tests/reliability/allocations
.PHONY: reliability reliability-short
reliability: setup ## the reliability scorecard, what is missing of it: at most three hours
	@$(MAKE) --no-print-directory $(SCORED:%=$(OUT)/%)
	@$(PYTHON) tests/reliability/scorecard.py $(ROWS)

reliability-short: setup ## the short form of every row, from the beginning
	@$(MAKE) --no-print-directory $(SCORED:%=$(OUT)/%)
	@$(PYTHON) tests/reliability/scorecard.py --short --again $(ROWS)

c-programs: $(PROGRAMS)

# One line that holds every flag and file name: what was built of others is built again.
$(OUT)/made-of: FORCE
	@mkdir -p $(@D)
	@echo '$(subst ','"'"',$(CC) $(CFLAGS_ALL) $(LIBS) : $(CORE))' | cmp -s - $@ || \
		{ echo '$(subst ','"'"',$(CC) $(CFLAGS_ALL) $(LIBS) : $(CORE))' >$@; \
		rm -f $(OUT)/libli.a; find $(OUT) -name '*.o' -delete; }

$(OUT)/%.o: %.c $(OUT)/made-of
	@mkdir -p $(@D)
	@$(CC) $(CFLAGS_ALL) $(VISIBILITY) -MMD -MP -c $< -o $@

$(OUT)/libli.a: $(CORE:%.c=$(OUT)/%.o)
	@rm -f $@ && $(AR) rcs $@ $^

$(PROGRAMS): $(OUT)/%: $(OUT)/%.o $(OUT)/libli.a
	@$(CC) $(CFLAGS_ALL) $(filter %.o,$^) $(OUT)/libli.a $(LIBS) -o $@

# It has malloc and its kin from beside it.
$(OUT)/tests/reliability/allocations: $(OUT)/tests/reliability/heap_faults.o

$(OUT)/tests/fuzz/fuzz_%: $(OUT)/tests/fuzz/fuzz_%.o $(OUT)/libli.a
	@$(CC) $(CFLAGS_ALL) -fsanitize=fuzzer $< $(OUT)/libli.a $(LIBS) -o $@

# A test that meters malloc must be seen by the libraries; the core shows nothing.
$(OUT)/csrc/%.o: VISIBILITY := -fvisibility=hidden

-include $(patsubst %.c,$(OUT)/%.d,$(CORE) $(TEST_FILES) $(TOOL_FILES) $(FUZZ_FILES))

# --- rules of the house ------------------------------------------------------------

lint: ## layers, globals, sizes, formats, types, warnings as errors, the stub
	@tools/setup.sh --lint
	@$(PYTHON) tools/generate_errors.py --check
	@$(PYTHON) tools/check_layers.py
	@$(PYTHON) tools/check_size.py
	@$(MAKE) --no-print-directory $(CORE:%.c=$(OUT)/%.o) lint-c
	@$(PYTHON) tools/check_globals.py $(OUT)/csrc build/objects
	@.venv/bin/ruff check --quiet .
	@.venv/bin/ruff format --quiet --check .
	@$(PYTHON) -m mypy --no-error-summary src
	@$(PYTHON) -m mypy.stubtest --concise --mypy-config-file pyproject.toml \
		--allowlist tools/stubtest.txt --ignore-unused-allowlist lazyimage._core lazyimage._avif
	@echo "lint: ok"

PYTHON_INCLUDE = $(shell $(PYTHON) -c 'import sysconfig; print(sysconfig.get_path("include"))')
CHECK_FLAGS = -std=c11 $(WARNINGS) -Werror -Icsrc -Itests/c $(DEFINES) \
	-isystem $(PYTHON_INCLUDE)
LINTED := $(patsubst %.c,build/lint/%.ok,$(C_FILES) $(TEST_FILES) $(TOOL_FILES) \
	$(SHIM_FILES) $(FUZZ_FILES))

.PHONY: lint-c
lint-c: build/lint/headers.ok $(LINTED)

build/lint/headers.ok: $(HEADERS) .clang-format
	@mkdir -p $(@D)
	@clang-format-14 --dry-run -Werror $(HEADERS)
	@touch $@

build/lint/%.ok: %.c $(HEADERS) .clang-format .clang-tidy
	@mkdir -p $(@D)
	@clang-format-14 --dry-run -Werror $<
	@gcc $(CHECK_FLAGS) -O2 -c $< -o /dev/null
	@clang-14 $(CHECK_FLAGS) -fsyntax-only $<
	@case $< in csrc/*) clang-tidy-14 --quiet $< -- $(CHECK_FLAGS) 2>$@.log || \
		{ cat $@.log; exit 1; } ;; esac
	@touch $@

# --- figures -----------------------------------------------------------------------

# make bench BENCH='--quick --cells jpeg-jpeg,png-jpeg': the options of bench.py
bench: setup ## time, memory, bytes, quality beside other libraries; writes docs/performance.md
	@$(PYTHON) benchmarks/bench.py $(BENCH)

.PHONY: bench-tee bench-batch bench-target
.PHONY: bench-tee bench-batch bench-jpeg
bench-jpeg: setup ## JPEG efforts beside mozjpeg at equal SSIMULACRA2: exit 1 if a target is missed
	@tools/setup.sh --judges
	@$(PYTHON) benchmarks/jpeg_effort.py $(BENCH)

bench-tee: setup ## one decode for ten outputs, beside sharp: exit 1 if a target is missed
	@$(PYTHON) benchmarks/tee.py

bench-batch: setup ## memory and error rows of 10,000 pictures; throughput beside sharp and vipsthumbnail
	@$(PYTHON) benchmarks/batch.py
	@$(PYTHON) benchmarks/throughput.py

bench-target: setup ## max_bytes and min_ssim beside every quality tried: exit 1 if a target is missed
	@$(PYTHON) benchmarks/target.py

instructions: ## callgrind's count of six jobs: exit 1 if one takes 2 % more than recorded
	@tools/setup.sh --valgrind
	@$(PYTHON) benchmarks/instructions.py

.PHONY: instructions-guarded
instructions-guarded: setup ## what guard, scans and polls are of them: exit 1 if over 2 %
	@tools/setup.sh --valgrind
	@$(PYTHON) benchmarks/guarded.py

instructions-record: ## write benchmarks/instructions.json
	@tools/setup.sh --valgrind
	@$(PYTHON) benchmarks/instructions.py --record

bench-kernels: setup ## nanoseconds per pixel of each kernel, by instruction set
	@$(MAKE) --no-print-directory build/bench/kernels OUT=build/bench/c LAZYIMAGE_CFLAGS=-O3
	@build/bench/kernels

build/bench/kernels: benchmarks/kernels.c $(OUT)/libli.a
	@$(CC) $(CFLAGS_ALL) $< $(OUT)/libli.a $(LIBS) -o $@

proof: setup ## the zero-copy claim, measured: exit 1 if it does not hold
	@$(PYTHON) docs/scripts/measure_zero_copy.py

clean: ## what was built; .venv stays
	rm -rf build dist src/*.egg-info src/lazyimage/*.so .mypy_cache .ruff_cache .pytest_cache
	find src tests tools benchmarks -name __pycache__ -prune -exec rm -rf {} +
