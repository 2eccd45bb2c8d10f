# SPDX-License-Identifier: GPL-3.0-or-later
EXTRA_DIST += tests/cli/lib.sh
TAP_TESTS += tests/cli/common.sh tests/cli/passing.sh
EXTRA_DIST += tests/cli/common.sh tests/cli/passing.sh
TAP_TESTS += tests/cli/etl-run-kept.sh
EXTRA_DIST += tests/cli/etl-run-kept.sh
