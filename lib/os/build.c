/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which build of the program this is. The build ID is a hash of the content that GNU ld and lld
 * leave in a note (NT_GNU_BUILD_ID of elf(5)), so copying the file does not change it. */
#define _GNU_SOURCE
#include <elf.h>
#include <link.h>
#include <sys/stat.h>

#include "os/os.h"

/* The note with the ID among those of one segment. */
static bool find_note(const unsigned char *p, size_t left, char out[BUILD_ID_TEXT])
{
    ElfW(Nhdr) head;
    while (left >= sizeof(head)) {
        memcpy(&head, p, sizeof(head));
        size_t name = (head.n_namesz + 3u) & ~3u, desc = (head.n_descsz + 3u) & ~3u;
        if (left - sizeof(head) < name || left - sizeof(head) - name < desc)
            return false;
        const unsigned char *at = p + sizeof(head);
        if (head.n_type == NT_GNU_BUILD_ID && head.n_namesz == 4 && memcmp(at, "GNU", 4) == 0) {
            size_t n =
                head.n_descsz < (BUILD_ID_TEXT - 1) / 2 ? head.n_descsz : (BUILD_ID_TEXT - 1) / 2;
            for (size_t i = 0; i < n; i++)
                snprintf(out + 2 * i, 3, "%02x", at[name + i]);
            return n > 0;
        }
        p += sizeof(head) + name + desc;
        left -= sizeof(head) + name + desc;
    }
    return false;
}

/* The first object is the program itself. */
static int look(struct dl_phdr_info *info, size_t size, void *out)
{
    (void)size;
    for (int i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *h = &info->dlpi_phdr[i];
        if (h->p_type == PT_NOTE &&
            find_note((const unsigned char *)(info->dlpi_addr + h->p_vaddr), h->p_memsz, out))
            break;
    }
    return 1;
}

void os_build_id(char out[BUILD_ID_TEXT])
{
    struct stat st;
    out[0] = '\0';
    dl_iterate_phdr(look, out);
    if (!out[0] && stat("/proc/self/exe", &st) == 0)
        snprintf(out, BUILD_ID_TEXT, "%lld bytes of %lld.%09ld", (long long)st.st_size,
                 (long long)st.st_mtim.tv_sec, st.st_mtim.tv_nsec);
}
