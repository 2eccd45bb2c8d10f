# SPDX-License-Identifier: GPL-3.0-or-later
libcore_a_SOURCES += \
	lib/cli/chain.c \
	lib/cli/chain.h \
	lib/cli/check.c \
	lib/cli/cli.h \
	lib/cli/cli_internal.h \
	lib/cli/complete.c \
	lib/cli/config.c \
	lib/cli/diag.c \
	lib/cli/help.c \
	lib/cli/html.c \
	lib/cli/html.h \
	lib/cli/man.c \
	lib/cli/options.c \
	lib/cli/out.c \
	lib/cli/out_internal.h \
	lib/cli/progress.c \
	lib/cli/report.c \
	lib/cli/report.h \
	lib/cli/text.c \
	lib/cli/text.h

check_PROGRAMS += tests/unit/cli tests/unit/cli_chain tests/unit/cli_report
tests_unit_cli_SOURCES = tests/unit/cli.c tests/unit/cli_sample.h
tests_unit_cli_CFLAGS = $(UNIT_CFLAGS)
tests_unit_cli_LDADD = $(UNIT_LDADD)
tests_unit_cli_chain_SOURCES = tests/unit/cli_chain.c
tests_unit_cli_chain_CFLAGS = $(UNIT_CFLAGS)
tests_unit_cli_chain_LDADD = $(UNIT_LDADD)
tests_unit_cli_report_SOURCES = tests/unit/cli_report.c
tests_unit_cli_report_CFLAGS = $(UNIT_CFLAGS)
tests_unit_cli_report_LDADD = $(UNIT_LDADD)
TAP_TESTS += tests/unit/cli tests/unit/cli_chain tests/unit/cli_report
