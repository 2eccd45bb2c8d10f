# SPDX-License-Identifier: GPL-3.0-or-later
libcore_a_SOURCES += \
	lib/table/batch.c \
	lib/table/batch.h \
	lib/table/blocks.c \
	lib/table/blocks.h \
	lib/table/compress.c \
	lib/table/compress.h \
	lib/table/csv.c \
	lib/table/csv_scan.c \
	lib/table/csv_scan.h \
	lib/table/dialect.c \
	lib/table/dialect.h \
	lib/table/feed.c \
	lib/table/feed.h \
	lib/table/format.c \
	lib/table/gunzip.c \
	lib/table/gunzip.h \
	lib/table/infer.c \
	lib/table/input.h \
	lib/table/json_scan.c \
	lib/table/json_scan.h \
	lib/table/jsonl.c \
	lib/table/mend.c \
	lib/table/mend.h \
	lib/table/piece.c \
	lib/table/reader.c \
	lib/table/reader.h \
	lib/table/reader_impl.h \
	lib/table/source.c \
	lib/table/source.h \
	lib/table/swar.h \
	lib/table/utf16.c \
	lib/table/utf16.h \
	lib/table/utf8_blocks.c \
	lib/table/utf8_blocks.h \
	lib/table/value.c \
	lib/table/value.h \
	lib/table/writer.c \
	lib/table/writer.h

check_PROGRAMS += tests/prop/table_blocks
tests_prop_table_blocks_SOURCES = tests/prop/table_blocks.c
tests_prop_table_blocks_CFLAGS = $(UNIT_CFLAGS)
tests_prop_table_blocks_LDADD = $(UNIT_LDADD)
TAP_TESTS += tests/prop/table_blocks

# libcsv is the oracle of the tests.
EXTRA_DIST += tests/unit/table_io.h tests/prop/table_oracle.h
check_PROGRAMS += \
	tests/prop/table_csv \
	tests/prop/table_json \
	tests/prop/table_pieces \
	tests/prop/table_round \
	tests/unit/table_csv \
	tests/unit/table_dialect \
	tests/unit/table_jsonl \
	tests/unit/table_source \
	tests/unit/table_value
tests_unit_table_dialect_SOURCES = tests/unit/table_dialect.c
tests_unit_table_dialect_CFLAGS = $(UNIT_CFLAGS)
tests_unit_table_dialect_LDADD = $(UNIT_LDADD)
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
tests_prop_table_pieces_SOURCES = tests/prop/table_pieces.c
tests_prop_table_pieces_CFLAGS = $(UNIT_CFLAGS)
tests_prop_table_pieces_LDADD = $(UNIT_LDADD)
tests_prop_table_json_SOURCES = tests/prop/table_json.c
tests_prop_table_json_CFLAGS = $(UNIT_CFLAGS)
tests_prop_table_json_LDADD = $(UNIT_LDADD)
tests_prop_table_round_SOURCES = tests/prop/table_round.c
tests_prop_table_round_CFLAGS = $(UNIT_CFLAGS)
tests_prop_table_round_LDADD = $(UNIT_LDADD)
TAP_TESTS += \
	tests/prop/table_csv \
	tests/prop/table_json \
	tests/prop/table_pieces \
	tests/prop/table_round \
	tests/unit/table_csv \
	tests/unit/table_dialect \
	tests/unit/table_jsonl \
	tests/unit/table_source \
	tests/unit/table_value

# Public collections of odd CSV files, when the evaluation data is there: no part of the tests.
EXTRA_PROGRAMS += tests/eval/csv_spectrum tests/eval/pollock
tests_eval_csv_spectrum_SOURCES = tests/eval/csv_spectrum.c
tests_eval_pollock_SOURCES = tests/eval/pollock.c
CLEANFILES += tests/eval/csv_spectrum tests/eval/pollock
eval-csv: tests/eval/csv_spectrum$(EXEEXT) tests/eval/pollock$(EXEEXT)
	@for set in csv-spectrum pollock; do \
	  data=$${FORELINE_DATA:-$(srcdir)/../shared/data}/profile/$$set; \
	  if [ -d "$$data" ]; then tests/eval/`echo $$set | tr - _` "$$data"; \
	  else echo "eval-csv: $$set skipped: no folder $$data (set FORELINE_DATA)"; fi; done
.PHONY: eval-csv
