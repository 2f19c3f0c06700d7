/* question_answer - the texts of answers: those of the DNS, of lists, of SPF */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "buf.h"
#include "question.h"

#include <string.h>

enum { RECORDS_MAX = 4096 };

/* --- the DNS: what dns_answer_text writes ----------------------------------------------------- */

/* "…", with `\DDD`, `\"` and `\\` inside. */
static bool take_string(struct slice *rest, struct arena *arena, struct slice *string)
{
    const char *p = rest->ptr + 1, *end = rest->ptr + rest->len;
    char *out = arena_alloc(arena, rest->len + 1);
    size_t len = 0;
    long value;

    for (; p < end && *p != '"'; p++) {
        out[len] = *p;
        if (*p == '\\' && end - p > 3 && is_digit((unsigned char)p[1])) {
            if (!parse_long((struct slice){p + 1, 3}, 0, 255, &value))
                return false;
            out[len] = (char)value;
            p += 3;
        } else if (*p == '\\') {
            if (++p == end)
                return false;
            out[len] = *p;
        }
        len++;
    }
    if (p == end)
        return false;
    *string = (struct slice){out, len};
    *rest = (struct slice){p + 1, (size_t)(end - p - 1)};
    return true;
}

static void skip_blank(struct slice *rest)
{
    if (rest->len > 0 && rest->ptr[0] == ' ') {
        rest->ptr++;
        rest->len--;
    }
}

static bool take_txt(struct slice *rest, struct arena *arena, struct dns_record *record)
{
    struct slice strings[256], *copy;
    struct buf joined = {0};
    size_t count = 0;

    while (rest->len > 0 && rest->ptr[0] == '"') {
        if (count == ARRAY_LEN(strings) || !take_string(rest, arena, &strings[count]))
            break;
        buf_add(&joined, strings[count].ptr, strings[count].len);
        count++;
        skip_blank(rest);
    }
    copy = arena_alloc(arena, (count + 1) * sizeof(*copy));
    memcpy(copy, strings, count * sizeof(*copy));
    record->txt.strings = copy;
    record->txt.count = count;
    record->txt.joined = (struct slice){
        arena_strndup(arena, buf_text(&joined), joined.len), joined.len};
    buf_free(&joined);
    return count > 0 && (rest->len == 0 || rest->ptr[0] == ',');
}

static bool take_plain(struct slice *rest, struct arena *arena, const char **text)
{
    const char *blank = memchr(rest->ptr, ' ', rest->len);
    size_t len = blank != NULL ? (size_t)(blank - rest->ptr) : rest->len;

    if (len > 0 && blank != NULL && blank[-1] == ',') /* the next record's */
        len--;
    *text = arena_strndup(arena, rest->ptr, len);
    *rest = (struct slice){rest->ptr + len, rest->len - len};
    return len > 0;
}

static bool take_mx(struct slice *rest, struct arena *arena, struct dns_record *record)
{
    const char *preference;
    long value;

    if (!take_plain(rest, arena, &preference) ||
        !parse_long(slice_of(preference), 0, 65535, &value))
        return false;
    skip_blank(rest);
    if (!take_plain(rest, arena, &record->mx.host))
        return false;
    record->mx.preference = (unsigned)value;
    return true;
}

static bool take_record(struct slice *rest, struct arena *arena, struct dns_record *record)
{
    const char *text;

    switch (record->type) {
    case DNS_A:
    case DNS_AAAA:
        return take_plain(rest, arena, &text) && addr_parse(slice_of(text), &record->addr);
    case DNS_NS:
    case DNS_CNAME:
    case DNS_PTR:
        return take_plain(rest, arena, &record->name);
    case DNS_MX:
        return take_mx(rest, arena, record);
    case DNS_TXT:
    case DNS_SPF:
        return take_txt(rest, arena, record);
    case DNS_SOA:
        return false;
    }
    return false;
}

static bool take_records(struct slice rest, enum dns_type type, struct arena *arena,
                         struct dns_answer *answer)
{
    struct dns_record *records = NULL;
    size_t count = 0, cap = 0;

    for (;;) {
        if (count == cap) {
            struct dns_record *more = arena_alloc(arena, (cap * 2 + 4) * sizeof(*more));

            if (count > 0)
                memcpy(more, records, count * sizeof(*more));
            records = more;
            cap = cap * 2 + 4;
        }
        records[count].type = type;
        if (count == RECORDS_MAX || !take_record(&rest, arena, &records[count++]))
            return false;
        if (rest.len == 0)
            break;
        if (rest.len < 2 || rest.ptr[0] != ',' || rest.ptr[1] != ' ')
            return false;
        rest = (struct slice){rest.ptr + 2, rest.len - 2};
    }
    *answer = (struct dns_answer){.state = DNS_FOUND, .records = records, .count = count};
    return true;
}

static bool read_state(const char *text, struct dns_answer *answer)
{
    *answer = (struct dns_answer){.state = DNS_TEMPERROR};
    if (strcmp(text, "no data") == 0)
        answer->state = DNS_NODATA;
    else if (strcmp(text, "no such name") == 0)
        answer->state = DNS_NXDOMAIN;
    else if (strncmp(text, "temperror: ", 11) == 0)
        answer->why = text + 11;
    else
        return false;
    return true;
}

bool dns_answer_read(const char *text, enum dns_type type, struct arena *arena,
                     struct dns_answer *answer)
{
    return read_state(text, answer) || take_records(slice_of(text), type, arena, answer);
}

/* --- lists ------------------------------------------------------------------------------------ */

