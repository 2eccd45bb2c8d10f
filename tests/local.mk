# SPDX-License-Identifier: GPL-3.0-or-later
# `make check` runs everything in TAP_TESTS and ends with "check: N passed, N failed, N skipped".
EXTRA_DIST += tests/run tests/unit/suite.h
check-local: $(check_PROGRAMS) $(bin_PROGRAMS)
	@srcdir='$(abs_srcdir)' builddir='$(abs_builddir)' $(SHELL) $(srcdir)/tests/run $(TAP_TESTS)

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
