# SPDX-License-Identifier: GPL-3.0-or-later
# Fuzz harnesses. `make check` replays their corpora; ./configure CC=clang --enable-fuzzers
# --enable-sanitizers builds NAME-fuzzer beside it (libFuzzer):
#   tests/fuzz/table_csv-fuzzer -max_total_time=60 FOLDER tests/fuzz/corpus/table_csv
# New finds that are worth keeping go into corpus/NAME/ under a name that says what they are.
# To add a harness: see fuzz.h, then a block like these.
EXTRA_DIST += tests/fuzz/fuzz.h tests/fuzz/corpus
LDFLAGS_OF_FUZZERS = $(AM_LDFLAGS) -fsanitize=fuzzer

check_PROGRAMS += tests/fuzz/table_csv
tests_fuzz_table_csv_SOURCES = tests/fuzz/table_csv.c tests/fuzz/replay.c
TAP_TESTS += tests/fuzz/table_csv
if FUZZERS
noinst_PROGRAMS += tests/fuzz/table_csv-fuzzer
tests_fuzz_table_csv_fuzzer_SOURCES = tests/fuzz/table_csv.c
tests_fuzz_table_csv_fuzzer_LDFLAGS = $(LDFLAGS_OF_FUZZERS)
endif

check_PROGRAMS += tests/fuzz/table_blocks
tests_fuzz_table_blocks_SOURCES = tests/fuzz/table_blocks.c tests/fuzz/replay.c
TAP_TESTS += tests/fuzz/table_blocks
if FUZZERS
noinst_PROGRAMS += tests/fuzz/table_blocks-fuzzer
tests_fuzz_table_blocks_fuzzer_SOURCES = tests/fuzz/table_blocks.c
tests_fuzz_table_blocks_fuzzer_LDFLAGS = $(LDFLAGS_OF_FUZZERS)
endif

check_PROGRAMS += tests/fuzz/table_jsonl
tests_fuzz_table_jsonl_SOURCES = tests/fuzz/table_jsonl.c tests/fuzz/replay.c
TAP_TESTS += tests/fuzz/table_jsonl
if FUZZERS
noinst_PROGRAMS += tests/fuzz/table_jsonl-fuzzer
tests_fuzz_table_jsonl_fuzzer_SOURCES = tests/fuzz/table_jsonl.c
tests_fuzz_table_jsonl_fuzzer_LDFLAGS = $(LDFLAGS_OF_FUZZERS)
endif

check_PROGRAMS += tests/fuzz/table_value
tests_fuzz_table_value_SOURCES = tests/fuzz/table_value.c tests/fuzz/replay.c
TAP_TESTS += tests/fuzz/table_value
if FUZZERS
noinst_PROGRAMS += tests/fuzz/table_value-fuzzer
tests_fuzz_table_value_fuzzer_SOURCES = tests/fuzz/table_value.c
tests_fuzz_table_value_fuzzer_LDFLAGS = $(LDFLAGS_OF_FUZZERS)
endif

check_PROGRAMS += tests/fuzz/table_source
tests_fuzz_table_source_SOURCES = tests/fuzz/table_source.c tests/fuzz/replay.c
TAP_TESTS += tests/fuzz/table_source
if FUZZERS
noinst_PROGRAMS += tests/fuzz/table_source-fuzzer
tests_fuzz_table_source_fuzzer_SOURCES = tests/fuzz/table_source.c
tests_fuzz_table_source_fuzzer_LDFLAGS = $(LDFLAGS_OF_FUZZERS)
endif

check_PROGRAMS += tests/fuzz/cli
tests_fuzz_cli_SOURCES = tests/fuzz/cli.c tests/fuzz/replay.c
TAP_TESTS += tests/fuzz/cli
if FUZZERS
noinst_PROGRAMS += tests/fuzz/cli-fuzzer
tests_fuzz_cli_fuzzer_SOURCES = tests/fuzz/cli.c
tests_fuzz_cli_fuzzer_LDFLAGS = $(LDFLAGS_OF_FUZZERS)
endif

check_PROGRAMS += tests/fuzz/expr
tests_fuzz_expr_SOURCES = tests/fuzz/expr.c tests/fuzz/replay.c tests/unit/expr_rows.h
TAP_TESTS += tests/fuzz/expr
if FUZZERS
noinst_PROGRAMS += tests/fuzz/expr-fuzzer
tests_fuzz_expr_fuzzer_SOURCES = tests/fuzz/expr.c
tests_fuzz_expr_fuzzer_LDFLAGS = $(LDFLAGS_OF_FUZZERS)
endif

