# SPDX-License-Identifier: GPL-3.0-or-later
bin_PROGRAMS += tools/etl-profile
tools_etl_profile_SOURCES = tools/etl-profile.c tools/etl-profile-opts.c tools/etl-profile-table.c \
    tools/etl-profile.h
dist_man1_MANS += share/man/etl-profile.1
