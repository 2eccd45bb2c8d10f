# SPDX-License-Identifier: GPL-3.0-or-later
bin_PROGRAMS += tools/etl-profile
tools_etl_profile_SOURCES = tools/etl-profile.c tools/etl-profile-gate.c tools/etl-profile-merge.c \
    tools/etl-profile-notes.c tools/etl-profile-opts.c tools/etl-profile-parts.c \
    tools/etl-profile-store.c tools/etl-profile-streams.c tools/etl-profile-table.c \
    tools/etl-profile-usage.c \
    tools/etl-profile-html.c tools/etl-profile-card.c tools/etl-profile-findings.c tools/etl-profile-words.c \
    tools/etl-profile.h
dist_man1_MANS += share/man/etl-profile.1

bin_PROGRAMS += tools/etl-run
tools_etl_run_SOURCES = tools/etl-run.c tools/etl-run.h tools/etl-run-job.c tools/etl-run-opts.c \
    tools/etl-run-live.c tools/etl-run-records.c tools/etl-run-http.c tools/etl-run-resume.c tools/etl-run-sample.c \
    tools/etl-run-shadow.c tools/etl-run-show.c tools/etl-run-wait.c
dist_man1_MANS += share/man/etl-run.1

bin_PROGRAMS += tools/etl-lineage
tools_etl_lineage_SOURCES = tools/etl-lineage.c tools/etl-lineage.h tools/etl-lineage-add.c \
	tools/etl-lineage-opts.c tools/etl-lineage-show.c tools/etl-lineage-tree.c tools/etl-lineage-view.c
dist_man1_MANS += share/man/etl-lineage.1
bin_PROGRAMS += tools/etl-predict tools/etl-plan
tools_etl_predict_SOURCES = tools/etl-predict.c tools/etl-predict-opts.c \
	tools/etl-predict-table.c tools/etl-predict.h
tools_etl_plan_SOURCES = tools/etl-plan.c tools/etl-plan-opts.c tools/etl-plan-table.c \
	tools/etl-plan.h
dist_man1_MANS += share/man/etl-predict.1 share/man/etl-plan.1
