/* advice - what main.cf and master.cf should say so that each mail passes tamis once */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "advice.h"

#include <string.h>

static const char PRESET_ADDRESS[] = "inet:localhost:8894";

static void add_line(struct advice *advice, struct advice_line line)
{
    struct advice_line *copy = arena_alloc(advice->postfix->arena, sizeof(*copy));

    *copy = line;
    *advice->tail = copy;
    advice->tail = &copy->next;
}

const char *advice_param(const struct advice *advice, const char *name)
{
    return postfix_param(advice->postfix, name);
}

void advice_main(struct advice *advice, const char *name, const char *value, const char *why)
{
    const char *text = arena_printf(advice->postfix->arena, "%s = %s", name, value);

    add_line(advice, (struct advice_line){NULL, "main.cf", NULL, name, value, text, why});
}

void advice_master(struct advice *advice, const struct postfix_service *service, const char *name,
                   const char *value, const char *why)
{
    const char *text = postfix_entry_with(advice->postfix, service, name, value);

    add_line(advice, (struct advice_line){NULL, "master.cf", service->key, name, value, text, why});
}

/* Braces came with Postfix 3.0. */
static bool has_braces(const struct advice *advice)
{
    long major = 3;
    struct slice version = slice_of(postfix_param(advice->postfix, "mail_version")), word;

    return !slice_word(&version, ".", &word) || !parse_long(word, 0, 1000, &major) || major >= 3;
}

/* tamis as an element of a list. */
static const char *advice_item(const struct advice *advice)
{
    if (!has_braces(advice))
        return advice->address;
    return arena_printf(advice->postfix->arena,
                        "{ %s, default_action=%s, command_timeout=30s }", advice->address,
                        advice->side->enforces ? "tempfail" : "accept");
}

bool advice_is_former(const struct advice *advice, const char *address)
{
    if (milter_address_same(address, advice->address))
        return false;
    return milter_address_same(address, PRESET_ADDRESS) ||
           (strncmp(address, "unix:", 5) == 0 && strstr(address, "tamis") != NULL);
}

size_t advice_count(const struct advice *advice, const char *list)
{
    size_t count = 0;

    for (const struct milter_item *i = milter_items(advice->postfix->arena, list); i != NULL;
         i = i->next)
        count += milter_address_same(i->address, advice->address);
    return count;
}

bool advice_is_last(const struct advice *advice, const char *list)
{
    bool last = false;

    for (const struct milter_item *i = milter_items(advice->postfix->arena, list); i != NULL;
         i = i->next)
        last = milter_address_same(i->address, advice->address);
    return last;
}

const char *advice_list_without(const struct advice *advice, const char *list)
{
    struct arena *arena = advice->postfix->arena;
    const char *result = "";

    for (const struct milter_item *i = milter_items(arena, list); i != NULL; i = i->next)
        if (!milter_address_same(i->address, advice->address) &&
            !advice_is_former(advice, i->address))
            result = arena_printf(arena, "%s%s%s", result, *result ? ", " : "", i->text);
    return result;
}

/* tamis keeps the options that the administrator gave it, unless they let mail through. */
static const char *own_item(const struct advice *advice, const char *list)
{
    for (const struct milter_item *i = milter_items(advice->postfix->arena, list); i != NULL;
         i = i->next) {
        bool harmless = i->default_action != NULL &&
                        (strcmp(i->default_action, "accept") != 0 || !advice->side->enforces);

        if (milter_address_same(i->address, advice->address) && harmless)
            return i->text;
    }
    return advice_item(advice);
}

const char *advice_list_with(const struct advice *advice, const char *list)
{
    const char *others = advice_list_without(advice, list);

    return arena_printf(advice->postfix->arena, "%s%s%s", others, *others ? ", " : "",
                        own_item(advice, list));
}

static void find_address(struct advice *advice)
{
    const struct postfix *postfix = advice->postfix;

    advice->address = milter_address(postfix->arena, advice->side->socket,
                                     postfix_param(postfix, "queue_directory"));
    if (advice->address != NULL)
        return;
    advice->address = PRESET_ADDRESS;
    problems_add(
        advice->problems, SEV_NOTE, (struct where){0},
        "milter.conf: socket = %s is a descriptor that somebody else opened; the printed lines "
        "say %s: put the address of that listener in its place",
        advice->side->socket, PRESET_ADDRESS);
}

void advice_give(struct advice *advice, const struct postfix *postfix,
                 const struct advice_side *side, struct problems *problems)
{
    *advice = (struct advice){.postfix = postfix, .side = side, .problems = problems};
    advice->tail = &advice->lines;
    find_address(advice);
    advice_services(advice);
    advice_lists(advice);
    advice_doubles(advice);
    advice_signing(advice);
}
