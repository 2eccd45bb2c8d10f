# SPDX-License-Identifier: GPL-3.0-or-later
libcore_a_SOURCES += \
	lib/engine/allocation.c \
	lib/engine/allocation.h \
	lib/engine/columns.c \
	lib/engine/columns.h \
	lib/engine/engine.c \
	lib/engine/engine.h \
	lib/engine/events.c \
	lib/engine/events.h \
	lib/engine/exact.c \
	lib/engine/exact.h \
	lib/engine/external.c \
	lib/engine/external.h \
	lib/engine/groups.c \
	lib/engine/groups.h \
	lib/engine/join.h \
	lib/engine/join_sorted.c \
	lib/engine/join_spill.c \
	lib/engine/join_table.c \
	lib/engine/journal.c \
	lib/engine/journal.h \
	lib/engine/kept.c \
	lib/engine/keys.c \
	lib/engine/keys.h \
	lib/engine/lanes.c \
	lib/engine/lanes.h \
	lib/engine/logtail.c \
	lib/engine/logtail.h \
	lib/engine/mark.c \
	lib/engine/mark.h \
	lib/engine/measure.c \
	lib/engine/measure.h \
	lib/engine/measure_int.h \
	lib/engine/measure_lists.c \
	lib/engine/measure_state.c \
	lib/engine/op.h \
	lib/engine/op_aggregate.c \
	lib/engine/op_command.c \
	lib/engine/op_distinct.c \
	lib/engine/op_flow.c \
	lib/engine/op_join.c \
	lib/engine/op_read.c \
	lib/engine/op_read.h \
	lib/engine/op_sort.c \
	lib/engine/op_sql.c \
	lib/engine/op_union.c \
	lib/engine/op_write.c \
	lib/engine/parts.c \
	lib/engine/parts.h \
	lib/engine/provider.c \
	lib/engine/provider.h \
	lib/engine/queue.c \
	lib/engine/queue.h \
	lib/engine/record.c \
	lib/engine/record.h \
	lib/engine/reject.c \
	lib/engine/reject.h \
	lib/engine/resume.c \
	lib/engine/resume.h \
	lib/engine/retry.c \
	lib/engine/retry.h \
	lib/engine/rows.c \
	lib/engine/rows.h \
	lib/engine/rowsort.c \
	lib/engine/rowsort.h \
	lib/engine/run.c \
	lib/engine/run.h \
	lib/engine/sample.c \
	lib/engine/sample.h \
	lib/engine/sample_choose.c \
	lib/engine/sample_figures.c \
	lib/engine/sample_grade.c \
	lib/engine/sample_int.h \
	lib/engine/sample_job.c \
	lib/engine/sample_ops.c \
	lib/engine/sample_rewrite.c \
	lib/engine/sample_tally.c \
	lib/engine/seqmerge.c \
	lib/engine/seqmerge.h \
	lib/engine/shadow.c \
	lib/engine/shadow.h \
	lib/engine/shadow_int.h \
	lib/engine/shadow_verdict.c \
	lib/engine/sort_keys.c \
	lib/engine/sort_keys.h \
	lib/engine/sort_merge.c \
	lib/engine/sort_merge.h \
	lib/engine/spill.c \
	lib/engine/spill.h \
	lib/engine/stop.c \
	lib/engine/stop.h \
	lib/engine/tally.c \
	lib/engine/tally.h \
	lib/engine/tally_spill.c \
	lib/engine/view.c \
	lib/engine/watch.c

# tests/prop/lanes is what tests/prop/engine.py runs.
check_PROGRAMS += \
	tests/prop/lanes \
	tests/prop/sample \
	tests/unit/engine_allocation \
	tests/unit/engine_exact \
	tests/unit/engine_lanes \
	tests/unit/engine_queue \
	tests/unit/engine_rules \
	tests/unit/engine_runs \
	tests/unit/engine_sort \
	tests/unit/engine_spill \
	tests/unit/engine_tally
