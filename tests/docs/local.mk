# SPDX-License-Identifier: GPL-3.0-or-later
# Man pages and completions are generated from the option tables and committed.
check_PROGRAMS += tests/docs/gendocs
tests_docs_gendocs_SOURCES = tests/docs/gendocs.c tests/docs/tools.h tests/unit/cli_sample.h \
    tools/etl-profile-opts.c tools/etl-predict-opts.c tools/etl-plan-opts.c tools/etl-run-opts.c \
    tools/etl-lineage-opts.c
TAP_TESTS += tests/docs/generated.sh tests/docs/examples.sh
EXTRA_DIST += tests/docs/generated.sh tests/docs/examples.sh

# Writes them anew in the source tree; a test fails when they are stale.
docs: tests/docs/gendocs
	tests/docs/gendocs $(srcdir)
.PHONY: docs
