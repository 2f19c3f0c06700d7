/* mail - any bytes as a mail: its headers, its parts, its lines, in pieces of any size */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "buf.h"
#include "eml.h"
#include "mime.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What a reading tells, as one text. */
struct heard {
    struct buf text;
    struct mime *mime; /* is told the rest */
};

static void on_header(void *arg, const struct mime_header *header)
{
    struct heard *heard = arg;

    if (header->name.len >= header->text.len || header->text.ptr[header->name.len] != ':' ||
        strlen(header->text.ptr) != header->text.len)
        abort();
    buf_addf(&heard->text, "H%d%d", header->place, header->class);
    buf_add(&heard->text, header->text.ptr, header->text.len);
}

static void on_end(void *arg)
{
    struct heard *heard = arg;

    buf_adds(&heard->text, "\nE\n");
}

static void on_text(void *arg, struct slice line, bool more, size_t offset)
{
    struct heard *heard = arg;

    buf_addf(&heard->text, "\nT%d %zu ", more, offset);
    buf_add(&heard->text, line.ptr, line.len);
}

static void read_mail(const struct mime_options *options, const char *text, size_t len,
                      size_t piece, struct heard *heard)
{
    struct mime_events events = {on_header, on_end, on_text, heard};
    struct mime *mime = mime_new(options, &events);

    for (size_t i = 0; i < len; i += piece)
        mime_feed(mime, text + i, len - i < piece ? len - i : piece);
    mime_end(mime);
    mime_free(mime);
}

static void on_eml_header(void *arg, const char *name, const char *value)
{
    struct heard *heard = arg;

    mime_primary_header(heard->mime, name, value);
}

static void on_eml_end(void *arg)
{
    struct heard *heard = arg;

    mime_primary_end(heard->mime);
}

static void on_eml_body(void *arg, const char *text, size_t len)
{
    struct heard *heard = arg;

    mime_feed(heard->mime, text, len);
}

/* As a milter gets it: header by header. */
static void read_as_events(const struct mime_options *options, const char *text, size_t len)
{
    struct heard heard = {.mime = NULL};
    struct mime_events events = {on_header, on_end, on_text, &heard};
    struct eml_events told = {on_eml_header, on_eml_end, on_eml_body, &heard};

    heard.mime = mime_new(options, &events);
    eml_parse(text, len, &told);
    mime_end(heard.mime);
    mime_free(heard.mime);
    buf_free(&heard.text);
}

/* Two bytes of limits and the size of the pieces, the mail. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const size_t limits[] = {0, 1, 7, 100};
    struct heard whole = {.mime = NULL}, pieces = {.mime = NULL};
    struct mime_options options;
    const char *text;

    if (size < 2)
        return 0;
    options = (struct mime_options){
        .primary_only = data[0] & 1, .keep_cr = data[0] & 2,
        .line_limit = limits[data[0] >> 2 & 3], .header_limit = limits[data[0] >> 4 & 3],
        .boundary_limit = limits[data[0] >> 6 & 3], .nesting_limit = data[1] & 7,
    };
    text = (const char *)data + 2;
    size -= 2;
    read_mail(&options, text, size, size > 0 ? size : 1, &whole);
    read_mail(&options, text, size, (size_t)(data[1] >> 3) + 1, &pieces);
    if (whole.text.len != pieces.text.len ||
        (whole.text.len > 0 && memcmp(whole.text.ptr, pieces.text.ptr, whole.text.len) != 0))
        abort();
    read_as_events(&options, text, size);
    buf_free(&whole.text);
    buf_free(&pieces.text);
    return 0;
}
