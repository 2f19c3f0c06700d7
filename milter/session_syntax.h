/* session_syntax - what is refused by its form alone, before any list is judged */
/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TAMIS_SESSION_SYNTAX_H
#define TAMIS_SESSION_SYNTAX_H

#include "message.h"
#include "settings.h"

/* helo_required and strict_rfc821_envelopes at MAIL and RCPT, answered as Postfix does; ACT_DUNNO
 * when nothing is wrong. Texts live for ever. */
struct verdict syntax_of_mail(const struct settings *settings, const struct client *client,
                              const struct message *message);
struct verdict syntax_of_rcpt(const struct settings *settings, const struct recipient *recipient);

/* Is there such an ESMTP parameter without value behind the address, argv[0]? */
bool syntax_has_parameter(const char *const *argv, const char *name);

/* More recipients than a transaction may have: deferred, to be neither kept nor logged, so that
 * memory has a bound. */
struct verdict syntax_too_many_recipients(void);

#endif
