/* rbl_reply - the replies to listed clients, by their templates */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "rbl_reply.h"

#include "access.h"
#include "conf.h"
#include "log.h"
#include "policy.h"

#include <string.h>
#include <time.h>

enum { REASON_MAX = 500 };

/* What $name may stand for. Without scene: are the names known? */
struct reply_facts {
    const struct scene *scene;
    const struct rbl_site *site;
    const char *what, *class, *reason;
};

typedef const char *macro_fn(const struct reply_facts *m);

static const char *get_code(const struct reply_facts *m)
{
    return arena_printf(m->scene->arena, "%ld", m->scene->policy->settings->maps_rbl_reject_code);
}

static const char *get_domain(const struct reply_facts *m)
{
    return m->site->zone;
}

static const char *get_reason(const struct reply_facts *m)
{
    return m->reason;
}

static const char *get_what(const struct reply_facts *m)
{
    return m->what;
}

static const char *get_class(const struct reply_facts *m)
{
    return m->class;
}

static const char *get_client(const struct reply_facts *m)
{
    return subject_client(m->scene).name;
}

static const char *get_client_address(const struct reply_facts *m)
{
    return m->scene->client->addr_text;
}

static const char *get_client_name(const struct reply_facts *m)
{
    return m->scene->client->name;
}

static const char *get_client_port(const struct reply_facts *m)
{
    int port = m->scene->client->port;

    return port < 0 ? "unknown" : arena_printf(m->scene->arena, "%d", port);
}

static const char *get_reverse_name(const struct reply_facts *m)
{
    return m->scene->client->ptr;
}

static const char *get_helo(const struct reply_facts *m)
{
    return m->scene->client->helo != NULL ? m->scene->client->helo : "";
}

static const char *get_server_name(const struct reply_facts *m)
{
    return m->scene->policy->site->myhostname;
}

static const char *get_localtime(const struct reply_facts *m)
{
    time_t now = (time_t)(m->scene->message->time_us / 1000000);
    char *text = arena_alloc(m->scene->arena, 100);
    struct tm tm;

    localtime_r(&now, &tm);
    strftime(text, 100, "%b %d %H:%M:%S", &tm);
    return text;
}

/* NULL: there is none yet. */
static const char *sender_of(const struct reply_facts *m)
{
    return m->scene->message->has_mail ? m->scene->message->sender.text : NULL;
}

static const char *recipient_of(const struct reply_facts *m)
{
    return m->scene->recipient != NULL ? m->scene->recipient->address.text : NULL;
}

static const char *whole_address(const char *address)
{
    return address == NULL ? "" : address[0] == '\0' ? "<>" : address;
}

static const char *local_part(const struct reply_facts *m, const char *address)
{
    const char *at = address != NULL ? strrchr(address, '@') : NULL;

    return at != NULL ? arena_strndup(m->scene->arena, address, (size_t)(at - address))
                      : whole_address(address);
}

static const char *domain_part(const char *address)
{
    const char *at = address != NULL ? strrchr(address, '@') : NULL;

    return at != NULL ? at + 1 : "";
}

static const char *get_sender(const struct reply_facts *m)
{
    return whole_address(sender_of(m));
}

static const char *get_sender_name(const struct reply_facts *m)
{
    return local_part(m, sender_of(m));
}

static const char *get_sender_domain(const struct reply_facts *m)
{
    return domain_part(sender_of(m));
}

static const char *get_recipient(const struct reply_facts *m)
{
    return whole_address(recipient_of(m));
}

static const char *get_recipient_name(const struct reply_facts *m)
{
    return local_part(m, recipient_of(m));
}

static const char *get_recipient_domain(const struct reply_facts *m)
{
    return domain_part(recipient_of(m));
}

static const struct {
    const char *name;
    macro_fn *get;
} macros[] = {
    {"rbl_code", get_code},
    {"rbl_domain", get_domain},
    {"rbl_reason", get_reason},
    {"rbl_txt", get_reason},
    {"rbl_what", get_what},
    {"rbl_class", get_class},
    {"client", get_client},
    {"client_address", get_client_address},
    {"client_name", get_client_name},
    {"client_port", get_client_port},
    {"reverse_client_name", get_reverse_name},
    {"helo_name", get_helo},
    {"sender", get_sender},
    {"sender_name", get_sender_name},
    {"sender_domain", get_sender_domain},
    {"recipient", get_recipient},
    {"recipient_name", get_recipient_name},
    {"recipient_domain", get_recipient_domain},
    {"server_name", get_server_name},
    {"localtime", get_localtime},
};

/* A value must bring no macros of its own; what is not printable becomes `_` in it. */
static const char *safe_value(const char *value, struct arena *arena)
{
    char *text = arena_alloc(arena, 2 * strlen(value) + 1), *end = text;

    for (; *value != '\0'; value++) {
        bool plain = is_print((unsigned char)*value) || *value == '\t';

        if (*value == '$')
            *end++ = '$';
        *end++ = plain ? *value : '_';
    }
    return text;
}

