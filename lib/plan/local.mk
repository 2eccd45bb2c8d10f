# SPDX-License-Identifier: GPL-3.0-or-later
libcore_a_SOURCES += \
	lib/plan/choice.c \
	lib/plan/choice.h \
	lib/plan/environment.c \
	lib/plan/lanes.c \
	lib/plan/lanes.h \
	lib/plan/plan.c \
	lib/plan/plan.h \
	lib/plan/schedule.c \
	lib/plan/schedule.h

check_PROGRAMS += tests/prop/plan_schedule
tests_prop_plan_schedule_SOURCES = tests/prop/plan_schedule.c
tests_prop_plan_schedule_CFLAGS = $(UNIT_CFLAGS)
tests_prop_plan_schedule_LDADD = $(UNIT_LDADD)
TAP_TESTS += tests/prop/plan_schedule

check_PROGRAMS += tests/unit/plan
tests_unit_plan_SOURCES = tests/unit/plan.c
tests_unit_plan_CFLAGS = $(UNIT_CFLAGS)
tests_unit_plan_LDADD = $(UNIT_LDADD)
TAP_TESTS += tests/unit/plan

# Is the chosen join as fast as the best of all?
EXTRA_DIST += tests/bench/eval-join
EVAL_POINTS = 300
eval-join: all
	$(srcdir)/tests/bench/eval-join --build . --points $(EVAL_POINTS)
.PHONY: eval-join

TAP_TESTS += tests/cli/etl-plan.sh
EXTRA_DIST += tests/cli/etl-plan.sh
