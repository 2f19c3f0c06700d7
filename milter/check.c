/* check - the answers that restrictions build */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "check.h"

#include "fold.h"
#include "log.h"
#include "question.h"

#include <stdio.h>
#include <string.h>

enum { REPLY_MAX = 510 }; /* code, enhanced code and text: RFC 5321 section 4.5.3.1.5 less CR LF */

struct outcome outcome_dunno(void)
{
    return (struct outcome){.act = ACT_DUNNO};
}

struct outcome outcome_permit(void)
{
    return (struct outcome){.act = ACT_PERMIT};
}

/* A copy of an enhanced status code (RFC 3463) with the class of the reply code. */
static const char *dsn_for_code(struct arena *arena, int code, const char *dsn)
{
    return arena_printf(arena, "%c%s", code >= 500 ? '5' : '4', dsn + 1);
}

static struct outcome refusal(const struct scene *scene, int code, const char *dsn, char *text)
{
    struct outcome o = {0};

    if (code < 400 || code > 599) { /* defer_unauth_destination counts down from a 4xx */
        code = 450;
        dsn = "4.7.1";
        text = arena_strdup(scene->arena, "Service unavailable");
    }
    o.act = code >= 500 ? ACT_REJECT : ACT_DEFER;
    o.code = code;
    o.dsn = dsn_for_code(scene->arena, code, dsn);
    fold_printable(text, ' ');
    text[fold_cut(text, REPLY_MAX - strlen("500 ") - strlen(o.dsn) - strlen(" "))] = '\0';
    o.text = text;
    return o;
}

static char *format(struct arena *arena, const char *fmt, va_list ap) PRINTF_LIKE(2, 0);

static char *format(struct arena *arena, const char *fmt, va_list ap)
{
    char small[512];
    va_list again;
    int len;
    char *text;

    va_copy(again, ap);
    len = vsnprintf(small, sizeof(small), fmt, ap);
    if (len < 0)
        die("vsnprintf failed");
    text = arena_alloc(arena, (size_t)len + 1);
    if ((size_t)len < sizeof(small))
        memcpy(text, small, (size_t)len + 1);
    else
        vsnprintf(text, (size_t)len + 1, fmt, again);
    va_end(again);
    return text;
}

struct outcome outcome_refuse(const struct scene *scene, const struct subject *subject, int code,
                              const char *dsn, const char *fmt, ...)
{
    const char *text;
    va_list ap;

    va_start(ap, fmt);
    text = format(scene->arena, fmt, ap);
    va_end(ap);
    return refusal(scene, code, dsn,
                   arena_printf(scene->arena, "<%s>: %s rejected: %s", subject->name,
                                subject->class, text));
}

struct outcome outcome_reply(const struct scene *scene, int code, const char *dsn, const char *fmt,
                             ...)
{
    char *text;
    va_list ap;

    va_start(ap, fmt);
    text = format(scene->arena, fmt, ap);
    va_end(ap);
    return refusal(scene, code, dsn, text);
}

struct outcome outcome_config_error(const struct scene *scene)
{
    struct outcome o = outcome_reply(scene, 451, "4.3.5", "Server configuration error");

    o.unconditional = true;
    return o;
}

const struct finding *check_finding(const struct scene *scene, const char *question,
                                    struct outcome *need)
{
    const struct finding *finding = message_find(scene->message, question);

    if (finding == NULL)
        *need = (struct outcome){.need = question};
    return finding;
}

static bool dns_question(const struct scene *scene, const char *name, enum dns_type type,
                         struct dns_question *q)
{
    return dns_question_make(slice_of(fold_domain_ascii(name, scene->arena)), type, scene->arena,
                             q);
}

const char *check_dns_question(const struct scene *scene, const char *name, enum dns_type type)
{
    struct dns_question q;

    return dns_question(scene, name, type, &q) ? dns_question_text(&q, scene->arena) : NULL;
}

/* Strangers answer with thousands of records: read for each recipient they would fill the
 * memory. */
static const struct dns_answer *read_once(struct finding *finding, enum dns_type type,
                                          struct arena *arena)
{
    struct dns_answer *answer;

    if (finding->read != NULL)
        return finding->read;
    answer = arena_alloc(arena, sizeof(*answer));
    if (!dns_answer_read(finding->answer, type, arena, answer))
        *answer = (struct dns_answer){.state = DNS_TEMPERROR, .why = "an answer like no other"};
    finding->read = answer;
    return answer;
}

bool check_dns(const struct scene *scene, const char *name, enum dns_type type,
               struct dns_answer *answer, struct outcome *need)
{
    const char *question = check_dns_question(scene, name, type);
    struct finding *finding;

    *answer = (struct dns_answer){.state = DNS_NXDOMAIN};
    if (question == NULL)
        return true;
    finding = message_find(scene->message, question);
    if (finding == NULL) {
        *need = (struct outcome){.need = question};
        return false;
    }
    *answer = *read_once(finding, type, scene->message->arena);
    return true;
}

struct outcome outcome_because(const struct scene *scene, struct outcome o, const char *question)
{
    const struct finding *f = question != NULL ? message_find(scene->message, question) : NULL;

    if (f != NULL) {
        o.question = f->question;
        o.answer = f->answer;
    }
    return o;
}

void check_report_undecided(const struct hit *hit)
{
    static struct log_limit limit;

    if (hit->undecided.file != NULL)
        log_limited(&limit, LOG_WARNING, "%s:%d: %s; taken as not matching", hit->undecided.file,
                    hit->undecided.line,
                    hit->undecided_why != NULL ? hit->undecided_why : "match limit");
}

struct subject subject_client(const struct scene *scene)
{
    const struct client *c = scene->client;

    return (struct subject){arena_printf(scene->arena, "%s[%s]", c->name, c->addr_text),
                            "Client host"};
}

struct subject subject_helo(const struct scene *scene)
{
    return (struct subject){scene->client->helo != NULL ? scene->client->helo : "", "Helo command"};
}

struct subject subject_sender(const struct scene *scene)
{
    return (struct subject){scene->message->has_mail ? scene->message->sender.text : "",
                            "Sender address"};
}

struct subject subject_recipient(const struct scene *scene)
{
    return (struct subject){scene->recipient != NULL ? scene->recipient->address.text : "",
                            "Recipient address"};
}

struct subject subject_of_list(const struct scene *scene)
{
    switch (scene->list) {
    case LIST_CLIENT:
        return subject_client(scene);
    case LIST_HELO:
        return subject_helo(scene);
    case LIST_SENDER:
        return subject_sender(scene);
    case LIST_RELAY:
    case LIST_RECIPIENT:
        return subject_recipient(scene);
    case LIST_DATA:
        return (struct subject){"DATA", "Data command"};
    case LIST_END_OF_DATA:
        break;
    }
    return (struct subject){"END-OF-MESSAGE", "End-of-data"};
}
