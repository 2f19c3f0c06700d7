/* escaped - what scripts and helper programs tell each other: bytes in the way are %XX */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "escaped.h"

#include <stdlib.h>

size_t escaped_read(char *text)
{
    char *out = text, hex[3] = {0};

    for (const char *in = text; *in != '\0'; in++)
        if (*in == '%') {
            hex[0] = in[1];
            hex[1] = in[2];
            *out++ = (char)strtol(hex, NULL, 16);
            in += 2;
        } else {
            *out++ = *in;
        }
    *out = '\0';
    return (size_t)(out - text);
}
