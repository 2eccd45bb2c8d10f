# SPDX-License-Identifier: GPL-3.0-or-later
libcore_a_SOURCES += \
	lib/pipeline/bind.c \
	lib/pipeline/connect.c \
	lib/pipeline/describe.c \
	lib/pipeline/expr.c \
	lib/pipeline/expr.h \
	lib/pipeline/expr_calls.c \
	lib/pipeline/expr_check.c \
	lib/pipeline/expr_convert.c \
	lib/pipeline/expr_int.h \
	lib/pipeline/expr_jq.c \
	lib/pipeline/expr_lower.c \
	lib/pipeline/expr_lower.h \
	lib/pipeline/expr_num.c \
	lib/pipeline/expr_parse.c \
	lib/pipeline/expr_run.c \
	lib/pipeline/expr_str.c \
	lib/pipeline/live.c \
	lib/pipeline/load.c \
	lib/pipeline/parse.h \
	lib/pipeline/pipeline.h \
	lib/pipeline/stages.c
if HAVE_CHECK
check_PROGRAMS += \
	tests/prop/expr \
	tests/prop/expr_regex \
	tests/unit/expr \
	tests/unit/expr_jq
tests_prop_expr_regex_SOURCES = tests/prop/expr_regex.c
tests_prop_expr_regex_CFLAGS = $(UNIT_CFLAGS)
tests_prop_expr_regex_LDADD = $(UNIT_LDADD)
tests_prop_expr_SOURCES = tests/prop/expr.c tests/unit/expr_rows.h
tests_prop_expr_CFLAGS = $(UNIT_CFLAGS)
tests_prop_expr_LDADD = $(UNIT_LDADD)
tests_unit_expr_SOURCES = tests/unit/expr.c tests/unit/expr_rows.h
tests_unit_expr_CFLAGS = $(UNIT_CFLAGS)
tests_unit_expr_LDADD = $(UNIT_LDADD)
tests_unit_expr_jq_SOURCES = tests/unit/expr_jq.c
tests_unit_expr_jq_CFLAGS = $(UNIT_CFLAGS)
tests_unit_expr_jq_LDADD = $(UNIT_LDADD)
TAP_TESTS += \
	tests/prop/expr \
	tests/prop/expr_regex \
	tests/unit/expr \
	tests/unit/expr_jq
endif
if HAVE_CHECK
check_PROGRAMS += tests/unit/pipeline
tests_unit_pipeline_SOURCES = tests/unit/pipeline.c
tests_unit_pipeline_CFLAGS = $(UNIT_CFLAGS)
tests_unit_pipeline_LDADD = $(UNIT_LDADD)
TAP_TESTS += tests/unit/pipeline
endif
