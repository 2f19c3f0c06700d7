/* dns_options - what milter.conf says about the DNS, for whoever opens it */
/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TAMIS_DNS_OPTIONS_H
#define TAMIS_DNS_OPTIONS_H

#include "dns_live.h"
#include "settings.h"

struct dns_options {
    struct dns_limits limits;     /* for dns_open */
    struct dns_live_options live; /* for dns_live_open */
};

/* Reads dns_servers and the rest. Texts are in the arena. False, with every problem
 * placed, if a server is no address (it is left out then) or the trust anchor cannot be read. */
bool dns_options_of(const struct settings *settings, struct arena *arena,
                    struct dns_options *options, struct problems *problems);

#endif
