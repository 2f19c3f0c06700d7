/* escaped - what scripts and helper programs tell each other: bytes in the way are %XX */
/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TAMIS_ESCAPED_H
#define TAMIS_ESCAPED_H

#include <stddef.h>

/* In place, NUL behind it. Returns the length, for texts with %00. */
size_t escaped_read(char *text);

#endif
