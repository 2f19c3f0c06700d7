/* received - the Received field that Postfix puts on top, from what a milter is told */
/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TAMIS_RECEIVED_H
#define TAMIS_RECEIVED_H

#include "message.h"

/* Did Postfix, under its own name, write the field? Only of its field the form is known, and only
 * there can it be replaced (received_decoy). */
bool received_is_postfix(const struct client *client);

/* "Received: from HELO (NAME [ADDRESS])…", folded as Postfix does, without a newline at its end;
 * for mail of sendmail(1) "Received: by HOST (Postfix)…". `hide`: [127.0.0.1] (localhost
 * [127.0.0.1]) stands in for the client. RFC 5321 section 4.4. Once all recipients and the queue id
 * are known.
 *
 * Not told, and so left out: sendmail(1)'s "from userid N", key exchange and signature of TLS 1.3,
 * what is said of the client's certificate, the authenticated sender. Not told, and so supposed:
 * ESMTP; a cipher all of whose bits are used; the time zone of this process; that the second in
 * which MAIL came is Postfix's. TLS is named even where smtpd_tls_received_header = no. */
const char *received_text(const struct client *client, const struct message *message, bool hide,
                          struct arena *arena);

/* `value`, of a Received field, with its blank, folded so that the MTA takes the field for its own
 * once it stands on top: its first line must begin the MTA's. */
const char *received_decoy(const char *value, struct arena *arena);

#endif
