/* eml - a mail file as the events of a milter */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "eml.h"

#include "buf.h"
#include "mime.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { CHUNK = 65535, FILE_MAX = 1 << 30 };

/* One line without its end; *rest becomes what follows it. */
static bool next_line(struct slice *rest, struct slice *line)
{
    const char *end;

    if (rest->len == 0)
        return false;
    end = memchr(rest->ptr, '\n', rest->len);
    line->ptr = rest->ptr;
    line->len = end != NULL ? (size_t)(end - rest->ptr) : rest->len;
    rest->ptr += line->len + (end != NULL ? 1 : 0);
    rest->len -= line->len + (end != NULL ? 1 : 0);
    if (line->len > 0 && line->ptr[line->len - 1] == '\r')
        line->len--;
    return true;
}

/* One logical header at the start of *rest; false when there is none. */
static bool take_header(struct slice *rest, const struct eml_events *events)
{
    struct slice after = *rest, line, next;
    struct buf value = {0};
    size_t colon, name_len;
    char *name;

    if (!next_line(&after, &line) || (name_len = mime_field_name(line, &colon)) == 0)
        return false;
    buf_add(&value, line.ptr + colon + 1, line.len - colon - 1);
    *rest = after;
    while (next_line(&after, &next) && next.len > 0 && is_blank((unsigned char)next.ptr[0])) {
        buf_addc(&value, '\n');
        buf_add(&value, next.ptr, next.len);
        *rest = after;
    }
    name = xstrndup(line.ptr, name_len);
    if (events->header != NULL)
        events->header(events->arg, name, buf_text(&value));
    free(name);
    buf_free(&value);
    return true;
}

static void send_body(struct slice rest, const struct eml_events *events)
{
    struct buf chunk = {0};
    struct slice line;

    if (events->body == NULL)
        return;
    while (next_line(&rest, &line)) {
        size_t sent = 0;

        buf_add(&chunk, line.ptr, line.len);
        buf_adds(&chunk, "\r\n");
        for (; chunk.len - sent >= CHUNK; sent += CHUNK)
            events->body(events->arg, chunk.ptr + sent, CHUNK);
        if (sent > 0)
            memmove(chunk.ptr, chunk.ptr + sent, chunk.len - sent);
        chunk.len -= sent;
    }
    if (chunk.len > 0)
        events->body(events->arg, chunk.ptr, chunk.len);
    buf_free(&chunk);
}

void eml_parse(const char *text, size_t len, const struct eml_events *events)
{
    struct slice rest = {text, len}, after, line;

    if (len >= 5 && memcmp(text, "From ", 5) == 0)
        next_line(&rest, &line);
    while (take_header(&rest, events))
        ;
    if (events->eoh != NULL)
        events->eoh(events->arg);
    after = rest;
    if (next_line(&after, &line) && line.len == 0)
        rest = after;
    send_body(rest, events);
}

static bool read_all(int fd, const char *path, struct buf *text, struct err *err)
{
    char block[65536];
    ssize_t n;

    while ((n = read(fd, block, sizeof(block))) > 0 && text->len < FILE_MAX)
        buf_add(text, block, (size_t)n);
    if (n < 0)
        return err_set(err, "%s: %s", path, strerror(errno));
    return n == 0 || err_set(err, "%s: too large", path);
}

bool eml_read(const char *path, const struct eml_events *events, struct err *err)
{
    int fd = strcmp(path, "-") == 0 ? dup(STDIN_FILENO) : open(path, O_RDONLY | O_CLOEXEC);
    struct buf text = {0};
    bool good;

    if (fd < 0)
        return err_set(err, "%s: %s", path, strerror(errno));
    good = read_all(fd, path, &text, err);
    close(fd);
    if (good)
        eml_parse(buf_text(&text), text.len, events);
    buf_free(&text);
    return good;
}
