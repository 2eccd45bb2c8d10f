# SPDX-License-Identifier: GPL-3.0-or-later
libcore_a_SOURCES += \
	lib/model/distinct.c \
	lib/model/distinct.h \
	lib/model/line.c \
	lib/model/line.h \
	lib/model/robust.c \
	lib/model/robust.h

check_PROGRAMS += tests/unit/model
tests_unit_model_SOURCES = tests/unit/model.c
tests_unit_model_CFLAGS = $(UNIT_CFLAGS)
tests_unit_model_LDADD = $(UNIT_LDADD)
TAP_TESTS += tests/unit/model
