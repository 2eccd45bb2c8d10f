# SPDX-License-Identifier: GPL-3.0-or-later
# Against other programs; what they need comes with setup.
check_PROGRAMS += tests/integration/sketch_images
tests_integration_sketch_images_SOURCES = tests/integration/sketch_images.c
distclean-local:
	rm -rf tests/integration/venv
TAP_TESTS += tests/integration/sketches.sh
EXTRA_DIST += tests/integration/setup tests/integration/sketches.sh tests/integration/sketches.py
TAP_TESTS += tests/integration/postgres.sh
EXTRA_DIST += tests/integration/postgres.sh
