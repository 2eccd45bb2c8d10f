# SPDX-License-Identifier: GPL-3.0-or-later
libcore_a_SOURCES += \
	lib/os/address.c \
	lib/os/ask.c \
	lib/os/atomic.c \
	lib/os/build.c \
	lib/os/cgroup.c \
	lib/os/cgroup.h \
	lib/os/clock.c \
	lib/os/file.c \
	lib/os/folder.c \
	lib/os/follow.c \
	lib/os/follow.h \
	lib/os/guard.c \
	lib/os/heap.c \
	lib/os/intern.h \
	lib/os/limits.c \
	lib/os/lock.c \
	lib/os/machine.c \
	lib/os/os.h \
	lib/os/proc.c \
	lib/os/proctree.c \
	lib/os/scratch.c \
	lib/os/slots.c \
	lib/os/strays.c
check_PROGRAMS += tests/unit/os_files tests/unit/os_limits tests/unit/os_proc
tests_unit_os_files_SOURCES = tests/unit/os_files.c
tests_unit_os_files_CFLAGS = $(UNIT_CFLAGS)
tests_unit_os_files_LDADD = $(UNIT_LDADD)
tests_unit_os_proc_SOURCES = tests/unit/os_proc.c
tests_unit_os_proc_CFLAGS = $(UNIT_CFLAGS)
tests_unit_os_proc_LDADD = $(UNIT_LDADD)
TAP_TESTS += tests/unit/os_files tests/unit/os_limits tests/unit/os_proc
tests_unit_os_limits_SOURCES = tests/unit/os_limits.c
tests_unit_os_limits_CFLAGS = $(UNIT_CFLAGS)
tests_unit_os_limits_LDADD = $(UNIT_LDADD)
