/* check_list - the restrictions that decide without looking: permit, reject, defer, classes */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "policy.h"
#include "restriction.h"

static struct outcome judge_permit(const struct step *step, const struct scene *scene)
{
    (void)step, (void)scene;
    return outcome_permit();
}

static struct outcome judge_reject(const struct step *step, const struct scene *scene)
{
    (void)step;
    return outcome_refuse(scene, &scene->subject, scene->policy->settings->reject_code, "5.7.1",
                          "Access denied");
}

static struct outcome judge_defer(const struct step *step, const struct scene *scene)
{
    (void)step;
    return outcome_refuse(scene, &scene->subject, scene->policy->settings->defer_code, "4.3.2",
                          "Try again later");
}

static struct outcome judge_defer_if_permit(const struct step *step, const struct scene *scene)
{
    struct outcome o = outcome_refuse(scene, &scene->subject, 450, "4.7.0",
                                      "defer_if_permit requested");

    (void)step;
    o.act = ACT_DEFER_IF_PERMIT;
    return o;
}

static struct outcome judge_defer_if_reject(const struct step *step, const struct scene *scene)
{
    struct outcome o = outcome_refuse(scene, &scene->subject, 450, "4.7.0",
                                      "defer_if_reject requested");

    (void)step;
    o.act = ACT_DEFER_IF_REJECT;
    return o;
}

static struct outcome judge_class(const struct step *step, const struct scene *scene)
{
    const struct steps *steps = step->class->steps[scene->list];

    if (steps == NULL) /* only a table's value can name it then */
        return outcome_config_error(scene);
    return (struct outcome){.steps = steps, .subject = scene->subject};
}

const struct restriction restriction_class_row = {
    .name = "restriction class", .first_stage = STAGE_CONNECT, .judge = judge_class,
    .help = "a list named in restriction_classes",
};

const struct restriction rows_list[] = {
    {.name = "permit", .first_stage = STAGE_CONNECT, .judge = judge_permit,
     .help = "permit; ends this list only"},
    {.name = "reject", .first_stage = STAGE_CONNECT, .judge = judge_reject, .help = "reject"},
    {.name = "defer", .first_stage = STAGE_CONNECT, .judge = judge_defer,
     .help = "defer: try again later"},
    {.name = "defer_if_permit", .first_stage = STAGE_CONNECT, .judge = judge_defer_if_permit,
     .help = "defer if the recipient would be permitted"},
    {.name = "defer_if_reject", .first_stage = STAGE_CONNECT, .judge = judge_defer_if_reject,
     .help = "defer if a later restriction of this list would reject"},
    {.name = "warn_if_reject", .kind = KIND_MODIFIER, .first_stage = STAGE_CONNECT,
     .help = "log what the next restriction would reject, and go on"},
    {0},
};
