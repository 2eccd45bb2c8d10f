# SPDX-License-Identifier: GPL-3.0-or-later
libcore_a_SOURCES += \
	lib/profile/column.c \
	lib/profile/column.h \
	lib/profile/column_figures.c \
	lib/profile/column_image.c \
	lib/profile/column_image.h \
	lib/profile/column_merge.c \
	lib/profile/column_record.c \
	lib/profile/countries.c \
	lib/profile/crew.c \
	lib/profile/crew.h \
	lib/profile/evolution.c \
	lib/profile/evolution.h \
	lib/profile/figures.h \
	lib/profile/formats.c \
	lib/profile/formats.h \
	lib/profile/image.c \
	lib/profile/image.h \
	lib/profile/intake.c \
	lib/profile/intake.h \
	lib/profile/kinds.c \
	lib/profile/kinds.h \
	lib/profile/marks.c \
	lib/profile/partition.c \
	lib/profile/plain.c \
	lib/profile/pool.c \
	lib/profile/pool.h \
	lib/profile/profile.c \
	lib/profile/profile.h \
	lib/profile/record.c \
	lib/profile/route.c \
	lib/profile/route.h \
	lib/profile/run.c \
	lib/profile/sample.c \
	lib/profile/sample.h \
	lib/profile/state.h \
	lib/profile/window.c \
	lib/profile/words.c

# What a profile is held against: an earlier one, a schema.
libcore_a_SOURCES += \
	lib/profile/baseline.c \
	lib/profile/baseline.h \
	lib/profile/drift.c \
	lib/profile/drift.h \
	lib/profile/expect.c \
	lib/profile/expect.h \
	lib/profile/expect_int.h \
	lib/profile/expect_read.c \
	lib/profile/expect_value.c \
	lib/profile/table_schema.c \
	lib/profile/table_schema.h \
	lib/profile/verdicts.c \
	lib/profile/verdicts.h
check_PROGRAMS += tests/unit/drift tests/unit/expect tests/prop/drift
tests_unit_expect_SOURCES = tests/unit/expect.c
tests_unit_expect_CFLAGS = $(UNIT_CFLAGS)
tests_unit_expect_LDADD = $(UNIT_LDADD)
tests_unit_drift_SOURCES = tests/unit/drift.c
tests_unit_drift_CFLAGS = $(UNIT_CFLAGS)
tests_unit_drift_LDADD = $(UNIT_LDADD)
tests_prop_drift_SOURCES = tests/prop/drift.c
tests_prop_drift_CFLAGS = $(UNIT_CFLAGS)
tests_prop_drift_LDADD = $(UNIT_LDADD)
TAP_TESTS += \
	tests/cli/etl-profile-expect.sh \
	tests/cli/etl-profile-gates.sh \
	tests/cli/etl-profile-hostile.sh \
	tests/prop/drift \
	tests/unit/drift \
	tests/unit/expect
EXTRA_DIST += tests/cli/etl-profile-gates.sh tests/cli/etl-profile-expect.sh \
    tests/cli/etl-profile-hostile.sh

# What the records look like, for others.
include share/schemas/local.mk

