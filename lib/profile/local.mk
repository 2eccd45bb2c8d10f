# SPDX-License-Identifier: GPL-3.0-or-later
# What the records look like, for others.
include share/schemas/local.mk
