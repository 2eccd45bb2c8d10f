# SPDX-License-Identifier: GPL-3.0-or-later
libcore_a_SOURCES += lib/predict/predict.c lib/predict/predict.h lib/predict/internal.h \
	lib/predict/calibrate.c lib/predict/flow.c lib/predict/history.c lib/predict/priors.c \
	lib/predict/priors_table.c lib/predict/selectivity.c lib/predict/source.c
