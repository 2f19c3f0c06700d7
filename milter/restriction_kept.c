/* restriction_kept - does Postfix still have what tamis leaves to it? */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "restriction_kept.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

static const char SEPARATORS[] = ", \t\r\n={}";

/* Is the word in the text, and the argument right behind it? */
static bool has_words(const char *text, const char *name, struct slice argument)
{
    struct slice rest = slice_of(text), word;
    bool after = false;

    while (slice_word(&rest, SEPARATORS, &word)) {
        if (after && word.len == argument.len && memcmp(word.ptr, argument.ptr, word.len) == 0)
            return true;
        after = slice_is_nocase(word, name);
        if (after && argument.len == 0)
            return true;
    }
    return false;
}

/* Postfix refuses unlisted addresses at the end of its lists, too, as these say. */
static bool is_preset(const struct conf *conf, const char *name)
{
    static const struct {
        const char *name, *parameter, *preset;
    } rows[] = {
        {"reject_unlisted_recipient", "smtpd_reject_unlisted_recipient", "yes"},
        {"check_recipient_maps", "smtpd_reject_unlisted_recipient", "yes"},
        {"reject_unlisted_sender", "smtpd_reject_unlisted_sender", "no"},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const struct setting *setting = conf_find(conf, rows[i].parameter);

        if (strcmp(name, rows[i].name) == 0)
            return strcasecmp(setting ? setting->value : rows[i].preset, "yes") == 0;
    }
    return false;
}

static bool master_has(const struct settings *settings, const char *name, struct slice argument)
{
    char *path = xasprintf("%s/master.cf", settings->postfix_config_directory), *line = NULL;
    FILE *file = fopen(path, "re");
    size_t size = 0;
    bool found = false;

    while (file != NULL && !found && getline(&line, &size, file) > 0)
        found = line[0] != '#' && has_words(line, name, argument);
    if (file != NULL)
        fclose(file);
    free(line);
    free(path);
    return found;
}

enum kept restriction_kept(const struct settings *settings, const struct restriction *row,
                           struct slice argument)
{
    const struct conf *conf = settings->main_conf;
    struct slice rest = argument;

    if (conf == NULL)
        return KEPT_UNKNOWN;
    if (argument.len > 0)
        slice_word(&rest, SEPARATORS, &argument); /* of { inet:HOST:PORT, OPTION=… } the service */
    for (size_t i = 0; i < conf_count(conf); i++)
        if (has_words(conf_get(conf, i)->value, row->name, argument))
            return KEPT;
    if (is_preset(conf, row->name) || master_has(settings, row->name, argument))
        return KEPT;
    return KEPT_NOWHERE;
}
