/* replay_json - reads the JSON that the log holds: numbers, texts, lists, objects */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "replay_json.h"

#include <string.h>

bool json_take(struct json *json, char c)
{
    while (is_space((unsigned char)*json->at))
        json->at++;
    if (*json->at != c)
        return false;
    json->at++;
    return true;
}

bool json_number(struct json *json, int64_t *number)
{
    uint64_t n = 0;
    bool negative = json_take(json, '-');
    const char *start = json->at;

    for (; is_digit((unsigned char)*json->at); json->at++)
        n = n * 10 + (uint64_t)(*json->at - '0');
    *number = (int64_t)(negative ? 0 - n : n);
    return json->at != start;
}

static int hex_digit(char c)
{
    if (is_digit((unsigned char)c))
        return c - '0';
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static bool take_hex(const char **p, uint32_t *c)
{
    *c = 0;
    for (int i = 0; i < 4; i++, (*p)++) {
        int digit = hex_digit(**p);

        if (digit < 0)
            return false;
        *c = *c << 4 | (uint32_t)digit;
    }
    return true;
}

static char *put_utf8(char *out, uint32_t c)
{
    if (c < 0x80) {
        *out++ = (char)c;
    } else if (c < 0x800) {
        *out++ = (char)(0xc0 | c >> 6);
        *out++ = (char)(0x80 | (c & 0x3f));
    } else if (c < 0x10000) {
        *out++ = (char)(0xe0 | c >> 12);
        *out++ = (char)(0x80 | (c >> 6 & 0x3f));
        *out++ = (char)(0x80 | (c & 0x3f));
    } else {
        *out++ = (char)(0xf0 | (c >> 18 & 7));
        *out++ = (char)(0x80 | (c >> 12 & 0x3f));
        *out++ = (char)(0x80 | (c >> 6 & 0x3f));
        *out++ = (char)(0x80 | (c & 0x3f));
    }
    return out;
}

/* Behind a backslash. Its writer wrote no pairs of surrogates, another might. */
static bool take_escape(const char **p, char **out)
{
    static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
    const char *known;
    uint32_t c, low;

    if (**p == 'u') {
        (*p)++;
        if (!take_hex(p, &c))
            return false;
        if (c >= 0xd800 && c < 0xdc00 && (*p)[0] == '\\' && (*p)[1] == 'u') {
            *p += 2;
            if (!take_hex(p, &low))
                return false;
            c = 0x10000 + ((c - 0xd800) << 10) + ((low - 0xdc00) & 0x3ff);
        }
        *out = put_utf8(*out, c);
        return true;
    }
    known = **p != '\0' ? strchr(from, **p) : NULL;
    if (known == NULL)
        return false;
    *(*out)++ = to[known - from];
    (*p)++;
    return true;
}

/* What is decoded is never longer. */
const char *json_text(struct json *json, struct arena *arena)
{
    const char *p;
    char *text, *out;

    if (!json_take(json, '"'))
        return NULL;
    for (p = json->at; *p != '"' && *p != '\0'; p++)
        p += *p == '\\' && p[1] != '\0';
    out = text = arena_alloc(arena, (size_t)(p - json->at) + 1);
    for (p = json->at; *p != '"';) {
        if (*p == '\0')
            return NULL;
        if (*p != '\\') {
            *out++ = *p++;
            continue;
        }
        p++;
        if (!take_escape(&p, &out))
            return NULL;
    }
    json->at = p + 1;
    return text;
}

static bool skip_text(struct json *json)
{
    const char *p = json->at;

    for (; *p != '"'; p++) {
        p += *p == '\\' && p[1] != '\0';
        if (*p == '\0')
            return false;
    }
    json->at = p + 1;
    return true;
}

bool json_skip(struct json *json)
{
    int depth = 0;

    do {
        if (json_take(json, '"')) {
            if (!skip_text(json))
                return false;
        } else if (json_take(json, '[') || json_take(json, '{')) {
            depth++;
        } else if (depth > 0 && (json_take(json, ']') || json_take(json, '}'))) {
            depth--;
        } else if (*json->at == '\0' || (depth == 0 && strchr(",]}", *json->at) != NULL)) {
            return false;
        } else {
            json->at++;
            json->at += strcspn(json->at, ",:]}[{\" \t\r\n");
        }
    } while (depth > 0);
    return true;
}
