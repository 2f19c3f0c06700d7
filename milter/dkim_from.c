/* dkim_from - the one domain that a From field names */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "dkim_from.h"

#include "dkim_field.h"
#include "rfc5322.h"

const char *dkim_from_domain(const char *value, struct arena *arena)
{
    struct mailbox mailbox;
    const char *why;

    if (!mailbox_read(value, &mailbox, arena, &why))
        return NULL;
    return dkim_is_domain(slice_of(mailbox.domain), 1) ? mailbox.domain : NULL;
}
