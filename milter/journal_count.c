/* journal_count - the log's counters by hours: gathered in memory, written with each batch */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "journal_count.h"

#include "fold.h"
#include "journal_hours.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int64_t count_hour(int64_t id)
{
    return (id >> 22) / 3600000;
}

static struct dict_value text_of(const char *text)
{
    return dict_text(text, fold_cut(text, COUNT_TEXT));
}

static void add_latency(struct counts *c, int64_t hour, struct slice what, uint64_t us)
{
    struct dict_value keys[2] = {dict_text(what.ptr, what.len), dict_number(0)};
    int64_t one = 1;

    while (us > 0) {
        us >>= 1;
        keys[1].number++;
    }
    counts_add(c, COUNT_LATENCY, hour, keys, &one);
}

static struct slice first_word(const char *text)
{
    return (struct slice){text, strcspn(text, " ")};
}

static void count_mail(struct counts *c, const struct writing *w, int64_t hour)
{
    const struct entry *e = w->entry;
    const struct message *m = e->message;
    bool undecided = e->action == ENTRY_ABORTED && m->verdict.act == ACT_DUNNO;
    struct dict_value keys[5] = {
        dict_number(m->direction == DIR_OUTGOING),
        text_of(entry_action_name(e->action)),
        dict_number(m->verdict.enforced),
        text_of(undecided ? "" : stage_name(m->verdict.stage)),
        dict_number(verdict_refuses(&m->verdict) ? m->verdict.code : 0),
    };
    int64_t numbers[2] = {1, m->recipient_count};

    counts_add(c, COUNT_MAIL, hour, keys, numbers);
    add_latency(c, hour, slice_of("message"), e->duration_us);
    for (int stage = STAGE_CONNECT; stage <= STAGE_EOM; stage++)
        if (m->stage_us[stage] > 0)
            add_latency(c, hour, slice_of(stage_name((enum stage)stage)), m->stage_us[stage]);
}

static bool is_refused(const struct entry *e)
{
    return e->action == ENTRY_REJECT || e->action == ENTRY_TEMPFAIL ||
           verdict_refuses(&e->message->verdict);
}

static void count_login(struct counts *c, const struct writing *w, int64_t hour)
{
    const struct message *m = w->entry->message;
    struct dict_value key = text_of(m->login);
    int64_t numbers[3] = {1, m->recipient_count, is_refused(w->entry)};

    if (m->login[0] != '\0')
        counts_add(c, COUNT_LOGIN, hour, &key, numbers);
}

static const char *domain_of(const char *address, char *to, size_t size)
{
    const char *at = strrchr(address, '@');
    size_t len = 0;

    if (address[0] == '\0')
        return "<>";
    for (at = at != NULL ? at + 1 : address; at[len] != '\0' && len + 1 < size; len++)
        to[len] = (char)to_lower((unsigned char)at[len]);
    to[len] = '\0';
    fold_printable(to, '?');
    return to;
}

/* A network that one customer of a provider usually has. */
static const char *net_of(const struct addr *addr, char *to, size_t size)
{
    const unsigned char *b = addr->bytes;

    if (addr->family == AF_INET)
        snprintf(to, size, "%d.%d.%d.0/24", b[0], b[1], b[2]);
    else
        snprintf(to, size, "%x:%x:%x::/48", b[0] << 8 | b[1], b[2] << 8 | b[3], b[4] << 8 | b[5]);
    return to;
}

static void add_reject(struct counts *c, int64_t hour, const char *kind, const char *what)
{
    struct dict_value keys[2] = {text_of(kind), text_of(what)};
    int64_t one = 1;

    counts_add(c, COUNT_REJECT_BY, hour, keys, &one);
}

static void count_reject(struct counts *c, const struct writing *w, int64_t hour)
{
    const struct message *m = w->entry->message;
    const struct addr *addr = &w->entry->client.addr;
    char text[COUNT_TEXT];

    if (!is_refused(w->entry))
        return;
    if (m->has_mail)
        add_reject(c, hour, "sender_domain", domain_of(m->sender.text, text, sizeof(text)));
    if (addr->family == AF_INET || addr->family == AF_INET6)
        add_reject(c, hour, "client_net", net_of(addr, text, sizeof(text)));
}

/* Did the rule itself speak, or only nothing else? */
static bool has_fired(const struct check_record *r)
{
    bool table = r->question != NULL && strncmp(r->question, "table ", 6) == 0;

    if (r->rule.where.file == NULL)
        return false;
    if (table)
        return r->answer != NULL && strcmp(r->answer, "not found") != 0;
    return r->result != NULL && strcmp(r->result, "dunno") != 0;
}

