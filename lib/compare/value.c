/* SPDX-License-Identifier: GPL-3.0-or-later */
/* When two values are one. See compare.h for the rules. */
#include "table/value.h"

#include <math.h>
#include <string.h>
#include <strings.h>

#include "base/num.h"
#include "compare/intern.h"

#define KEY_NULL UINT64_C(0)
#define KEY_NAN UINT64_MAX
#define SIGN (UINT64_C(1) << 63)

/* nan, inf and infinity as the tools of others write them; NAN when it is none. */
static bool is_special(struct slice s, double *d)
{
    double sign = 1;
    if (s.len > 1 && (s.p[0] == '-' || s.p[0] == '+')) {
        sign = s.p[0] == '-' ? -1 : 1;
        s = slice_of(s.p + 1, s.len - 1);
    }
    if (s.len == 3 && strncasecmp(s.p, "nan", 3) == 0)
        *d = NAN;
    else if ((s.len == 3 && strncasecmp(s.p, "inf", 3) == 0) ||
             (s.len == 8 && strncasecmp(s.p, "infinity", 8) == 0))
        *d = sign * INFINITY;
    else
        return false;
    return true;
}

enum type value_seen(enum format format, struct text t, bool *special)
{
    union value v;
    double d;
    if (t.flags & TEXT_NESTED)
        return TYPE_JSON;
    if (format != FORMAT_JSONL && is_special(text_slice(t), &d)) {
        *special = true;
        return TYPE_NONE;
    }
    enum type type = value_classify(text_slice(t), &v);
    if (format == FORMAT_JSONL && (t.flags & TEXT_QUOTED))
        return type == TYPE_DATE || type == TYPE_TIMESTAMP ? type : TYPE_STRING;
    return type;
}

uint64_t number_key(const double *d)
{
    uint64_t bits;
    if (!d)
        return KEY_NULL;
    if (isnan(*d))
        return KEY_NAN;
    double v = *d + 0.0; /* -0 becomes 0 */
    memcpy(&bits, &v, sizeof(bits));
    return bits & SIGN ? ~bits : bits | SIGN;
}

static double key_number(uint64_t key)
{
    uint64_t bits = key & SIGN ? key ^ SIGN : ~key;
    double d;
    memcpy(&d, &bits, sizeof(d));
    return d;
}

const char *number_key_text(uint64_t key, char out[32])
{
    if (key == KEY_NULL)
        return "null";
    if (key == KEY_NAN)
        return "NaN";
    double d = key_number(key);
    if (isinf(d))
        return d > 0 ? "inf" : "-inf";
    num_format_double(out, d);
    return out;
}

bool number_keys_close(uint64_t a, uint64_t b, double rtol)
{
    if (a == b)
        return true;
    if (a == KEY_NULL || b == KEY_NULL || a == KEY_NAN || b == KEY_NAN)
        return false;
    double x = key_number(a), y = key_number(b);
    return isfinite(x) && isfinite(y) && fabs(x - y) <= rtol * fmax(fabs(x), fabs(y));
}

uint64_t number_key_of_text(struct slice s)
{
    double d;
    if (!num_parse_float(s, &d) && !is_special(s, &d))
        return KEY_NULL; /* never: the types were seen */
    return number_key(&d);
}

struct slice value_canonical(enum family family, struct text t)
{
    if (family == FAMILY_BOOLEAN) /* True, TRUE, true */
        return t.len && (t.p[0] == 't' || t.p[0] == 'T') ? SLICE_LIT("t") : SLICE_LIT("f");
    if (family == FAMILY_INTEGER && t.len == 2 && t.p[0] == '-' && t.p[1] == '0')
        return SLICE_LIT("0");
    return text_slice(t);
}
