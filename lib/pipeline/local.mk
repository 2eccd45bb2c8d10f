# SPDX-License-Identifier: GPL-3.0-or-later
libcore_a_SOURCES += \
	lib/pipeline/bind.c \
	lib/pipeline/connect.c \
	lib/pipeline/describe.c \
	lib/pipeline/expr.h \
	lib/pipeline/live.c \
	lib/pipeline/load.c \
	lib/pipeline/parse.h \
	lib/pipeline/pipeline.h \
	lib/pipeline/stages.c
if HAVE_CHECK
check_PROGRAMS += tests/unit/expr_jq
tests_unit_expr_jq_SOURCES = tests/unit/expr_jq.c
tests_unit_expr_jq_CFLAGS = $(UNIT_CFLAGS)
tests_unit_expr_jq_LDADD = $(UNIT_LDADD)
TAP_TESTS += tests/unit/expr_jq
endif
