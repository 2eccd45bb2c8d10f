/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Functions that do not compile here, each with a safe one to use instead.
 * Included by base.h after the C headers would have declared them. */
#ifndef FORELINE_BANNED_H
#define FORELINE_BANNED_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#ifndef __cplusplus
#define BANNED(f) sorry_##f##_is_banned_here
#undef strcpy
#define strcpy(d, s) BANNED(strcpy) /* struct buf, xstrdup */
#undef strcat
#define strcat(d, s) BANNED(strcat)
#undef strncpy
#define strncpy(d, s, n) BANNED(strncpy)
#undef strncat
#define strncat(d, s, n) BANNED(strncat)
#undef sprintf
#define sprintf(...) BANNED(sprintf) /* snprintf, buf_addf */
#undef vsprintf
#define vsprintf(...) BANNED(vsprintf)
#undef strtok
#define strtok(s, d) BANNED(strtok)
#undef atoi
#define atoi(s) BANNED(atoi) /* num_parse_int */
#undef atol
#define atol(s) BANNED(atol)
#undef atof
#define atof(s) BANNED(atof)
#undef gets
#define gets(s) BANNED(gets)
#undef localtime
#define localtime(t) BANNED(localtime) /* instant_format */
#undef gmtime
#define gmtime(t) BANNED(gmtime)
#undef ctime
#define ctime(t) BANNED(ctime)
#undef asctime
#define asctime(t) BANNED(asctime)
#undef rand
#define rand() BANNED(rand) /* struct rng */
#undef srand
#define srand(s) BANNED(srand)
#undef alloca
#define alloca(n) BANNED(alloca)
#endif

#endif
