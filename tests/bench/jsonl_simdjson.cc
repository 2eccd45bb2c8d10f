// SPDX-License-Identifier: GPL-3.0-or-later
// The peer of the bench of JSON scanners: the members of each line by simdjson's on-demand face. See
// jsonl_scan.c for the job and for what is left out here in simdjson's favour.
#include <simdjson.h>

#include <cstring>
#include <string>
#include <vector>

#include "tests/bench/jsonl_simdjson.h"

using namespace simdjson;

namespace
{

/* Keys in the order of the last record, as the scanner of lib/table guesses them. */
struct keys {
    std::vector<std::string> names; /* with the closing quote */
    size_t guess = 0;

    size_t find(const char *raw)
    {
        for (size_t k = 0; k < names.size(); k++, guess++) {
            if (guess >= names.size())
                guess = 0;
            const std::string &n = names[guess];
            if (memcmp(raw, n.data(), n.size()) == 0)
                return guess++;
        }
        const char *to = strchr(raw, '"');
        names.emplace_back(raw, static_cast<size_t>(to - raw) + 1);
        guess = names.size();
        return guess - 1;
    }
};

/* The slice of a value as lib/table wants it: strings without quotes, numbers that are some. */
bool slice_of_value(ondemand::value v, json_slice &s)
{
    std::string_view text;
    ondemand::json_type type = v.type();
    s.kind = static_cast<uint32_t>(type);
    s.escaped = false;
    switch (type) {
    case ondemand::json_type::array:
        text = v.get_array().value().raw_json();
        break;
    case ondemand::json_type::object:
        text = v.get_object().value().raw_json();
        break;
    case ondemand::json_type::string:
        text = v.raw_json_token();
        text = text.substr(1, text.rfind('"') - 1);
        s.escaped = memchr(text.data(), '\\', text.size()) != nullptr;
        break;
    case ondemand::json_type::number: {
        ondemand::number n;
        text = v.raw_json_token();
        while (text.back() == ' ' || text.back() == '\t' || text.back() == '\r')
            text.remove_suffix(1);
        if (v.get_number().get(n))
            return false;
        break;
    }
    default:
        text = type == ondemand::json_type::null ? std::string_view() : v.raw_json_token();
        break;
    }
    s.p = text.data();
    s.len = text.size();
    return true;
}

bool take(ondemand::object object, keys &k, std::vector<json_slice> &out, json_totals *t)
{
    out.clear();
    k.guess = 0;
    for (auto member : object) {
        json_slice s;
        s.column = static_cast<uint32_t>(k.find(member.key().value().raw()));
        if (!slice_of_value(member.value(), s))
            return false;
        out.push_back(s);
        t->bytes += s.len;
    }
    t->records++;
    t->fields += out.size();
    return true;
}

} // namespace

bool simdjson_many(const char *data, size_t len, size_t cap, json_totals *t)
{
    ondemand::parser parser;
    ondemand::document_stream docs;
    keys k;
    std::vector<json_slice> out;
    (void)cap;
    if (parser.iterate_many(data, len, 1 << 20).get(docs))
        return false;
    for (auto doc : docs) {
        ondemand::object object;
        if (doc.get_object().get(object) || !take(object, k, out, t))
            return false;
    }
    return true;
}

bool simdjson_lines(const char *data, size_t len, size_t cap, json_totals *t)
{
    ondemand::parser parser;
    keys k;
    std::vector<json_slice> out;
    for (const char *p = data, *end = data + len; p < end;) {
        const char *lf = static_cast<const char *>(memchr(p, '\n', static_cast<size_t>(end - p)));
        if (!lf)
            lf = end;
        ondemand::document doc;
        ondemand::object object;
        size_t n = static_cast<size_t>(lf - p);
        if (parser.iterate(p, n, cap - static_cast<size_t>(p - data)).get(doc) ||
            doc.get_object().get(object) || !take(object, k, out, t))
            return false;
        p = lf + 1;
    }
    return true;
}
