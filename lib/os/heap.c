/* SPDX-License-Identifier: GPL-3.0-or-later */
/* How the heap behaves under several threads. */
#include <malloc.h>

#include "os/os.h"

/* Blocks and vectors of batches are smaller, and come and go all the time. */
#define MMAP_BYTES (4 << 20)
#define TRIM_BYTES (64 << 20)

void heap_keep(void)
{
#ifdef M_TRIM_THRESHOLD
    mallopt(M_MMAP_THRESHOLD, MMAP_BYTES);
    mallopt(M_TRIM_THRESHOLD, TRIM_BYTES);
#endif
}
