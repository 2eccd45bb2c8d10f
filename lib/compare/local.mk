# SPDX-License-Identifier: GPL-3.0-or-later
libcore_a_SOURCES += \
	lib/compare/compare.c \
	lib/compare/compare.h \
	lib/compare/intern.h \
	lib/compare/match.c \
	lib/compare/record.c \
	lib/compare/sorter.c \
	lib/compare/sorter.h \
	lib/compare/tell.c \
	lib/compare/value.c

check_PROGRAMS += tests/unit/compare tests/prop/compare
tests_unit_compare_SOURCES = tests/unit/compare.c
tests_unit_compare_CFLAGS = $(UNIT_CFLAGS)
tests_unit_compare_LDADD = $(UNIT_LDADD)
tests_prop_compare_SOURCES = tests/prop/compare.c
tests_prop_compare_CFLAGS = $(UNIT_CFLAGS)
tests_prop_compare_LDADD = $(UNIT_LDADD)
TAP_TESTS += tests/unit/compare tests/prop/compare
