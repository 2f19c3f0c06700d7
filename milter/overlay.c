/* overlay - policy files as they were or would be: texts in place of files, a rule left out */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "overlay.h"

#include <string.h>

static _Thread_local const struct overlay *current;

void overlay_set(const struct overlay *overlay)
{
    if (overlay != NULL && current != NULL)
        die("overlay_set: there is one already");
    current = overlay;
}

const char *overlay_find(const char *path, size_t *len)
{
    if (current == NULL || current->find == NULL)
        return NULL;
    return current->find(current->arg, path, len);
}

static void count(void)
{
    if (current->left_out != NULL)
        (*current->left_out)++;
}

static bool is_place(const char *file)
{
    return current != NULL && current->without.file != NULL && file != NULL &&
           strcmp(current->without.file, file) == 0;
}

bool overlay_hides(struct where at, struct slice text)
{
    if (!is_place(at.file) || at.line != current->without.line ||
        current->without_text == NULL || !slice_is(text, current->without_text))
        return false;
    count();
    return true;
}

int overlay_hidden_line(const char *path)
{
    if (!is_place(path) || current->without.line <= 0)
        return 0;
    count();
    return current->without.line;
}