check_PROGRAMS += tests/unit/profile
tests_unit_profile_SOURCES = tests/unit/profile.c
tests_unit_profile_CFLAGS = $(UNIT_CFLAGS)
tests_unit_profile_LDADD = $(UNIT_LDADD)
TAP_TESTS += tests/unit/profile
check_PROGRAMS += tests/unit/profile_figures tests/prop/profile_figures
tests_unit_profile_figures_SOURCES = tests/unit/profile_figures.c
tests_unit_profile_figures_CFLAGS = $(UNIT_CFLAGS)
tests_unit_profile_figures_LDADD = $(UNIT_LDADD)
tests_prop_profile_figures_SOURCES = tests/prop/profile_figures.c
tests_prop_profile_figures_CFLAGS = $(UNIT_CFLAGS)
tests_prop_profile_figures_LDADD = $(UNIT_LDADD)
TAP_TESTS += tests/unit/profile_figures tests/prop/profile_figures
check_PROGRAMS += tests/prop/profile
tests_prop_profile_SOURCES = tests/prop/profile.c
tests_prop_profile_CFLAGS = $(UNIT_CFLAGS)
tests_prop_profile_LDADD = $(UNIT_LDADD)
TAP_TESTS += tests/prop/profile
check_PROGRAMS += tests/prop/profile_crew
tests_prop_profile_crew_SOURCES = tests/prop/profile_crew.c
tests_prop_profile_crew_CFLAGS = $(UNIT_CFLAGS)
tests_prop_profile_crew_LDADD = $(UNIT_LDADD)
TAP_TESTS += tests/prop/profile_crew
check_PROGRAMS += tests/prop/profile_parts
tests_prop_profile_parts_SOURCES = tests/prop/profile_parts.c
tests_prop_profile_parts_CFLAGS = $(UNIT_CFLAGS)
tests_prop_profile_parts_LDADD = $(UNIT_LDADD)
TAP_TESTS += tests/prop/profile_parts
check_PROGRAMS += tests/prop/profile_kinds
tests_prop_profile_kinds_SOURCES = tests/prop/profile_kinds.c
tests_prop_profile_kinds_CFLAGS = $(UNIT_CFLAGS)
tests_prop_profile_kinds_LDADD = $(UNIT_LDADD)
TAP_TESTS += tests/prop/profile_kinds
check_PROGRAMS += tests/prop/evolution
tests_prop_evolution_SOURCES = tests/prop/evolution.c
tests_prop_evolution_CFLAGS = $(UNIT_CFLAGS)
tests_prop_evolution_LDADD = $(UNIT_LDADD)
TAP_TESTS += tests/prop/evolution

# How true it is, beside an independent computation: no part of the tests.
EVAL_BYTES = 30MB
EXTRA_DIST += tests/eval/profile.py
eval-profile: all tests/bench/generate$(EXEEXT) tests/eval/csv_spectrum$(EXEEXT) tests/eval/pollock$(EXEEXT)
	$(srcdir)/tests/eval/profile.py . "$${FORELINE_DATA:-$(srcdir)/../shared/data}" $(EVAL_BYTES)
.PHONY: eval-profile
EXTRA_DIST += tests/cli/etl-profile-people.sh tests/integration/etl-profile-html.sh
TAP_TESTS += tests/cli/etl-profile-people.sh tests/integration/etl-profile-html.sh
EXTRA_DIST += \
	tests/cli/etl-profile-bad.sh \
	tests/cli/etl-profile-figures.sh \
	tests/cli/etl-profile-follow.sh \
	tests/cli/etl-profile-input.sh \
	tests/cli/etl-profile-windows.sh \
	tests/cli/etl-profile.sh
TAP_TESTS += \
	tests/cli/etl-profile-bad.sh \
	tests/cli/etl-profile-figures.sh \
	tests/cli/etl-profile-follow.sh \
	tests/cli/etl-profile-input.sh \
	tests/cli/etl-profile-windows.sh \
	tests/cli/etl-profile.sh
check_PROGRAMS += tests/prop/intervals
tests_prop_intervals_SOURCES = tests/prop/intervals.c
tests_prop_intervals_CFLAGS = $(UNIT_CFLAGS)
tests_prop_intervals_LDADD = $(UNIT_LDADD)
TAP_TESTS += tests/prop/intervals
check_PROGRAMS += tests/prop/profile_merge
tests_prop_profile_merge_SOURCES = tests/prop/profile_merge.c
tests_prop_profile_merge_CFLAGS = $(UNIT_CFLAGS)
tests_prop_profile_merge_LDADD = $(UNIT_LDADD)
TAP_TESTS += tests/prop/profile_merge
EXTRA_DIST += tests/cli/etl-profile-merge.sh
TAP_TESTS += tests/cli/etl-profile-merge.sh
