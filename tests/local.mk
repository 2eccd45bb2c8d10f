# SPDX-License-Identifier: GPL-3.0-or-later
# `make check` runs everything in TAP_TESTS and ends with "check: N passed, N failed, N skipped".
EXTRA_DIST += tests/run tests/unit/suite.h
check-local: $(check_PROGRAMS) $(bin_PROGRAMS)
	@srcdir='$(abs_srcdir)' builddir='$(abs_builddir)' $(SHELL) $(srcdir)/tests/run $(TAP_TESTS)

# The same tests with the full counts that they seed down in `make check`.
check-long:
	FORELINE_LONG=1 TEST_TIMEOUT=$${TEST_TIMEOUT:-36000} $(MAKE) $(AM_MAKEFLAGS) check
.PHONY: check-long