check_PROGRAMS += tests/fuzz/lineage
tests_fuzz_lineage_SOURCES = tests/fuzz/lineage.c tests/fuzz/replay.c
TAP_TESTS += tests/fuzz/lineage
if FUZZERS
noinst_PROGRAMS += tests/fuzz/lineage-fuzzer
tests_fuzz_lineage_fuzzer_SOURCES = tests/fuzz/lineage.c
tests_fuzz_lineage_fuzzer_LDFLAGS = $(LDFLAGS_OF_FUZZERS)
endif

check_PROGRAMS += tests/fuzz/json
tests_fuzz_json_SOURCES = tests/fuzz/json.c tests/fuzz/replay.c
TAP_TESTS += tests/fuzz/json
if FUZZERS
noinst_PROGRAMS += tests/fuzz/json-fuzzer
tests_fuzz_json_fuzzer_SOURCES = tests/fuzz/json.c
tests_fuzz_json_fuzzer_LDFLAGS = $(LDFLAGS_OF_FUZZERS)
endif

check_PROGRAMS += tests/fuzz/pipeline
tests_fuzz_pipeline_SOURCES = tests/fuzz/pipeline.c tests/fuzz/replay.c
TAP_TESTS += tests/fuzz/pipeline
if FUZZERS
noinst_PROGRAMS += tests/fuzz/pipeline-fuzzer
tests_fuzz_pipeline_fuzzer_SOURCES = tests/fuzz/pipeline.c
tests_fuzz_pipeline_fuzzer_LDFLAGS = $(LDFLAGS_OF_FUZZERS)
endif

check_PROGRAMS += tests/fuzz/predict
tests_fuzz_predict_SOURCES = tests/fuzz/predict.c tests/fuzz/replay.c
TAP_TESTS += tests/fuzz/predict
if FUZZERS
noinst_PROGRAMS += tests/fuzz/predict-fuzzer
tests_fuzz_predict_fuzzer_SOURCES = tests/fuzz/predict.c
tests_fuzz_predict_fuzzer_LDFLAGS = $(LDFLAGS_OF_FUZZERS)
endif

check_PROGRAMS += tests/fuzz/dialect
tests_fuzz_dialect_SOURCES = tests/fuzz/dialect.c tests/fuzz/replay.c
TAP_TESTS += tests/fuzz/dialect
if FUZZERS
noinst_PROGRAMS += tests/fuzz/dialect-fuzzer
tests_fuzz_dialect_fuzzer_SOURCES = tests/fuzz/dialect.c
tests_fuzz_dialect_fuzzer_LDFLAGS = $(LDFLAGS_OF_FUZZERS)
endif

check_PROGRAMS += tests/fuzz/sketch_image
tests_fuzz_sketch_image_SOURCES = tests/fuzz/sketch_image.c tests/fuzz/replay.c
TAP_TESTS += tests/fuzz/sketch_image
if FUZZERS
noinst_PROGRAMS += tests/fuzz/sketch_image-fuzzer
tests_fuzz_sketch_image_fuzzer_SOURCES = tests/fuzz/sketch_image.c
tests_fuzz_sketch_image_fuzzer_LDFLAGS = $(LDFLAGS_OF_FUZZERS)
endif

check_PROGRAMS += tests/fuzz/expect
tests_fuzz_expect_SOURCES = tests/fuzz/expect.c tests/fuzz/replay.c
TAP_TESTS += tests/fuzz/expect
if FUZZERS
noinst_PROGRAMS += tests/fuzz/expect-fuzzer
tests_fuzz_expect_fuzzer_SOURCES = tests/fuzz/expect.c
tests_fuzz_expect_fuzzer_LDFLAGS = $(LDFLAGS_OF_FUZZERS)
endif

check_PROGRAMS += tests/fuzz/profile_image
tests_fuzz_profile_image_SOURCES = tests/fuzz/profile_image.c tests/fuzz/replay.c
TAP_TESTS += tests/fuzz/profile_image
if FUZZERS
noinst_PROGRAMS += tests/fuzz/profile_image-fuzzer
tests_fuzz_profile_image_fuzzer_SOURCES = tests/fuzz/profile_image.c
tests_fuzz_profile_image_fuzzer_LDFLAGS = $(LDFLAGS_OF_FUZZERS)
endif