const char *rbl_answer_text(const struct rbl_answer *answer, struct arena *arena)
{
    const char *a = dns_answer_text(&answer->a, arena);

    if (answer->a.state != DNS_FOUND || answer->txt.state != DNS_FOUND)
        return a;
    return arena_printf(arena, "%s; %s", a, dns_answer_text(&answer->txt, arena));
}

bool rbl_answer_read(const char *text, struct arena *arena, struct rbl_answer *answer)
{
    const char *end = strstr(text, "; ");

    answer->txt = (struct dns_answer){.state = DNS_NODATA};
    if (read_state(text, &answer->a))
        return true;
    if (end == NULL)
        return take_records(slice_of(text), DNS_A, arena, &answer->a);
    return take_records((struct slice){text, (size_t)(end - text)}, DNS_A, arena, &answer->a) &&
           take_records(slice_of(end + 2), DNS_TXT, arena, &answer->txt);
}

const char *rbl_error(const struct addr *addr)
{
    static const struct {
        const char *addr, *why;
    } errors[] = {
        {"127.255.255.252", "the name of the list is misspelt"},
        {"127.255.255.254", "the list refuses queries through public resolvers"},
        {"127.255.255.255", "the list has been asked too often"},
        {"127.0.0.1", "the list answers as one that was shut down"},
        {"127.0.0.255", "the list refuses queries from here"},
    };
    char text[ADDR_TEXT_SIZE];

    if (addr->family != AF_INET || addr->bytes[0] != 127)
        return "an address outside 127.0.0.0/8: the list is gone, or somebody answers in its place";
    addr_text(addr, text);
    for (size_t i = 0; i < ARRAY_LEN(errors); i++)
        if (strcmp(text, errors[i].addr) == 0)
            return errors[i].why;
    if (addr->bytes[1] == 255 && addr->bytes[2] == 255)
        return "an error of the list";
    return NULL;
}

/* --- SPF -------------------------------------------------------------------------------------- */

static void add_pair(struct buf *b, const char *name, const char *value)
{
    if (value == NULL)
        return;
    buf_addf(b, " %s=", name);
    if (value[0] != '\0' && value[strcspn(value, " ,\"\\=")] == '\0') {
        buf_adds(b, value);
        return;
    }
    buf_addc(b, '"');
    for (const char *p = value; *p != '\0'; p++) {
        if (*p == '"' || *p == '\\')
            buf_addc(b, '\\');
        buf_addc(b, *p);
    }
    buf_addc(b, '"');
}

const char *spf_answer_text(const struct spf_answer *a, struct arena *arena)
{
    struct buf b = {0};
    const char *text;

    buf_adds(&b, spf_result_name(a->result));
    add_pair(&b, "domain", a->domain);
    add_pair(&b, "term", a->term);
    add_pair(&b, "explainer", a->explainer);
    add_pair(&b, "explanation", a->explanation);
    add_pair(&b, "why", a->why);
    buf_addf(&b, " terms=%u voids=%u lookups=%u", a->terms, a->voids, a->lookups);
    text = arena_strdup(arena, buf_text(&b));
    buf_free(&b);
    return text;
}

/* One " NAME=VALUE". */
static bool take_pair(struct slice *rest, struct arena *arena, struct slice *name,
                      const char **value)
{
    const char *equals;
    struct slice text;

    skip_blank(rest);
    equals = memchr(rest->ptr, '=', rest->len);
    if (rest->len == 0 || equals == NULL)
        return false;
    *name = (struct slice){rest->ptr, (size_t)(equals - rest->ptr)};
    *rest = (struct slice){equals + 1, rest->len - name->len - 1};
    if (rest->len == 0 || rest->ptr[0] != '"')
        return take_plain(rest, arena, value);
    if (!take_string(rest, arena, &text))
        return false;
    *value = arena_strndup(arena, text.ptr, text.len);
    return true;
}

static bool keep_pair(struct spf_answer *a, struct slice name, const char *value)
{
    const struct {
        const char *name;
        const char **text;
        unsigned *number;
    } places[] = {
        {"domain", &a->domain, NULL},   {"term", &a->term, NULL},
        {"explainer", &a->explainer, NULL}, {"explanation", &a->explanation, NULL},
        {"why", &a->why, NULL},         {"terms", NULL, &a->terms},
        {"voids", NULL, &a->voids},     {"lookups", NULL, &a->lookups},
    };
    long number;

    for (size_t i = 0; i < ARRAY_LEN(places); i++) {
        if (!slice_is(name, places[i].name))
            continue;
        if (places[i].text != NULL) {
            *places[i].text = value;
            return true;
        }
        if (!parse_long(slice_of(value), 0, 1000000, &number))
            return false;
        *places[i].number = (unsigned)number;
        return true;
    }
    return false;
}

static bool result_find(struct slice name, enum spf_result *result)
{
    for (int r = SPF_NONE; r <= SPF_PERMERROR; r++)
        if (slice_is(name, spf_result_name((enum spf_result)r))) {
            *result = (enum spf_result)r;
            return true;
        }
    return false;
}

bool spf_answer_read(const char *text, struct arena *arena, struct spf_answer *a)
{
    struct slice rest = slice_of(text), word;
    const char *value;

    *a = (struct spf_answer){.domain = "", .why = ""};
    if (!slice_word(&rest, " ", &word) || !result_find(word, &a->result))
        return false;
    while (rest.len > 0)
        if (!take_pair(&rest, arena, &word, &value) || !keep_pair(a, word, value))
            return false;
    return true;
}
