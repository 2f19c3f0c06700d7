/* front_reuse - what was agreed on a milter connection, for the next client on the same one */
/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TAMIS_FRONT_REUSE_H
#define TAMIS_FRONT_REUSE_H

/* The MTA may say QUIT_NC and CONNECT again (Sendmail does), which ends the session but not what
 * was negotiated. Kept by libmilter's context, in a table of fixed size: the newest entry wins its
 * place. Any thread. */
enum { REUSE_BITS = 9 }; /* of terms */

/* Keeps the terms of a connection, of REUSE_BITS bits; never waits. */
void reuse_note(const void *context, unsigned terms);
unsigned reuse_terms(const void *context); /* 0: not known (any more) */

#endif
