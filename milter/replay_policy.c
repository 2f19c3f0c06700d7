/* replay_policy - policies that are not in force: as they were, or with one rule less */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "replay.h"

#include <stdlib.h>

/* Nothing is signed; and what would only cost time: questions that are asked early, and those that
 * decide nothing. */
static const char *const judge_only[] = {"key_table=", "signing_table=", "key_list=",
                                         "signing_key=", "early_lookups=no",
                                         "authentication_results="};
enum { ALWAYS = 4 };

static struct policy *load(const struct policy_source *source, bool whole,
                           struct problems *problems)
{
    size_t count = source->override_count, more = whole ? ALWAYS : ARRAY_LEN(judge_only);
    const char **overrides = xcalloc(count + more, sizeof(*overrides));
    struct policy_source mine = {.path = source->path, .overrides = overrides};
    struct policy *policy;

    for (size_t i = 0; i < count; i++)
        overrides[i] = source->overrides[i];
    for (size_t i = 0; i < more; i++)
        overrides[count + i] = judge_only[i];
    mine.override_count = count + more;
    policy = policy_load(&mine, problems);
    free(overrides);
    return policy;
}

static struct policy *load_overlaid(const struct policy_source *source,
                                    const struct overlay *overlay, bool whole,
                                    struct problems *problems)
{
    struct overlay mine = overlay != NULL ? *overlay : (struct overlay){0};
    struct policy *policy;
    unsigned left_out = 0;

    mine.left_out = &left_out;
    if (overlay != NULL)
        overlay_set(&mine);
    policy = load(source, whole, problems);
    if (overlay != NULL)
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

struct policy *replay_load(const struct policy_source *source, const struct overlay *overlay,
                           struct problems *problems)
{
    return load_overlaid(source, overlay, false, problems);
}

struct policy *replay_load_whole(const struct policy_source *source, const struct overlay *overlay,
                                 struct problems *problems)
{
    return load_overlaid(source, overlay, true, problems);
}
