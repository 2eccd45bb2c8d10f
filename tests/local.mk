# SPDX-License-Identifier: GPL-3.0-or-later
# `make check` runs everything in TAP_TESTS and ends with "check: N passed, N failed, N skipped".
EXTRA_DIST += tests/run tests/unit/suite.h
check-local: $(check_PROGRAMS) $(bin_PROGRAMS)
	@srcdir="$$(cd '$(srcdir)' && pwd)" builddir="$$(pwd)" $(SHELL) $(srcdir)/tests/run $(TAP_TESTS)

# The same tests with the full counts that they seed down in `make check`.
check-long:
	FORELINE_LONG=1 TEST_TIMEOUT=$${TEST_TIMEOUT:-36000} $(MAKE) $(AM_MAKEFLAGS) check
.PHONY: check-long

# A library that makes system calls fail, for the fault tests: see its header comment.
check_DATA += tests/fault/preload.so
EXTRA_DIST += tests/fault/preload.c tests/fault/preload-works
CLEANFILES += tests/fault/preload.so
TAP_TESTS += tests/fault/preload-works
tests/fault/preload.so: tests/fault/preload.c
	$(AM_V_CC)$(MKDIR_P) tests/fault && $(CC) -shared -fPIC -O1 -Wall -Wextra -o $@ $(srcdir)/tests/fault/preload.c

# The rules of the house.
EXTRA_DIST += tests/lint/sources tests/lint/layers tests/lint/house
TAP_TESTS += tests/lint/layers tests/lint/house

tap-tests:
	@printf '%s\n' $(TAP_TESTS)
.PHONY: tap-tests
EXTRA_DIST += tests/lint/cppcheck.supp tests/lint/valgrind.supp

# Us beside our peers: measured in one run, never asserted, no part of the tests.
BENCH_BYTES = 200MB
BENCH_RUNS = 5
ORDERS_BYTES = 300MB
EXTRA_PROGRAMS += tests/bench/measure tests/bench/generate tests/bench/orders
tests_bench_measure_SOURCES = tests/bench/measure.c
tests_bench_generate_SOURCES = tests/bench/generate.c
tests_bench_orders_SOURCES = tests/bench/orders.c
EXTRA_DIST += tests/bench/pipelines/rows.py tests/bench/pipelines/q1.json tests/bench/pipelines/q2.json \
  tests/bench/pipelines/sort.json tests/bench/pipelines/sort-limited.json tests/bench/pipelines/ten.json
EXTRA_DIST += tests/bench/setup tests/bench/run tests/bench/peers tests/bench/delays.awk
CLEANFILES += tests/bench/measure tests/bench/generate tests/bench/orders
bench: all tests/bench/measure$(EXEEXT) tests/bench/generate$(EXEEXT) tests/bench/orders$(EXEEXT)
	$(srcdir)/tests/bench/setup bench tests/bench/generate $(BENCH_BYTES) tests/bench/orders $(ORDERS_BYTES)
	$(srcdir)/tests/bench/run --build . --bytes $(BENCH_BYTES) --runs $(BENCH_RUNS)
.PHONY: bench

# Sort, join and aggregate beyond memory; needs four times as much room on disk.
LIMITS_BYTES = 3GB
EXTRA_DIST += tests/bench/limits
bench-limits: all tests/bench/measure$(EXEEXT) tests/bench/orders$(EXEEXT)
	$(srcdir)/tests/bench/limits --build . --bytes $(LIMITS_BYTES)
.PHONY: bench-limits

# Our scanner of JSON lines beside simdjson (apt-get install libsimdjson-dev g++), whose on-demand face
# is compiled for one processor: this one.
EXTRA_PROGRAMS += tests/bench/jsonl_scan
tests_bench_jsonl_scan_SOURCES = tests/bench/jsonl_scan.c tests/bench/jsonl_simdjson.h
tests_bench_jsonl_scan_LDADD = tests/bench/jsonl_simdjson.o $(LDADD) -lsimdjson -lstdc++
EXTRA_DIST += tests/bench/jsonl_simdjson.cc
CLEANFILES += tests/bench/jsonl_scan tests/bench/jsonl_simdjson.o tests/bench/mixed.jsonl
tests/bench/jsonl_simdjson.o: tests/bench/jsonl_simdjson.cc tests/bench/jsonl_simdjson.h
	$(CXX) -O2 -march=native -std=c++17 -I$(srcdir) -c -o $@ $(srcdir)/tests/bench/jsonl_simdjson.cc
bench-jsonl: tests/bench/generate$(EXEEXT) tests/bench/jsonl_scan$(EXEEXT)
	tests/bench/generate 50MB 1 jsonl >tests/bench/mixed.jsonl
	tests/bench/jsonl_scan tests/bench/mixed.jsonl
.PHONY: bench-jsonl

clean-local:
	rm -rf tests/log
