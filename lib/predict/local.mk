# SPDX-License-Identifier: GPL-3.0-or-later
libcore_a_SOURCES += \
	lib/predict/calibrate.c \
	lib/predict/cost.c \
	lib/predict/flow.c \
	lib/predict/history.c \
	lib/predict/internal.h \
	lib/predict/predict.c \
	lib/predict/predict.h \
	lib/predict/priors.c \
	lib/predict/priors_table.c \
	lib/predict/selectivity.c \
	lib/predict/size.c \
	lib/predict/source.c

check_PROGRAMS += tests/unit/predict
tests_unit_predict_SOURCES = tests/unit/predict.c
tests_unit_predict_CFLAGS = $(UNIT_CFLAGS)
tests_unit_predict_LDADD = $(UNIT_LDADD)
TAP_TESTS += tests/unit/predict
TAP_TESTS += tests/cli/etl-predict.sh
EXTRA_DIST += tests/cli/etl-predict.sh

# Measures the priors anew and puts them in place; then format and look at what changed.
EXTRA_PROGRAMS += tests/bench/calibrate
tests_bench_calibrate_SOURCES = tests/bench/calibrate.c
calibrate: tests/bench/calibrate
	tests/bench/calibrate >tests/bench/priors_table.tmp
	mv tests/bench/priors_table.tmp $(srcdir)/lib/predict/priors_table.c
.PHONY: calibrate
CLEANFILES += tests/bench/calibrate tests/bench/priors_table.tmp

# Is the second run predicted better than the first? Prints predicted beside actual for both.
EXTRA_DIST += tests/bench/eval-demo
eval-demo: all
	$(srcdir)/tests/bench/eval-demo --build .
.PHONY: eval-demo