static const char *find_macro(void *arg, const char *name)
{
    const struct reply_facts *m = arg;

    for (size_t i = 0; i < ARRAY_LEN(macros); i++)
        if (strcmp(macros[i].name, name) == 0)
            return m->scene != NULL ? safe_value(macros[i].get(m), m->scene->arena) : "554";
    return NULL;
}

/* A name that nobody knows makes the whole template unusable, unless it is only tested. */
static const char *expand(const char *template, struct reply_facts *m, struct arena *arena,
                          struct err *err)
{
    bool undefined = false;
    struct conf_names names = {find_macro, m, &undefined};
    const char *text = conf_expand(template, &names, arena, err);

    if (text != NULL && undefined) {
        err_set(err, "\"%s\" names a macro that there is not", template);
        return NULL;
    }
    return text;
}

/* 4NN or 5NN, and a blank. */
static bool has_code(const char *text)
{
    return (text[0] == '4' || text[0] == '5') && is_digit((unsigned char)text[1]) &&
           is_digit((unsigned char)text[2]) && text[3] == ' ';
}

bool rbl_template_check(const char *template, struct err *err)
{
    struct reply_facts m = {0};
    struct arena *arena = arena_new();
    const char *text = expand(template, &m, arena, err);
    bool good = text != NULL;

    if (good && !has_code(text))
        good = err_set(err, "\"%s\" does not begin with a reply code: write $rbl_code in front",
                       template);
    arena_free(arena);
    return good;
}

const char *rbl_reason(const struct dns_answer *txt, struct arena *arena)
{
    char *text = arena_alloc(arena, REASON_MAX + 1);
    size_t len = 0, left = REASON_MAX;

    for (size_t i = 0; i < txt->count && left > 0; i++) {
        struct slice string = txt->records[i].txt.strings[0];

        for (size_t k = 0; k < string.len && left > 0; k++, left--)
            text[len++] = is_print((unsigned char)string.ptr[k]) ? string.ptr[k] : ' ';
        if (i + 1 < txt->count && left > 3) {
            memcpy(text + len, " / ", 3);
            len += 3;
            left -= 3;
        }
    }
    return text;
}

/* The site's own template; NULL when there is none. False when a table cannot be asked. */
static bool find_template(const struct scene *scene, const struct rbl_site *site,
                          const char **template)
{
    const struct rbl *rbl = scene->policy->rbl;

    *template = NULL;
    for (size_t i = 0; i < rbl->reply_map_count; i++) {
        struct hit hit;
        enum table_result result = table_lookup(rbl->reply_maps[i], slice_of(site->text),
                                                scene->arena, &hit);

        check_report_undecided(&hit);
        if (result == TABLE_ERROR)
            return false;
        if (result == TABLE_FOUND) {
            *template = hit.value;
            return true;
        }
    }
    return true;
}

static const char *expand_first_good(const struct scene *scene, const char *template,
                                     struct reply_facts *m)
{
    static struct log_limit limit;
    const char *text = NULL;
    struct err err = {""};

    if (template != NULL)
        text = expand(template, m, scene->arena, &err);
    if (template != NULL && text == NULL)
        log_limited(&limit, LOG_WARNING, "rbl_reply_maps: %s: %s; default_rbl_reply is used",
                    m->site->text, err.text);
    if (text == NULL)
        text = expand(scene->policy->settings->default_rbl_reply, m, scene->arena, &err);
    return text != NULL ? text : "";
}

/* "550 5.7.1 text" as code, enhanced code and text. */
static struct outcome outcome_of_text(const struct scene *scene, const char *text,
                                      const char *class)
{
    static struct log_limit limit;
    const char *dsn, *rest;

    if (!has_code(text)) {
        log_limited(&limit, LOG_WARNING, "a reply for block lists without reply code: \"%s\"",
                    text);
        return outcome_reply(scene, 450, "4.7.1", "Service unavailable");
    }
    for (rest = text + 4; is_space((unsigned char)*rest); rest++)
        ;
    rest = dsn_split(rest, &dsn, scene->arena);
    return outcome_reply(scene,
                         (text[0] - '0') * 100 + (text[1] - '0') * 10 + (text[2] - '0'),
                         dsn_for_class(dsn != NULL ? dsn : "4.7.1", class), "%s",
                         rest[0] != '\0' ? rest : "Service unavailable");
}

struct outcome rbl_reply(const struct scene *scene, const struct rbl_site *site, const char *what,
                         const char *class, const char *reason)
{
    struct reply_facts m = {scene, site, what, class, reason};
    const char *template;

    if (!find_template(scene, site, &template))
        return outcome_config_error(scene);
    return outcome_of_text(scene, expand_first_good(scene, template, &m), class);
}
