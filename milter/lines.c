/* lines - the logical lines of a text file, each with its place */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "lines.h"

#include "overlay.h"
#include "rights.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Logical lines are put together in place: taking newlines and comments out only ever shortens. */
struct lines {
    char *name;
    char *text; /* one byte more than len */
    size_t len;
    size_t pos; /* where the next physical line starts */
    int line;   /* its number */
    enum severity severity;
};

static struct lines *lines_new(const char *name, size_t size)
{
    struct lines *lines = xcalloc(1, sizeof(*lines));

    lines->name = xstrdup(name);
    lines->text = xmalloc(size + 1);
    lines->line = 1;
    lines->severity = SEV_WARNING;
    return lines;
}

void lines_free(struct lines *lines)
{
    if (lines == NULL)
        return;
    free(lines->name);
    free(lines->text);
    free(lines);
}

void lines_report_as(struct lines *lines, enum severity severity)
{
    lines->severity = severity;
}

struct lines *lines_of_text(const char *name, const char *text, size_t len)
{
    struct lines *lines = lines_new(name, len);

    if (len > 0)
        memcpy(lines->text, text, len);
    lines->len = len;
    return lines;
}

static const char *kind_of(mode_t mode)
{
    return S_ISDIR(mode)    ? "a directory"
           : S_ISFIFO(mode) ? "a FIFO"
           : S_ISSOCK(mode) ? "a socket"
                            : "a device";
}

/* The first directory of `path` that we may not search, or `path` itself; the caller frees it. */
static char *stopped_at(const char *path)
{
    char *part = xstrdup(path);

    for (char *p = strchr(part + 1, '/'); *part == '/' && p != NULL; p = strchr(p + 1, '/')) {
        *p = '\0';
        if (faccessat(AT_FDCWD, part, X_OK, AT_EACCESS) != 0)
            return part;
        *p = '/';
    }
    return part;
}

static bool denied(const char *path, struct err *err)
{
    char *place = stopped_at(path), name[64];

    if (!rights_user_name(geteuid(), name, sizeof(name)))
        snprintf(name, sizeof(name), "it");
    err_set(err,
            "%s: permission denied for uid %ld; make the file readable and its directories "
            "searchable for that user (chmod, chgrp): %s is stopped at %s",
            path, (long)geteuid(), name, place);
    free(place);
    return false;
}

static bool unreadable(const char *path, int why, struct err *err)
{
    if (why == ENOENT)
        return err_set(err, "%s: no such file; create it or correct its name", path);
    if (why == EACCES)
        return denied(path, err);
    return err_set(err, "%s: %s", path, strerror(why));
}

/* The check before the opening keeps off devices on which an open(2) has effects; O_NONBLOCK and
 * the check behind it are for a name that is exchanged in between. */
static int open_regular(const char *path, struct stat *st, struct err *err)
{
    int fd = -1;

    if (stat(path, st) != 0) {
        unreadable(path, errno, err);
        return -1;
    }
    if (S_ISREG(st->st_mode) &&
        ((fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)) < 0 ||
         fstat(fd, st) != 0)) {
        unreadable(path, errno, err);
    } else if (!S_ISREG(st->st_mode)) {
        err_set(err, "%s: is %s; name a regular file", path, kind_of(st->st_mode));
    } else {
        return fd;
    }
    if (fd >= 0)
        close(fd);
    return -1;
}

/* One byte more is asked for than the file had, to notice one that grows. */
static bool read_all(int fd, struct lines *lines, size_t size, struct err *err)
{
    while (lines->len <= size) {
        ssize_t n = read(fd, lines->text + lines->len, size + 1 - lines->len);

        if (n == 0)
            return true;
        if (n > 0)
            lines->len += (size_t)n;
        else if (errno != EINTR)
            return unreadable(lines->name, errno, err);
    }
    return err_set(err, "%s: grows while it is read; write a new file and rename it into place",
                   lines->name);
}

struct lines *lines_read(const char *path, size_t max, struct err *err)
{
    struct lines *lines = NULL;
    struct stat st;
    size_t len;
    const char *instead = overlay_find(path, &len);
    int fd;

