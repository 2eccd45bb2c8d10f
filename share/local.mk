# SPDX-License-Identifier: GPL-3.0-or-later

examplesdir = $(pkgdatadir)/examples
dist_examples_DATA = \
	share/examples/PROVENANCE.md \
	share/examples/airports.csv \
	share/examples/delays.json \
	share/examples/flights.csv
dist_examples_SCRIPTS = share/examples/demo.sh
