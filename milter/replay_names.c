/* replay_names - what the log's words stand for */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "replay_names.h"

#include <string.h>

enum stage replay_stage(const char *name)
{
    for (int s = STAGE_CONNECT; name != NULL && s <= STAGE_EOM; s++)
        if (strcmp(stage_name((enum stage)s), name) == 0)
            return (enum stage)s;
    return STAGE_CONNECT;
}

enum entry_action replay_action(const char *name)
{
    for (int a = ENTRY_ACCEPT; name != NULL && a <= ENTRY_ABORTED; a++)
        if (strcmp(entry_action_name((enum entry_action)a), name) == 0)
            return (enum entry_action)a;
    return ENTRY_ABORTED;
}

enum finding_state replay_state(const char *name)
{
    if (name != NULL && strcmp(name, "found") == 0)
        return FINDING_FOUND;
    return name != NULL && strcmp(name, "none") == 0 ? FINDING_NONE : FINDING_TEMPERROR;
}

enum dkim_result replay_result(const char *name)
{
    for (int d = DKIM_NONE; name != NULL && d <= DKIM_PERMERROR; d++)
        if (strcmp(dkim_result_name((enum dkim_result)d), name) == 0)
            return (enum dkim_result)d;
    return DKIM_NONE;
}

enum act replay_act(const char *name)
{
    static const enum act acts[] = {ACT_HOLD,    ACT_REDIRECT, ACT_BCC,  ACT_PREPEND,
                                    ACT_REPLACE, ACT_IGNORE,   ACT_STRIP};

    for (size_t i = 0; name != NULL && i < ARRAY_LEN(acts); i++)
        if (strcmp(act_name(acts[i]), name) == 0)
            return acts[i];
    return ACT_DUNNO;
}