static int count_checks(struct counts *c, struct writing *w, int64_t hour)
{
    struct dict_value keys[2];
    int64_t one = 1, rule;
    int rc;

    for (const struct check_record *r = w->entry->message->checks; r != NULL; r = r->next) {
        struct slice kind = first_word(r->question != NULL ? r->question : "");

        if (slice_is(kind, "table")) /* all else is a finding, too, or takes no time */
            add_latency(c, hour, kind, r->us);
        if (!has_fired(r))
            continue;
        if ((rc = writing_rule(w, &r->rule, &rule)) != SQLITE_OK)
            return rc;
        keys[0] = dict_number(rule);
        keys[1] = text_of(r->result != NULL ? r->result : "");
        counts_add(c, COUNT_RULE, hour, keys, &one);
    }
    return SQLITE_OK;
}

static void add_auth(struct counts *c, const struct writing *w, int64_t hour, struct slice method,
                     struct slice domain, struct slice result)
{
    char lower[COUNT_TEXT + 1];
    int64_t one = 1;
    size_t len = domain.len < COUNT_TEXT ? domain.len : COUNT_TEXT;
    struct dict_value keys[4] = {
        dict_number(w->entry->message->direction == DIR_OUTGOING),
        dict_text(method.ptr, method.len), dict_text(lower, len),
        dict_text(result.ptr, result.len),
    };

    for (size_t i = 0; i < len; i++)
        lower[i] = (char)to_lower((unsigned char)domain.ptr[i]);
    lower[len] = '\0';
    fold_printable(lower, '?');
    counts_add(c, COUNT_AUTH, hour, keys, &one);
}

/* "domain=" of an answer of SPF, else the sender's of the question. */
static struct slice spf_domain(const struct finding *f)
{
    const char *at = f->answer != NULL ? strstr(f->answer, " domain=") : NULL;
    struct slice rest = slice_of(f->question), word = {NULL, 0};

    if (at != NULL && at[strlen(" domain=")] != '"')
        return first_word(at + strlen(" domain="));
    if (at != NULL)
        return (struct slice){"", 0}; /* none, or nothing that is a domain */
    for (int i = 0; i < 3; i++)
        if (!slice_word(&rest, " ", &word))
            return (struct slice){"", 0};
    for (const char *p = word.ptr; p < word.ptr + word.len; p++)
        if (*p == '@')
            return (struct slice){p + 1, word.len - (size_t)(p + 1 - word.ptr)};
    return (struct slice){"", 0};
}

static void count_findings(struct counts *c, const struct writing *w, int64_t hour)
{
    for (const struct finding *f = w->entry->message->findings; f != NULL; f = f->next) {
        struct slice kind = first_word(f->question);

        add_latency(c, hour, kind, f->us);
        if (!slice_is(kind, "spf"))
            continue;
        add_auth(c, w, hour, kind, spf_domain(f),
                 f->state == FINDING_TEMPERROR || f->answer == NULL ? slice_of("temperror")
                                                                    : first_word(f->answer));
    }
}

static void count_signatures(struct counts *c, const struct writing *w, int64_t hour)
{
    for (const struct logged_signature *s = w->entry->message->logged_signatures; s != NULL;
         s = s->next)
        if (!s->made && s->result != NULL)
            add_auth(c, w, hour, slice_of("dkim"), slice_of(s->domain != NULL ? s->domain : ""),
                     slice_of(s->result));
}

/* As RFC 8601 calls what the MTA found out about the client's name. */
static void count_iprev(struct counts *c, const struct writing *w, int64_t hour)
{
    static const char *const results[][2] = {
        {"OK", "pass"}, {"FORGED", "fail"}, {"FAIL", "permerror"}, {"TEMP", "temperror"}};
    const char *resolve = w->entry->client.resolve;

    for (size_t i = 0; resolve != NULL && i < ARRAY_LEN(results); i++)
        if (strcmp(resolve, results[i][0]) == 0)
            add_auth(c, w, hour, slice_of("iprev"), (struct slice){"", 0},
                     slice_of(results[i][1]));
}

int count_entry(struct counts *c, struct writing *w)
{
    int64_t hour = count_hour(w->id);

    count_mail(c, w, hour);
    count_login(c, w, hour);
    count_reject(c, w, hour);
    count_findings(c, w, hour);
    count_signatures(c, w, hour);
    count_iprev(c, w, hour);
    return count_checks(c, w, hour);
}
