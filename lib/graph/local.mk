# SPDX-License-Identifier: GPL-3.0-or-later
libcore_a_SOURCES += lib/graph/graph.c lib/graph/graph.h

check_PROGRAMS += tests/unit/graph
tests_unit_graph_SOURCES = tests/unit/graph.c
tests_unit_graph_CFLAGS = $(UNIT_CFLAGS)
tests_unit_graph_LDADD = $(UNIT_LDADD)
TAP_TESTS += tests/unit/graph
