/* received_spf - the field Received-SPF (RFC 7208, 9.1) */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "received_spf.h"

#include "buf.h"
#include "policy.h"
#include "spf_scene.h"

#include <string.h>

enum {
    VALUE_MAX = 400,   /* bytes, before quoting: twice that is within a line */
    COMMENT_MAX = 900, /* bytes, as it is written */
};

static bool is_atom(int c)
{
    return is_alnum(c) || (c != '\0' && strchr("!#$%&'*+-/=?^_`{|}~", c) != NULL);
}

/* RFC 5322, 3.2.3: the form that needs no quotes. */
static bool is_dot_atom(const char *text)
{
    bool dot = true;

    for (; *text != '\0'; text++) {
        if (*text == '.' ? dot : !is_atom((unsigned char)*text))
            return false;
        dot = *text == '.';
    }
    return !dot;
}

static bool is_harmless(const char *text)
{
    size_t len = strlen(text);

    for (size_t i = 0; i < len; i++)
        if (!is_print((unsigned char)text[i]))
            return false;
    return len <= VALUE_MAX;
}

/* `escaped` bytes get a backslash. */
static void add_escaped(struct buf *b, const char *text, const char *escaped)
{
    for (; *text != '\0'; text++) {
        if (strchr(escaped, *text) != NULL)
            buf_addc(b, '\\');
        buf_addc(b, *text);
    }
}

static void add_pair(struct buf *b, bool *first, const char *key, const char *value)
{
    if (value == NULL || !is_harmless(value))
        return;
    buf_adds(b, *first ? "\n\t" : ";\n\t");
    *first = false;
    buf_addf(b, "%s=", key);
    if (is_dot_atom(value)) {
        buf_adds(b, value);
        return;
    }
    buf_addc(b, '"');
    add_escaped(b, value, "\"\\");
    buf_addc(b, '"');
}

static void add_comment(struct buf *b, const char *receiver, const char *text)
{
    size_t before = b->len;

    if (!is_harmless(receiver) || !is_harmless(text))
        return;
    buf_adds(b, " (");
    add_escaped(b, receiver, "()\\");
    buf_adds(b, ": ");
    add_escaped(b, text, "()\\");
    buf_addc(b, ')');
    if (b->len - before > COMMENT_MAX)
        b->ptr[b->len = before] = '\0';
}

/* The null sender is judged as postmaster of the HELO name (RFC 7208, 2.4). */
static const char *envelope_from(const struct scene *scene)
{
    const char *sender = scene->message->sender.text;

    if (sender[0] != '\0')
        return sender;
    return arena_printf(scene->arena, "postmaster@%s",
                        scene->client->helo != NULL ? scene->client->helo : "");
}

/* What matched; "default" for a record in which nothing does. */
static const char *mechanism_of(const struct spf_answer *a)
{
    if (a->result == SPF_NONE || a->result == SPF_TEMPERROR || a->result == SPF_PERMERROR)
        return NULL;
    return a->term != NULL ? a->term : "default";
}

static const char *problem_of(const struct spf_answer *a)
{
    return a->result == SPF_TEMPERROR || a->result == SPF_PERMERROR ? a->why : NULL;
}

static void add_field(struct buf *b, const struct scene *scene, const struct spf_answer *a)
{
    const char *receiver = scene->policy->settings->myhostname;
    char addr[ADDR_TEXT_SIZE];
    const char *client = addr_text(&scene->client->addr, addr);
    bool first = true;

    buf_addf(b, "Received-SPF: %s", spf_result_name(a->result));
    add_comment(b, receiver, spf_sentence(a, client, scene->arena));
    add_pair(b, &first, "client-ip", client);
    add_pair(b, &first, "envelope-from", envelope_from(scene));
    add_pair(b, &first, "helo", scene->client->helo);
    add_pair(b, &first, "receiver", receiver);
    add_pair(b, &first, "identity", "mailfrom");
    add_pair(b, &first, "mechanism", mechanism_of(a));
    add_pair(b, &first, "problem", problem_of(a));
}

const char *received_spf(const struct scene *scene, struct outcome *need)
{
    struct spf_opinion opinion;
    struct buf b = {0};
    const char *field;

    *need = outcome_dunno();
    if (!scene->policy->settings->received_spf_header ||
        !spf_judge(scene, SPF_MAILFROM, &opinion, need) || opinion.exempt)
        return NULL;
    add_field(&b, scene, &opinion.answer);
    field = arena_strdup(scene->arena, buf_text(&b));
    buf_free(&b);
    return field;
}
