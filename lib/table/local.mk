# SPDX-License-Identifier: GPL-3.0-or-later
libcore_a_SOURCES += lib/table/batch.c lib/table/batch.h lib/table/compress.c lib/table/compress.h \
	lib/table/csv.c lib/table/csv_scan.c \
	lib/table/csv_scan.h lib/table/feed.c lib/table/feed.h lib/table/infer.c lib/table/jsonl.c \
	lib/table/reader.c lib/table/reader.h lib/table/reader_impl.h lib/table/source.c \
	lib/table/source.h lib/table/swar.h lib/table/value.c lib/table/value.h lib/table/writer.c lib/table/writer.h

# libcsv is the oracle of the tests.
EXTRA_DIST += tests/unit/table_io.h tests/prop/table_oracle.h
check_PROGRAMS += tests/unit/table_value tests/unit/table_csv tests/unit/table_jsonl \
	tests/unit/table_source tests/prop/table_csv tests/prop/table_round
tests_unit_table_value_SOURCES = tests/unit/table_value.c
tests_unit_table_value_CFLAGS = $(UNIT_CFLAGS)
tests_unit_table_value_LDADD = $(UNIT_LDADD)
tests_unit_table_csv_SOURCES = tests/unit/table_csv.c
tests_unit_table_csv_CFLAGS = $(UNIT_CFLAGS)
tests_unit_table_csv_LDADD = $(UNIT_LDADD)
tests_unit_table_jsonl_SOURCES = tests/unit/table_jsonl.c
tests_unit_table_jsonl_CFLAGS = $(UNIT_CFLAGS)
tests_unit_table_jsonl_LDADD = $(UNIT_LDADD)
tests_unit_table_source_SOURCES = tests/unit/table_source.c
tests_unit_table_source_CFLAGS = $(UNIT_CFLAGS)
tests_unit_table_source_LDADD = $(UNIT_LDADD)
tests_prop_table_csv_SOURCES = tests/prop/table_csv.c
tests_prop_table_csv_CFLAGS = $(UNIT_CFLAGS)
tests_prop_table_csv_LDADD = $(UNIT_LDADD)
tests_prop_table_round_SOURCES = tests/prop/table_round.c
tests_prop_table_round_CFLAGS = $(UNIT_CFLAGS)
tests_prop_table_round_LDADD = $(UNIT_LDADD)
TAP_TESTS += tests/unit/table_value tests/unit/table_csv tests/unit/table_jsonl \
	tests/unit/table_source tests/prop/table_csv tests/prop/table_round

# csv-spectrum, when the evaluation data is there: no part of the tests.
EXTRA_PROGRAMS += tests/eval/csv_spectrum
tests_eval_csv_spectrum_SOURCES = tests/eval/csv_spectrum.c
CLEANFILES += tests/eval/csv_spectrum
eval-csv: tests/eval/csv_spectrum$(EXEEXT)
	@data=$${FORELINE_DATA:-$(srcdir)/../shared/data}/profile/csv-spectrum; \
	if [ -d "$$data" ]; then tests/eval/csv_spectrum "$$data"; \
	else echo "eval-csv: skipped: no folder $$data (set FORELINE_DATA)"; fi
.PHONY: eval-csv
