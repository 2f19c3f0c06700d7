/* policy_classes - restriction_classes: their names, and what each is in each list */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "policy_parts.h"

#include "restriction.h"
#include "steps.h"

static void declare_class(struct policy *p, struct restriction_classes *classes, const char *name,
                          struct problems *problems)
{
    const struct param_text *names = &p->settings->restriction_classes;
    const struct param_text *text = settings_class(p->settings, name);

    if (text == NULL || text->text[0] == '\0') {
        problems_add(problems, SEV_ERROR, names->where,
                     "restriction_classes: %s needs a definition, %s = RESTRICTIONS", name, name);
        return;
    }
    if (restriction_find(slice_of(name)) != NULL)
        problems_add(problems, SEV_ERROR, text->where,
                     "restriction_classes: %s is a restriction's name already", name);
    classes->list[classes->count++] = (struct restriction_class){.name = name,
                                                                  .where = text->where};
}

/* First all names, then the lists: a class may name another, or itself. */
void policy_declare_classes(struct policy *p, struct problems *problems)
{
    struct restriction_classes *classes = arena_alloc(p->arena, sizeof(*classes));
    struct slice rest = slice_of(p->settings->restriction_classes.text);
    struct slice word;

    classes->list = arena_alloc(p->arena, (rest.len / 2 + 1) * sizeof(*classes->list));
    while (slice_word(&rest, ", \t\r\n", &word))
        if (class_find(classes, word) == NULL)
            declare_class(p, classes, arena_strndup(p->arena, word.ptr, word.len), problems);
    p->classes = classes;
}

static bool uses_class(const struct steps *steps, const struct restriction_class *class)
{
    for (size_t i = 0; steps != NULL && i < steps->count; i++)
        if (steps->list[i].class == class)
            return true;
    return false;
}

static bool is_class_used(const struct policy *p, const struct restriction_class *class,
                          enum list_id list)
{
    for (int d = 0; d < DIR_COUNT; d++)
        if (uses_class(p->lists[d][list], class))
            return true;
    for (size_t i = 0; i < p->classes->count; i++)
        if (uses_class(p->classes->list[i].steps[list], class))
            return true;
    return false;
}

static bool is_class_used_at_all(const struct policy *p, const struct restriction_class *class)
{
    for (int list = 0; list < LIST_COUNT; list++)
        if (is_class_used(p, class, (enum list_id)list))
            return true;
    return false;
}

bool policy_may_use_class(const struct policy *p, const struct restriction_class *class,
                          enum list_id list)
{
    return is_class_used(p, class, list) || !is_class_used_at_all(p, class);
}

static void define_class(struct policy *p, struct restriction_class *class, enum list_id list,
                         struct problems *problems)
{
    class->steps[list] = policy_parse_list(p, settings_class(p->settings, class->name), list,
                                           problems);
    class->is_read[list] = true;
}

/* A class is read for each list that names it, with that list's meaning of a bare TYPE:TABLE. A
 * value of an access table may name any class: such a use is known only at run time, and so what
 * cannot be read for the other lists is no error. */
void policy_define_classes(struct policy *p, enum list_id list, struct problems *problems)
{
    bool more = true;

    while (more) {
        more = false;
        for (size_t i = 0; i < p->classes->count; i++) {
            struct restriction_class *class = &p->classes->list[i];

            if (class->is_read[list] || !is_class_used(p, class, list))
                continue;
            define_class(p, class, list, problems);
            more = true;
        }
    }
    for (size_t i = 0; i < p->classes->count; i++)
        if (!p->classes->list[i].is_read[list])
            define_class(p, &p->classes->list[i], list, NULL);
}

void policy_report_classes(struct policy *p, struct problems *problems)
{
    for (size_t i = 0; i < p->classes->count; i++) {
        struct restriction_class *class = &p->classes->list[i];
        bool readable = false;

        for (int list = 0; list < LIST_COUNT; list++)
            readable = readable || class->steps[list] != NULL;
        if (!readable && !is_class_used_at_all(p, class))
            define_class(p, class, LIST_RECIPIENT, problems);
    }
}
