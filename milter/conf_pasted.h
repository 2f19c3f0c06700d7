/* conf_pasted - lines of OpenDKIM's and dkim-filter's configuration that somebody pasted */
/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TAMIS_CONF_PASTED_H
#define TAMIS_CONF_PASTED_H

#include "base.h"

/* If the line ("KeyList /etc/mail/keylist") begins with a name of theirs in any case, what to write
 * instead: "write key_list = /etc/mail/keylist"; malloc'd. NULL: it is nothing of theirs. */
char *conf_pasted(struct slice line);

#endif
