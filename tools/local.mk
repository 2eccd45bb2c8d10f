# SPDX-License-Identifier: GPL-3.0-or-later
bin_PROGRAMS += tools/etl-profile
tools_etl_profile_SOURCES = tools/etl-profile.c tools/etl-profile-opts.c tools/etl-profile-table.c \
    tools/etl-profile.h
dist_man1_MANS += share/man/etl-profile.1

bin_PROGRAMS += tools/etl-run
tools_etl_run_SOURCES = tools/etl-run.c tools/etl-run.h tools/etl-run-job.c tools/etl-run-opts.c \
    tools/etl-run-records.c tools/etl-run-show.c tools/etl-run-wait.c
dist_man1_MANS += share/man/etl-run.1

bin_PROGRAMS += tools/etl-lineage
tools_etl_lineage_SOURCES = tools/etl-lineage.c tools/etl-lineage.h tools/etl-lineage-opts.c \
	tools/etl-lineage-show.c tools/etl-lineage-tree.c tools/etl-lineage-view.c
dist_man1_MANS += share/man/etl-lineage.1
