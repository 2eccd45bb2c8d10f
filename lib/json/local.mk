# SPDX-License-Identifier: GPL-3.0-or-later
libcore_a_SOURCES += \
	lib/json/jq.c \
	lib/json/jq.h \
	lib/json/json.c \
	lib/json/json.h \
	lib/json/tree.c \
	lib/json/write.c

check_PROGRAMS += tests/unit/json
tests_unit_json_SOURCES = tests/unit/json.c
tests_unit_json_CFLAGS = $(UNIT_CFLAGS)
tests_unit_json_LDADD = $(UNIT_LDADD)
TAP_TESTS += tests/unit/json
