/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Between chain.c and out.c only.
 */
#ifndef FORELINE_OUT_INTERNAL_H
#define FORELINE_OUT_INTERNAL_H

/* The last line written had no newline: whatever is written next begins with one; if nothing is,
 * the bytes stay as they came. */
void out_owe_newline(void);

#endif
