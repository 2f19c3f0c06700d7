/* postfix_names - the parameters of Postfix (up to 3.10), which are never unknown names here */
/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TAMIS_POSTFIX_NAMES_H
#define TAMIS_POSTFIX_NAMES_H

#include <stdbool.h>

/* Is this a name of postconf(5), or one that a service of master.cf lends its name to, such as
 * amavis_destination_recipient_limit? */
bool postfix_knows(const char *name);

/* In alphabetical order; without those that master.cf makes. */
void postfix_each_name(void (*visit)(const char *name, void *arg), void *arg);

#endif
