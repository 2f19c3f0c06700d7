/* session_end - how a transaction ended, as the log says it */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "session_end.h"

enum entry_action transaction_action(const struct message *m, bool finished)
{
    enum act act = m->verdict.act;

    if (!finished && act == ACT_DISCARD)
        return ENTRY_ABORTED;
    if (!finished && m->verdict.stage == STAGE_RCPT && m->recipients != NULL &&
        message_has_permitted(m))
        return ENTRY_ABORTED;
    if (act == ACT_DISCARD)
        return ENTRY_DISCARD;
    if (finished && !verdict_refuses(&m->verdict))
        return ENTRY_ACCEPT;
    if (act == ACT_REJECT)
        return ENTRY_REJECT;
    if (act == ACT_DEFER)
        return ENTRY_TEMPFAIL;
    return finished ? ENTRY_ACCEPT : ENTRY_ABORTED;
}