    if (instead != NULL)
        return lines_of_text(path, instead, len);
    fd = open_regular(path, &st, err);
    if (fd < 0)
        return NULL;
    if ((uintmax_t)st.st_size > max) {
        err_set(err, "%s: has %jd bytes, more than the %zu that are read", path,
                (intmax_t)st.st_size, max);
    } else {
        lines = lines_new(path, (size_t)st.st_size);
        if (!read_all(fd, lines, (size_t)st.st_size, err)) {
            lines_free(lines);
            lines = NULL;
        }
    }
    close(fd);
    return lines;
}

/* The next physical line, without its newline; false at the end. */
static bool physical_line(struct lines *lines, struct slice *line)
{
    char *start = lines->text + lines->pos, *end;
    size_t left = lines->len - lines->pos;

    if (left == 0)
        return false;
    end = memchr(start, '\n', left);
    *line = (struct slice){start, end != NULL ? (size_t)(end - start) : left};
    lines->pos += line->len + (end != NULL);
    lines->line += lines->line < INT_MAX;
    return true;
}

static bool is_comment(struct slice line)
{
    struct slice text = slice_trim(line);

    return text.len == 0 || text.ptr[0] == '#';
}

/* Comments and empty lines do not end a logical line, so they continue it as blanks do. */
static bool continues(const struct lines *lines)
{
    unsigned char c;

    if (lines->pos == lines->len)
        return false;
    c = (unsigned char)lines->text[lines->pos];
    return c == '#' || is_space(c);
}

/* The pieces of one logical line, pushed together in place; *start is where it begins. */
static bool join(struct lines *lines, char **start, size_t *len, struct where *at)
{
    struct slice line;

    *len = 0;
    while (physical_line(lines, &line)) {
        if (!is_comment(line)) {
            if (*len == 0) {
                *start = lines->text + (line.ptr - lines->text);
                at->line = lines->line - 1;
            }
            memmove(*start + *len, line.ptr, line.len);
            *len += line.len;
        }
        if (*len > 0 && !continues(lines))
            break;
    }
    return *len > 0;
}

void lines_blank(struct lines *lines, int line)
{
    size_t pos = lines->pos;
    int number = lines->line;
    struct slice text;

    while (lines->line < line && physical_line(lines, &text))
        ;
    while (physical_line(lines, &text)) {
        memset(lines->text + (text.ptr - lines->text), '#', text.len);
        if (!continues(lines))
            break;
    }
    lines->pos = pos;
    lines->line = number;
}

/* Cuts at a NUL, trims, terminates; says what is odd. */
static struct slice finish(const struct lines *lines, char *start, size_t len, struct where at,
                           struct problems *problems)
{
    size_t whole = strnlen(start, len);

    if (whole < len)
        problems_add(problems, lines->severity, at,
                     "a NUL byte: it and what follows in this line is dropped; is this a text "
                     "file (in UTF-8, not UTF-16)?");
    len = whole;
    while (len > 0 && is_space((unsigned char)start[len - 1]))
        len--;
    if (memchr(start, '\r', len) != NULL)
        problems_add(problems, SEV_WARNING, at,
                     "a carriage return inside the rule; take them out with: sed -i 's/\\r$//' %s",
                     lines->name);
    start[len] = '\0';
    return (struct slice){start, len};
}

bool lines_next(struct lines *lines, struct slice *text, struct where *at,
                struct problems *problems)
{
    char *start = NULL;
    size_t len;

    at->file = lines->name;
    while (join(lines, &start, &len, at)) {
        *text = finish(lines, start, len, *at, problems);
        if (text->len == 0)
            continue;
        if (!is_space((unsigned char)text->ptr[0]))
            return true;
        problems_add(problems, lines->severity, *at,
                     "a line that starts with a blank continues the one before, but there is "
                     "none: dropped; take the blank away");
    }
    return false;
}

bool lines_next_physical(struct lines *lines, struct slice *text, struct where *at)
{
    *at = (struct where){lines->name, lines->line};
    return physical_line(lines, text);
}
