/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Formats of text values, by simple exact matchers. Not for types (table/value.h).
 *
 *   uuid   8-4-4-4-12 hexadecimal digits (RFC 9562, any version)
 *   email  one @, a local part of RFC 5321's unquoted characters up to 64, a domain with a dot
 *   url    scheme://host…, without blanks (RFC 3986, any scheme of letters, digits, + - .)
 *   ip     IPv4 in four decimal parts, or IPv6 (RFC 4291, with :: and an IPv4 tail)
 *   phone  like a telephone number: + and 7 to 15 digits (E.164) in groups, or without + the usual
 *          groups: of North America (NXX-NXX-XXXX, also with (NXX), and with 1 in front), or 9
 *          to 12 digits from 0 on in two groups or more, the first of two digits at least. Never
 * digits alone: those are numbers country_alpha2, country_alpha3   codes of ISO 3166-1, upper case
 */
#ifndef FORELINE_FORMATS_H
#define FORELINE_FORMATS_H

#include "base/base.h"

#define FORMATS 7
#define FORMAT_EMAIL 1
#define FORMAT_COUNTRY2 5
extern const char *const profile_format_names[FORMATS];
/* Bit f is set when the text has format f. */
unsigned profile_formats(struct slice text);
/* Two digits or more and nothing else, the first a zero: a code, not a number. */
bool profile_is_zero_code(struct slice text);
/* A code of ISO 3166-1 of two or three letters. */
bool profile_is_country(struct slice text);

#endif
