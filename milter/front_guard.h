/* front_guard - what libmilter calls of the C library, made safe: accept and read */
/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TAMIS_FRONT_GUARD_H
#define TAMIS_FRONT_GUARD_H

/* Our accept(2) and read(2) stand in front of the C library's, for all of the program. They do as
 * those do, but, once this was called:
 *
 * accept waits a moment, and says so in syslog, when there is no descriptor or no memory left:
 * libmilter would try again at once, and take a whole processor for it.
 *
 * read fails with EBADMSG at the end of a packet of macros in which one has no value, so that
 * libmilter hangs up: smfi_getsymval would look for the next name behind the end of its list.
 *
 * To be called once, before libmilter's threads start. */
void guard_start(void);

#endif
