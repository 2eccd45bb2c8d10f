# SPDX-License-Identifier: GPL-3.0-or-later
libcore_a_SOURCES += \
	lib/store/core.c \
	lib/store/edges.c \
	lib/store/facts.c \
	lib/store/internal.h \
	lib/store/journal.c \
	lib/store/log.c \
	lib/store/migrations.c \
	lib/store/open.c \
	lib/store/process.c \
	lib/store/profiles.c \
	lib/store/runs.c \
	lib/store/sql.c \
	lib/store/sql.h \
	lib/store/sql_driver.h \
	lib/store/sql_postgres.c \
	lib/store/sql_sqlite.c \
	lib/store/stages.c \
	lib/store/stages.h \
	lib/store/store.h

check_PROGRAMS += \
	tests/fault/store_damage \
	tests/fault/store_kill \
	tests/unit/store \
	tests/unit/store_open \
	tests/unit/store_profiles
tests_unit_store_SOURCES = tests/unit/store.c tests/unit/store_rows.h
tests_unit_store_CFLAGS = $(UNIT_CFLAGS)
tests_unit_store_LDADD = $(UNIT_LDADD)
tests_unit_store_open_SOURCES = tests/unit/store_open.c tests/unit/store_rows.h
tests_unit_store_open_CFLAGS = $(UNIT_CFLAGS)
tests_unit_store_open_LDADD = $(UNIT_LDADD)
tests_unit_store_profiles_SOURCES = tests/unit/store_profiles.c
tests_unit_store_profiles_CFLAGS = $(UNIT_CFLAGS)
tests_unit_store_profiles_LDADD = $(UNIT_LDADD)
tests_fault_store_kill_SOURCES = tests/fault/store_kill.c tests/unit/store_rows.h
tests_fault_store_kill_CFLAGS = $(UNIT_CFLAGS)
tests_fault_store_kill_LDADD = $(UNIT_LDADD)
tests_fault_store_damage_SOURCES = tests/fault/store_damage.c tests/unit/store_rows.h
tests_fault_store_damage_CFLAGS = $(UNIT_CFLAGS)
tests_fault_store_damage_LDADD = $(UNIT_LDADD)
TAP_TESTS += \
	tests/fault/store_damage \
	tests/fault/store_kill \
	tests/unit/store \
	tests/unit/store_open \
	tests/unit/store_profiles
