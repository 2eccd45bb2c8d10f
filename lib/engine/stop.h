/* SPDX-License-Identifier: GPL-3.0-or-later */
/* SIGINT, SIGTERM and SIGHUP asked to end a run, or SIGPIPE said that nobody reads its rows: the
 * first one is remembered and the commands that run get a TERM, so that the run winds down and
 * cleans up. Should it not do so within some seconds (a read that never returns), or should a
 * second one come, the watcher removes the hidden files and lets the process die by the signal. */
#ifndef FORELINE_ENGINE_STOP_H
#define FORELINE_ENGINE_STOP_H

#include <signal.h>

#include "base/base.h"

/* Once per process. The value is 0 until a signal came, then its number. */
bool stop_watch(struct err *err);
extern volatile sig_atomic_t stop_signal;
/* Dies by the signal that came, as a shell expects of a program that was interrupted; should that
 * not be possible, the status to end with instead. */
int stop_die(void);

#endif
