/* sign_fields - which header fields a signature covers, and their text as it is signed */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "sign_fields.h"

#include <stdint.h>
#include <string.h>
#include <strings.h>

static const char *const usual[] = {
    "From", "Reply-To", "Subject", "Date", "To", "Cc", "Message-ID", "Sender", "In-Reply-To",
    "References", "MIME-Version", "Content-Type", "Content-Transfer-Encoding", "Content-ID",
    "Content-Description", "Resent-Date", "Resent-From", "Resent-Sender", "Resent-To", "Resent-Cc",
    "Resent-Message-ID", "List-Id", "List-Help", "List-Unsubscribe", "List-Unsubscribe-Post",
    "List-Subscribe", "List-Post", "List-Owner", "List-Archive", "Feedback-ID", NULL,
};
static const char *const usual_once_more[] = {
    "From", "To", "Cc", "Subject", "Date", "Message-ID", "Reply-To", "MIME-Version",
    "Content-Type", NULL,
};
const struct sign_fields sign_fields_default = {usual, usual_once_more};

enum { NAME_SIZE = 100 };

bool sign_fields_is_name(struct slice name)
{
    for (size_t i = 0; i < name.len; i++)
        if (!is_print(name.ptr[i]) || strchr(" :;", name.ptr[i]) != NULL)
            return false;
    return name.len > 0 && name.len <= NAME_SIZE;
}

struct wanted {
    const char *name;
    uint32_t mark;
    size_t occurs, extra; /* fields of that name; one more if oversigned */
};

/* Equal for equal names; tells nearly all others apart without a comparison. */
static uint32_t name_mark(const char *name)
{
    uint32_t mark = 2166136261u;

    for (; *name != '\0'; name++)
        mark = (mark ^ (uint32_t)to_lower((unsigned char)*name)) * 16777619u;
    return mark;
}

static uint32_t *header_marks(const struct sign_header *headers, size_t count, struct arena *arena)
{
    uint32_t *marks = arena_alloc(arena, (count + 1) * sizeof(*marks));

    for (size_t i = 0; i < count; i++)
        marks[i] = name_mark(headers[i].name);
    return marks;
}

static size_t count_fields(const struct wanted *wanted, const struct sign_header *headers,
                           const uint32_t *marks, size_t count)
{
    size_t n = 0;

    for (size_t i = 0; i < count; i++)
        n += marks[i] == wanted->mark && strcasecmp(headers[i].name, wanted->name) == 0;
    return n;
}

static struct wanted *add_name(struct wanted *list, size_t *count, const char *name)
{
    uint32_t mark = name_mark(name);

    for (size_t i = 0; i < *count; i++)
        if (list[i].mark == mark && strcasecmp(list[i].name, name) == 0)
            return &list[i];
    list[*count] = (struct wanted){.name = name, .mark = mark};
    return &list[(*count)++];
}

static size_t list_len(const char *const *list)
{
    size_t n = 0;

    while (list[n] != NULL)
        n++;
    return n;
}

/* Each name once, From first. Names that are oversigned are signed, too: what is there would
 * otherwise stand for the mention that is to stand for nothing. */
static struct wanted *gather(const struct sign_fields *fields, struct arena *arena, size_t *count)
{
    size_t most = list_len(fields->sign) + list_len(fields->oversign) + 1;
    struct wanted *list = arena_alloc(arena, most * sizeof(*list));

    *count = 0;
    add_name(list, count, "From");
    for (const char *const *name = fields->sign; *name != NULL; name++)
        add_name(list, count, *name);
    for (const char *const *name = fields->oversign; *name != NULL; name++)
        add_name(list, count, *name)->extra = 1;
    return list;
}

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* How many of each name there may be at most, so that all mentions fit. */
static size_t fair_share(const struct wanted *list, size_t count)
{
    size_t share = SIGN_MENTIONS_MAX, total;

    for (; share > 1; share--) {
        total = list[0].occurs + list[0].extra;
        for (size_t i = 1; i < count; i++)
            total += least(list[i].occurs, share) + list[i].extra;
        if (total <= SIGN_MENTIONS_MAX)
            break;
    }
    return share;
}

/* Two passes, as OpenDKIM orders them: what is there, then what is oversigned. */
static size_t write_names(const struct wanted *list, size_t count, const char **names)
{
    size_t share = fair_share(list, count), n = 0;

    for (size_t i = 0; i < count; i++)
        for (size_t k = i == 0 ? list[i].occurs : least(list[i].occurs, share); k > 0; k--)
            if (n < SIGN_MENTIONS_MAX)
                names[n++] = list[i].name;
    for (size_t i = 0; i < count; i++)
        if (list[i].extra > 0 && n < SIGN_MENTIONS_MAX)
            names[n++] = list[i].name;
    return n;
}

static void find(struct sign_mentions *mentions, const struct sign_header *headers,
                 const uint32_t *marks, size_t count, struct arena *arena)
{
    bool *used = arena_alloc(arena, count + 1);

    mentions->headers = arena_alloc(arena, (mentions->count + 1) * sizeof(struct sign_header *));
    for (size_t m = 0; m < mentions->count; m++) {
        uint32_t mark = name_mark(mentions->names[m]);

        for (size_t i = count; i-- > 0;)
            if (marks[i] == mark && !used[i] &&
                strcasecmp(headers[i].name, mentions->names[m]) == 0) {
                used[i] = true;
                mentions->headers[m] = &headers[i];
                break;
            }
    }
}

bool sign_fields_choose(const struct sign_fields *fields, const struct sign_header *headers,
                        size_t count, struct arena *arena, struct sign_mentions *mentions,
                        struct err *err)
{
    uint32_t *marks = header_marks(headers, count, arena);
    size_t names;
    struct wanted *list = gather(fields, arena, &names);

    for (size_t i = 0; i < names; i++)
        list[i].occurs = count_fields(&list[i], headers, marks, count);
    if (list[0].occurs == 0)
        return err_set(err, "there is no From field");
    if (list[0].occurs > SIGN_FROM_MAX)
        return err_set(err, "there are %zu From fields", list[0].occurs);
    mentions->names = arena_alloc(arena, SIGN_MENTIONS_MAX * sizeof(*mentions->names));
    mentions->count = write_names(list, names, mentions->names);
    find(mentions, headers, marks, count, arena);
    return true;
}

void sign_fields_find(const char *const *names, size_t names_count,
                      const struct sign_header *headers, size_t count, struct arena *arena,
                      struct sign_mentions *mentions)
{
    mentions->count = names_count;
    mentions->names = arena_alloc(arena, (names_count + 1) * sizeof(*names));
    for (size_t i = 0; i < names_count; i++)
        mentions->names[i] = names[i];
    find(mentions, headers, header_marks(headers, count, arena), count, arena);
}

void sign_fields_text(const struct sign_mentions *mentions, enum dkim_canon how, struct buf *out)
{
    for (size_t i = 0; i < mentions->count; i++)
        if (mentions->headers[i] != NULL) {
            dkim_canon_field(out, how, mentions->headers[i]->name, mentions->headers[i]->value);
            buf_add(out, "\r\n", 2);
        }
}
