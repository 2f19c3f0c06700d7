/* replay_policy - policies that are not in force: as they were, or with one rule less */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "replay.h"

struct policy *replay_load(const struct policy_source *source, const struct overlay *overlay,
                           struct problems *problems)
{
    struct overlay mine = overlay != NULL ? *overlay : (struct overlay){0};
    struct policy *policy;
    unsigned left_out = 0;

    mine.left_out = &left_out;
    overlay_set(&mine);
    policy = policy_load(source, problems);
    overlay_set(NULL);
    if (policy == NULL)
        return NULL;
    if (mine.without.file != NULL && left_out == 0) {
        problems_add(problems, SEV_ERROR, mine.without,
                     "there is no rule \"%s\" that could be left out",
                     mine.without_text != NULL ? mine.without_text : "");
        policy_free(policy);
        return NULL;
    }
    if (overlay != NULL && overlay->left_out != NULL)
        *overlay->left_out = left_out;
    policy_hold(policy);
    return policy;
}
