/* sign_names - the lists dkim_sign_headers and dkim_oversign_headers, read */
/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TAMIS_SIGN_NAMES_H
#define TAMIS_SIGN_NAMES_H

#include "settings.h"
#include "sign_fields.h"

/* Names separated by commas and blanks, as OpenDKIM's SignHeaders: "*" stands for what is
 * preset, "+Name" is Name, "-Name" takes one out; a list that begins with + or - changes the
 * preset. From is always signed; what is oversigned is signed, too. No name twice, whatever the
 * case. Problems are placed. Everything is in the arena, but texts of the presets. */
struct sign_fields *sign_names_read(const struct settings *settings, struct arena *arena,
                                    struct problems *problems);

#endif
