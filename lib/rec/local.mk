# SPDX-License-Identifier: GPL-3.0-or-later
libcore_a_SOURCES += \
	lib/rec/allocation.c \
	lib/rec/completion.c \
	lib/rec/drift.c \
	lib/rec/environment.c \
	lib/rec/estimate.c \
	lib/rec/execution_profile.c \
	lib/rec/figures.c \
	lib/rec/figures.h \
	lib/rec/plan.c \
	lib/rec/profile.c \
	lib/rec/rec.h \
	lib/rec/sketch.c \
	lib/rec/verdict.c

check_PROGRAMS += tests/unit/rec_records
tests_unit_rec_records_SOURCES = tests/unit/rec_records.c
tests_unit_rec_records_CFLAGS = $(UNIT_CFLAGS)
tests_unit_rec_records_LDADD = $(UNIT_LDADD)
TAP_TESTS += tests/unit/rec_records
