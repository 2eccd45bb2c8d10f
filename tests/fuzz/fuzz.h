/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The entry of a fuzz harness. It must not change what later inputs see, and reports what it finds
 * by BUG() or a sanitizer. To add one called NAME: NAME.c with this function, seeds in
 * corpus/NAME/, and a block of its own in local.mk. */
#ifndef FORELINE_TESTS_FUZZ_H
#define FORELINE_TESTS_FUZZ_H

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#endif
