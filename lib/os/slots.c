/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Words for signal handlers to walk. Not a general set: removal is linear. */
#include <stdatomic.h>

#include "os/intern.h"

void slots_add(struct slots *s, uintptr_t word)
{
    for (;;) {
        for (size_t i = 0; i < SLOTS_CHUNK; i++) {
            uintptr_t none = 0;
            if (atomic_compare_exchange_strong(&s->slot[i], &none, word))
                return;
        }
        struct slots *next = atomic_load(&s->next);
        if (!next) {
            struct slots *fresh = xcalloc(1, sizeof(*fresh));
            if (atomic_compare_exchange_strong(&s->next, &next, fresh))
                next = fresh;
            else
                free(fresh);
        }
        s = next;
    }
}

bool slots_remove(struct slots *s, uintptr_t word)
{
    for (; s; s = atomic_load(&s->next)) {
        for (size_t i = 0; i < SLOTS_CHUNK; i++) {
            uintptr_t want = word;
            if (atomic_compare_exchange_strong(&s->slot[i], &want, 0))
                return true;
        }
    }
    return false;
}

bool slots_has(const struct slots *s, uintptr_t word)
{
    for (; s; s = atomic_load(&s->next)) {
        for (size_t i = 0; i < SLOTS_CHUNK; i++) {
            if (atomic_load(&s->slot[i]) == word)
                return true;
        }
    }
    return false;
}

bool slots_are_empty(const struct slots *s)
{
    for (; s; s = atomic_load(&s->next)) {
        for (size_t i = 0; i < SLOTS_CHUNK; i++) {
            if (atomic_load(&s->slot[i]))
                return false;
        }
    }
    return true;
}
