/* dkim_base64 - Base64 as DKIM writes it: one line out, white space anywhere in */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "dkim_base64.h"

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

size_t base64_encode(char *out, const void *data, size_t len)
{
    const unsigned char *in = data;
    char *start = out;

    while (len > 0) {
        size_t n = len < 3 ? len : 3;
        unsigned long bits = (unsigned long)in[0] << 16;

        if (n > 1)
            bits |= (unsigned long)in[1] << 8;
        if (n > 2)
            bits |= in[2];
        *out++ = digits[bits >> 18];
        *out++ = digits[bits >> 12 & 63];
        *out++ = n > 1 ? digits[bits >> 6 & 63] : '=';
        *out++ = n > 2 ? digits[bits & 63] : '=';
        in += n;
        len -= n;
    }
    *out = '\0';
    return (size_t)(out - start);
}

static int digit_value(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

bool base64_decode(void *out, size_t *len, struct slice text)
{
    unsigned char *to = out;
    unsigned long bits = 0;
    unsigned digit = 0, padding = 0;

    *len = 0;
    for (size_t i = 0; i < text.len; i++) {
        int value = digit_value(text.ptr[i]);

        if (is_space(text.ptr[i]))
            continue;
        if (text.ptr[i] == '=') {
            padding++;
            continue;
        }
        if (value < 0 || padding > 0)
            return false;
        bits = (bits << 6 | (unsigned long)value) & 0xffffff;
        if (++digit % 4 == 0) {
            to[(*len)++] = (unsigned char)(bits >> 16);
            to[(*len)++] = (unsigned char)(bits >> 8);
            to[(*len)++] = (unsigned char)bits;
        }
    }
    digit %= 4;
    if (digit == 0)
        return padding == 0;
    if (digit == 1 || digit + padding != 4)
        return false;
    to[(*len)++] = (unsigned char)(bits >> (digit == 2 ? 4 : 10));
    if (digit == 3)
        to[(*len)++] = (unsigned char)(bits >> 2);
    return (bits & (digit == 2 ? 15 : 3)) == 0;
}
