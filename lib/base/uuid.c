/* SPDX-License-Identifier: GPL-3.0-or-later */
/* UUID version 7. */
#include "base/uuid.h"

void uuid7_format(char out[UUID_TEXT], int64_t now_us, const unsigned char entropy[10])
{
    uint64_t ms = (uint64_t)(now_us / 1000);
    unsigned char u[16];
    for (int i = 0; i < 6; i++)
        u[i] = (unsigned char)(ms >> (40 - 8 * i));
    memcpy(u + 6, entropy, 10);
    u[6] = (unsigned char)((u[6] & 0x0F) | 0x70);
    u[8] = (unsigned char)((u[8] & 0x3F) | 0x80);
    snprintf(out, UUID_TEXT, "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x",
             u[0], u[1], u[2], u[3], u[4], u[5], u[6], u[7], u[8], u[9], u[10], u[11], u[12], u[13],
             u[14], u[15]);
}

bool uuid_is_valid(struct slice s)
{
    if (s.len != UUID_TEXT - 1)
        return false;
    for (size_t i = 0; i < s.len; i++) {
        char c = s.p[i];
        bool dash = i == 8 || i == 13 || i == 18 || i == 23;
        bool hex = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
        if (dash ? c != '-' : !hex)
            return false;
    }
    return true;
}
