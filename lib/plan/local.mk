# SPDX-License-Identifier: GPL-3.0-or-later
libcore_a_SOURCES += lib/plan/plan.c lib/plan/plan.h lib/plan/environment.c lib/plan/schedule.c \
	lib/plan/schedule.h

check_PROGRAMS += tests/prop/plan_schedule
tests_prop_plan_schedule_SOURCES = tests/prop/plan_schedule.c
tests_prop_plan_schedule_CFLAGS = $(UNIT_CFLAGS)
tests_prop_plan_schedule_LDADD = $(UNIT_LDADD)
TAP_TESTS += tests/prop/plan_schedule
