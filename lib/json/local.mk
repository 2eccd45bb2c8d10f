# SPDX-License-Identifier: GPL-3.0-or-later
libcore_a_SOURCES += \
	lib/json/jq.c lib/json/jq.h \
	lib/json/json.c lib/json/json.h \
	lib/json/tree.c \
	lib/json/write.c
