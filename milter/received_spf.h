/* received_spf - the field Received-SPF (RFC 7208, 9.1) */
/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TAMIS_RECEIVED_SPF_H
#define TAMIS_RECEIVED_SPF_H

#include "check.h"

/* The field for the top of the message, "Received-SPF: fail (…)\n\tclient-ip=…", folded with
 * "\n\t"; about MAIL FROM. NULL, with need->need NULL: received_spf_header is off, the mail is
 * outgoing, or its sender is exempt (spf_scene.h). NULL and need->need: ask, and come again. What
 * strangers wrote stands in quotes where it is no plain word, and is left out where it holds
 * anything but printable ASCII or is too long; no line is longer than 998 bytes. The text is in the
 * scene's arena. */
const char *received_spf(const struct scene *scene, struct outcome *need);

#endif
