# SPDX-License-Identifier: GPL-3.0-or-later
libcore_a_SOURCES += lib/pipeline/expr.h
if HAVE_CHECK
check_PROGRAMS += tests/unit/expr_jq
tests_unit_expr_jq_SOURCES = tests/unit/expr_jq.c
tests_unit_expr_jq_CFLAGS = $(UNIT_CFLAGS)
tests_unit_expr_jq_LDADD = $(UNIT_LDADD)
TAP_TESTS += tests/unit/expr_jq
endif
