/* facts - what Postfix works out by itself where main.cf is silent: host name, domain, networks */
/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TAMIS_FACTS_H
#define TAMIS_FACTS_H

#include "arena.h"
#include "base.h"

/* Postfix's presets for parameters that tamis has no row for, but whose names stand in values:
 * queue_directory, mail_name …; NULL if not known. */
const char *fact_preset(const char *name);

/* gethostname(2), with `.domain` behind it when it has no dot; `domain` NULL: "localdomain". */
const char *fact_hostname(const char *domain, struct arena *arena);

/* What follows the first dot of a host name, or "localdomain". */
const char *fact_domain(const char *hostname);

#endif
