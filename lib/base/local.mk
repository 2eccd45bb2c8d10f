# SPDX-License-Identifier: GPL-3.0-or-later
libcore_a_SOURCES += \
	lib/base/arena.c \
	lib/base/arena.h \
	lib/base/banned.h \
	lib/base/base.c \
	lib/base/base.h \
	lib/base/buf.c \
	lib/base/buf.h \
	lib/base/hash.c \
	lib/base/hash.h \
	lib/base/instant.c \
	lib/base/instant.h \
	lib/base/load.h \
	lib/base/map.c \
	lib/base/map.h \
	lib/base/murmur.c \
	lib/base/murmur.h \
	lib/base/nearest.c \
	lib/base/nearest.h \
	lib/base/num.c \
	lib/base/num.h \
	lib/base/pack.c \
	lib/base/pack.h \
	lib/base/regex.c \
	lib/base/regex.h \
	lib/base/rng.c \
	lib/base/rng.h \
	lib/base/uuid.c \
	lib/base/uuid.h

check_PROGRAMS += tests/unit/base
tests_unit_base_SOURCES = tests/unit/base.c
tests_unit_base_CFLAGS = $(UNIT_CFLAGS)
tests_unit_base_LDADD = $(UNIT_LDADD)
TAP_TESTS += tests/unit/base