TAP_TESTS += \
	tests/cli/code-version.sh \
	tests/cli/etl-run-commands.sh \
	tests/cli/etl-run-events.sh \
	tests/cli/etl-run-faults.sh \
	tests/cli/etl-run-hostile.sh \
	tests/cli/etl-run-live.py \
	tests/cli/etl-run-manager.sh \
	tests/cli/etl-run-memory.sh \
	tests/cli/etl-run-rejects.sh \
	tests/cli/etl-run-resume.sh \
	tests/cli/etl-run-sample.sh \
	tests/cli/etl-run-shadow.sh \
	tests/cli/etl-run-sql.sh \
	tests/cli/etl-run-steps.sh \
	tests/cli/etl-run-threads.sh \
	tests/cli/etl-run.sh \
	tests/fault/resume.py \
	tests/prop/engine.py \
	tests/prop/joins.py \
	tests/prop/sample \
	tests/unit/engine_allocation \
	tests/unit/engine_exact \
	tests/unit/engine_lanes \
	tests/unit/engine_queue \
	tests/unit/engine_rules \
	tests/unit/engine_runs \
	tests/unit/engine_sort \
	tests/unit/engine_spill \
	tests/unit/engine_tally
EXTRA_DIST += \
	tests/cli/code-version.sh \
	tests/cli/etl-run-commands.sh \
	tests/cli/etl-run-events.sh \
	tests/cli/etl-run-faults.sh \
	tests/cli/etl-run-hostile.sh \
	tests/cli/etl-run-live.py \
	tests/cli/etl-run-manager.sh \
	tests/cli/etl-run-memory.sh \
	tests/cli/etl-run-rejects.sh \
	tests/cli/etl-run-resume.sh \
	tests/cli/etl-run-sample.sh \
	tests/cli/etl-run-shadow.sh \
	tests/cli/etl-run-sql.sh \
	tests/cli/etl-run-steps.sh \
	tests/cli/etl-run-threads.sh \
	tests/cli/etl-run.sh \
	tests/fault/resume.py \
	tests/prop/engine.py \
	tests/prop/joins.py \
	tests/unit/engine_case.h \
	tests/unit/engine_rows.h
tests_prop_lanes_SOURCES = tests/prop/lanes.c
tests_prop_lanes_CFLAGS = $(UNIT_CFLAGS)
tests_prop_lanes_LDADD = $(UNIT_LDADD)
tests_prop_sample_SOURCES = tests/prop/sample.c
tests_prop_sample_CFLAGS = $(UNIT_CFLAGS)
tests_prop_sample_LDADD = $(UNIT_LDADD)
tests_unit_engine_allocation_SOURCES = tests/unit/engine_allocation.c
tests_unit_engine_allocation_CFLAGS = $(UNIT_CFLAGS)
tests_unit_engine_allocation_LDADD = $(UNIT_LDADD)
tests_unit_engine_exact_SOURCES = tests/unit/engine_exact.c
tests_unit_engine_exact_CFLAGS = $(UNIT_CFLAGS)
tests_unit_engine_exact_LDADD = $(UNIT_LDADD)
tests_unit_engine_lanes_SOURCES = tests/unit/engine_lanes.c
tests_unit_engine_lanes_CFLAGS = $(UNIT_CFLAGS)
tests_unit_engine_lanes_LDADD = $(UNIT_LDADD)
tests_unit_engine_queue_SOURCES = tests/unit/engine_queue.c
tests_unit_engine_queue_CFLAGS = $(UNIT_CFLAGS)
tests_unit_engine_queue_LDADD = $(UNIT_LDADD)
tests_unit_engine_rules_SOURCES = tests/unit/engine_rules.c
tests_unit_engine_rules_CFLAGS = $(UNIT_CFLAGS)
tests_unit_engine_rules_LDADD = $(UNIT_LDADD)
tests_unit_engine_runs_SOURCES = tests/unit/engine_runs.c
tests_unit_engine_runs_CFLAGS = $(UNIT_CFLAGS)
tests_unit_engine_runs_LDADD = $(UNIT_LDADD)
tests_unit_engine_sort_SOURCES = tests/unit/engine_sort.c
tests_unit_engine_sort_CFLAGS = $(UNIT_CFLAGS)
tests_unit_engine_sort_LDADD = $(UNIT_LDADD)
tests_unit_engine_spill_SOURCES = tests/unit/engine_spill.c
tests_unit_engine_spill_CFLAGS = $(UNIT_CFLAGS)
tests_unit_engine_spill_LDADD = $(UNIT_LDADD)
tests_unit_engine_tally_SOURCES = tests/unit/engine_tally.c
tests_unit_engine_tally_CFLAGS = $(UNIT_CFLAGS)
tests_unit_engine_tally_LDADD = $(UNIT_LDADD)
