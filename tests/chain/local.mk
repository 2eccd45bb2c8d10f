# SPDX-License-Identifier: GPL-3.0-or-later
# The tools composed, as the README composes them.
EXTRA_DIST += tests/chain/delays.sh tests/chain/passthrough.sh
TAP_TESTS += tests/chain/delays.sh tests/chain/passthrough.sh
