/* dkim_base64 - Base64 as DKIM writes it: one line out, white space anywhere in */
/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TAMIS_DKIM_BASE64_H
#define TAMIS_DKIM_BASE64_H

#include "base.h"

/* Characters that `len` bytes take, without a NUL; the most bytes that `len` characters give. */
#define BASE64_SIZE(len) (((size_t)(len) + 2) / 3 * 4)
#define BASE64_BYTES(len) ((size_t)(len) / 4 * 3 + 3)

/* RFC 4648, section 4, padded, on one line: writes BASE64_SIZE(len) characters and a NUL, returns
 * their number. */
size_t base64_encode(char *out, const void *data, size_t len);

/* Reads Base64, white space within it ignored (RFC 6376, section 2.10: base64string); `out` has
 * room for BASE64_BYTES(text.len). Strict otherwise: false for a foreign character, for
 * what follows the padding, for missing padding and for bits that belong to no byte. */
bool base64_decode(void *out, size_t *len, struct slice text);

#endif
