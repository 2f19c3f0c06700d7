/* restriction_kept - does Postfix still have what tamis leaves to it? */
/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TAMIS_RESTRICTION_KEPT_H
#define TAMIS_RESTRICTION_KEPT_H

#include "restriction.h"
#include "settings.h"

enum kept {
    KEPT_UNKNOWN, /* no main.cf was read */
    KEPT,
    KEPT_NOWHERE,
};

/* Looks for the restriction, and its argument ({NULL, 0}: it has none), in the lists and classes of
 * main.cf, in the services of master.cf beside it, and for the parameters that stand for
 * reject_unlisted_sender and reject_unlisted_recipient. Blocks for master.cf. */
enum kept restriction_kept(const struct settings *settings, const struct restriction *row,
                           struct slice argument);

#endif
