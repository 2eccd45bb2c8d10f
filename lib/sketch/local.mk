# SPDX-License-Identifier: GPL-3.0-or-later
libcore_a_SOURCES += \
	lib/sketch/distinct.c \
	lib/sketch/distinct.h \
	lib/sketch/drift.c \
	lib/sketch/drift.h \
	lib/sketch/estimate.c \
	lib/sketch/estimate.h \
	lib/sketch/frequent.c \
	lib/sketch/frequent.h \
	lib/sketch/frequent_image.c \
	lib/sketch/frequent_image.h \
	lib/sketch/hll_image.c \
	lib/sketch/hll_image.h \
	lib/sketch/interval.c \
	lib/sketch/interval.h \
	lib/sketch/kll.c \
	lib/sketch/kll.h \
	lib/sketch/kll_image.c \
	lib/sketch/kll_image.h \
	lib/sketch/moments.c \
	lib/sketch/moments.h \
	lib/sketch/reservoir.c \
	lib/sketch/reservoir.h \
	lib/sketch/tails.c \
	lib/sketch/tails.h

check_PROGRAMS += tests/unit/sketch tests/prop/sketch
tests_unit_sketch_SOURCES = tests/unit/sketch.c
tests_unit_sketch_CFLAGS = $(UNIT_CFLAGS)
tests_unit_sketch_LDADD = $(UNIT_LDADD)
tests_prop_sketch_SOURCES = tests/prop/sketch.c
tests_prop_sketch_CFLAGS = $(UNIT_CFLAGS)
tests_prop_sketch_LDADD = $(UNIT_LDADD)
TAP_TESTS += tests/unit/sketch tests/prop/sketch
check_PROGRAMS += tests/unit/sketch_image
tests_unit_sketch_image_SOURCES = tests/unit/sketch_image.c
tests_unit_sketch_image_CFLAGS = $(UNIT_CFLAGS)
tests_unit_sketch_image_LDADD = $(UNIT_LDADD)
TAP_TESTS += tests/unit/sketch_image
