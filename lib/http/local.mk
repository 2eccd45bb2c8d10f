# SPDX-License-Identifier: GPL-3.0-or-later
libcore_a_SOURCES += lib/http/sender.c lib/http/sender.h
TAP_TESTS += tests/cli/etl-run-http.sh
EXTRA_DIST += tests/cli/etl-run-http.sh tests/cli/http_server.py
