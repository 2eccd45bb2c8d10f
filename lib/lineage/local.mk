# SPDX-License-Identifier: GPL-3.0-or-later
libcore_a_SOURCES += \
	lib/lineage/check.c \
	lib/lineage/event.c \
	lib/lineage/event.h \
	lib/lineage/ingest.c \
	lib/lineage/ingest.h \
	lib/lineage/query.c \
	lib/lineage/query.h \
	lib/lineage/rows.c \
	lib/lineage/rows.h

check_PROGRAMS += tests/unit/lineage
tests_unit_lineage_SOURCES = tests/unit/lineage.c
tests_unit_lineage_CFLAGS = $(UNIT_CFLAGS)
tests_unit_lineage_LDADD = $(UNIT_LDADD)
TAP_TESTS += tests/unit/lineage
TAP_TESTS += tests/cli/etl-lineage.sh
EXTRA_DIST += tests/cli/etl-lineage.sh
