/* problems - what is wrong with the files that were read: all of it, with place and mend */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "problems.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void problems_free(struct problems *p)
{
    for (size_t i = 0; i < p->count; i++) {
        free(p->list[i].file);
        free(p->list[i].text);
    }
    for (size_t i = 0; i < p->file_count; i++)
        free(p->files[i]);
    free(p->list);
    free(p->files);
    *p = (struct problems){0};
}

/* Only the neighbourhood is searched: repetitions come from reading one line for several uses. */
static bool is_repetition(const struct problems *p, struct where at, const char *text)
{
    size_t first = p->count > 64 ? p->count - 64 : 0;

    for (size_t i = first; i < p->count; i++) {
        const struct problem *q = &p->list[i];

        if (q->line == at.line && strcmp(q->text, text) == 0 &&
            strcmp(q->file != NULL ? q->file : "", at.file != NULL ? at.file : "") == 0)
            return true;
    }
    return false;
}

bool problems_add(struct problems *p, enum severity severity, struct where at, const char *fmt, ...)
{
    char *text;
    va_list ap;

    if (p == NULL)
        return false;
    va_start(ap, fmt);
    if (vasprintf(&text, fmt, ap) < 0)
        die("out of memory");
    va_end(ap);
    if (is_repetition(p, at, text)) {
        free(text);
        return false;
    }
    if (p->count == p->cap) {
        p->cap = p->cap ? p->cap * 2 : 16;
        p->list = xreallocarray(p->list, p->cap, sizeof(*p->list));
    }
    p->list[p->count++] =
        (struct problem){severity, at.file != NULL ? xstrdup(at.file) : NULL, at.line, text};
    p->errors += severity == SEV_ERROR;
    p->warnings += severity == SEV_WARNING;
    return false;
}

void problems_add_file(struct problems *p, const char *path)
{
    p->files = xreallocarray(p->files, p->file_count + 1, sizeof(*p->files));
    p->files[p->file_count++] = xstrdup(path);
}

const char *severity_name(enum severity severity)
{
    return severity == SEV_ERROR ? "error" : severity == SEV_WARNING ? "warning" : "note";
}

char *problem_text(const struct problem *problem)
{
    const char *severity = severity_name(problem->severity);

    if (problem->file == NULL)
        return xasprintf("%s: %s", severity, problem->text);
    if (problem->line == 0)
        return xasprintf("%s: %s: %s", problem->file, severity, problem->text);
    return xasprintf("%s:%d: %s: %s", problem->file, problem->line, severity, problem->text);
}

void problems_first_error(const struct problems *p, struct err *err)
{
    err->text[0] = '\0';
    for (size_t i = 0; i < p->count; i++) {
        if (p->list[i].severity == SEV_ERROR) {
            char *text = problem_text(&p->list[i]);

            err_set(err, "%s", text);
            free(text);
            return;
        }
    }
}
