/* dns_text - questions and answers as the log and a person read them */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "buf.h"
#include "dns.h"

#include <string.h>

static const struct {
    enum dns_type type;
    const char *name;
} types[] = {
    {DNS_A, "A"},     {DNS_NS, "NS"}, {DNS_CNAME, "CNAME"}, {DNS_SOA, "SOA"}, {DNS_PTR, "PTR"},
    {DNS_MX, "MX"},   {DNS_TXT, "TXT"}, {DNS_AAAA, "AAAA"}, {DNS_SPF, "SPF"},
};

const char *dns_type_name(enum dns_type type)
{
    for (size_t i = 0; i < ARRAY_LEN(types); i++)
        if (types[i].type == type)
            return types[i].name;
    return "?";
}

void dns_type_list(struct buf *b)
{
    for (size_t i = 0; i < ARRAY_LEN(types); i++)
        buf_addf(b, "%s%s", i == 0 ? "" : ", ", types[i].name);
}

bool dns_type_find(struct slice name, enum dns_type *type)
{
    for (size_t i = 0; i < ARRAY_LEN(types); i++)
        if (slice_is_nocase(name, types[i].name)) {
            *type = types[i].type;
            return true;
        }
    return false;
}

static void question_of(struct dns_name *name, enum dns_type type, struct arena *arena,
                        struct dns_question *question)
{
    dns_name_lower(name);
    question->name = dns_name_text(name, arena);
    question->type = type;
}

bool dns_question_make(struct slice text, enum dns_type type, struct arena *arena,
                       struct dns_question *question)
{
    struct dns_name name;

    if (!dns_name_of_text(text, &name))
        return false;
    question_of(&name, type, arena, question);
    return true;
}

/* A lone "@" is a label here. */
bool dns_question_about(const char *text, enum dns_type type, struct arena *arena,
                        struct dns_question *question)
{
    struct dns_name name;

    if (strcmp(text, "@") == 0)
        return dns_question_make(slice_of(text), type, arena, question);
    if (!dns_name_read(slice_of(text), NULL, &name))
        return false;
    question_of(&name, type, arena, question);
    return true;
}

const char *dns_question_text(const struct dns_question *question, struct arena *arena)
{
    return arena_printf(arena, "dns %s %s", dns_type_name(question->type), question->name);
}

static void add_string(struct buf *text, struct slice string)
{
    buf_addc(text, '"');
    for (size_t i = 0; i < string.len; i++) {
        unsigned char c = (unsigned char)string.ptr[i];

        if (!is_print(c))
            buf_addf(text, "\\%03d", c);
        else if (c == '"' || c == '\\')
            buf_addf(text, "\\%c", c);
        else
            buf_addc(text, (char)c);
    }
    buf_addc(text, '"');
}

static void add_record(struct buf *text, const struct dns_record *record)
{
    char addr[ADDR_TEXT_SIZE];

    switch (record->type) {
    case DNS_A:
    case DNS_AAAA:
        buf_adds(text, addr_text(&record->addr, addr));
        break;
    case DNS_NS:
    case DNS_CNAME:
    case DNS_PTR:
        buf_adds(text, record->name);
        break;
    case DNS_MX:
        buf_addf(text, "%u %s", record->mx.preference, record->mx.host);
        break;
    case DNS_TXT:
    case DNS_SPF:
        for (size_t i = 0; i < record->txt.count; i++) {
            buf_adds(text, i > 0 ? " " : "");
            add_string(text, record->txt.strings[i]);
        }
        break;
    case DNS_SOA:
        buf_addf(text, "%s %s %u %u %u %u %u", record->soa.mname, record->soa.rname,
                 record->soa.serial, record->soa.refresh, record->soa.retry, record->soa.expire,
                 record->soa.minimum);
        break;
    }
}

const char *dns_answer_text(const struct dns_answer *answer, struct arena *arena)
{
    struct buf text = {0};
    char *copy;

    switch (answer->state) {
    case DNS_NODATA:
        return "no data";
    case DNS_NXDOMAIN:
        return "no such name";
    case DNS_TEMPERROR:
        return arena_printf(arena, "temperror: %s", answer->why);
    case DNS_FOUND:
        break;
    }
    for (size_t i = 0; i < answer->count; i++) {
        buf_adds(&text, i > 0 ? ", " : "");
        add_record(&text, &answer->records[i]);
    }
    copy = arena_strdup(arena, buf_text(&text));
    buf_free(&text);
    return copy;
}
