/* policy_classes - the lists that restriction_classes names */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "policy_classes.h"

#include "restriction.h"

#include <string.h>

static void declare_class(const struct policy *p, struct restriction_classes *classes,
                          const char *name, struct problems *problems)
{
    const struct param_text *names = &p->settings->restriction_classes;
    const struct param_text *text = settings_class(p->settings, name);
    const struct restriction *row;

    if (text == NULL || text->text[0] == '\0') {
        problems_add(problems, SEV_ERROR, names->where,
                     "restriction_classes: %s needs a definition, %s = RESTRICTIONS", name, name);
        return;
    }
    row = restriction_find(slice_of(name));
    if (row != NULL && !row->own)
        problems_add(problems, SEV_ERROR, text->where,
                     "restriction_classes: %s is a restriction's name already", name);
    classes->list[classes->count++] = (struct restriction_class){.name = name,
                                                                  .where = text->where};
}

/* First all names, then the lists: a class may name another, or itself. */
struct restriction_classes *classes_declare(const struct policy *p, struct problems *problems)
{
    struct restriction_classes *classes = arena_alloc(p->arena, sizeof(*classes));
    struct slice rest = slice_of(p->settings->restriction_classes.text);
    struct slice word;

    classes->list = arena_alloc(p->arena, (rest.len / 2 + 1) * sizeof(*classes->list));
    while (slice_word(&rest, ", \t\r\n", &word))
        if (class_find(classes, word) == NULL)
            declare_class(p, classes, arena_strndup(p->arena, word.ptr, word.len), problems);
    return classes;
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

bool class_may_be_used(const struct policy *p, const struct restriction_class *class,
                       enum list_id list)
{
    return is_class_used(p, class, list) || !is_class_used_at_all(p, class);
}

static void define_class(const struct policy *p, struct restriction_class *class,
                         enum list_id list, struct problems *problems)
{
    class->steps[list] = policy_parse_list(p, settings_class(p->settings, class->name), list,
                                           problems);
    class->is_read[list] = true;
}

/* A class is read for each list that names it, with that list's meaning of a bare TYPE:TABLE. */
static void define_named(const struct policy *p, enum list_id list, struct problems *problems)
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
}

/* Of a class that no list names the user is a value of an access table, known at run time only;
 * mostly one of the recipient's list. Some work at the end of data alone. */
static void tell_unnamed(const struct policy *p, const struct restriction_class *class,
                         struct problems *problems)
{
    const struct param_text *text = settings_class(p->settings, class->name);
    size_t prefix = strlen(list_name(LIST_RECIPIENT));
    struct problems found = {0};
    bool late = false;

    if (is_class_used_at_all(p, class))
        return;
    if (policy_parse_list(p, text, LIST_RECIPIENT, &found) == NULL)
        late = policy_parse_list(p, text, LIST_END_OF_DATA, NULL) != NULL;
    for (size_t i = 0; !late && i < found.count; i++) {
        const struct problem *f = &found.list[i];
        bool named = strncmp(f->text, list_name(LIST_RECIPIENT), prefix) == 0;

        problems_add(problems, f->severity, (struct where){f->file, f->line}, "class %s%s",
                     class->name,
                     named ? f->text + prefix : arena_printf(p->arena, ": %s", f->text));
    }
    problems_free(&found);
}

/* A value of an access table may name any class in any list; what can be read for one list, but not
 * for another, is no error. */
void classes_define(const struct policy *p, struct problems *problems)
{
    for (int list = 0; list < LIST_COUNT; list++)
        define_named(p, (enum list_id)list, problems);
    for (size_t i = 0; i < p->classes->count; i++)
        tell_unnamed(p, &p->classes->list[i], problems);
    for (size_t i = 0; i < p->classes->count; i++) {
        struct restriction_class *class = &p->classes->list[i];

        for (int list = 0; list < LIST_COUNT; list++)
            if (!class->is_read[list])
                define_class(p, class, (enum list_id)list, NULL);
    }
}
