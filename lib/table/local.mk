# SPDX-License-Identifier: GPL-3.0-or-later
libcore_a_SOURCES += lib/table/batch.c lib/table/batch.h lib/table/compress.c lib/table/compress.h \
	lib/table/csv.c lib/table/csv_scan.c \
	lib/table/csv_scan.h lib/table/feed.c lib/table/feed.h lib/table/infer.c lib/table/jsonl.c \
	lib/table/reader.c lib/table/reader.h lib/table/reader_impl.h lib/table/source.c \
	lib/table/source.h lib/table/value.c lib/table/value.h lib/table/writer.c lib/table/writer.h
