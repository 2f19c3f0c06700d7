/* mta_reply - reads what a filter answers, as Postfix reads it */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "mta_reply.h"

#include "wire.h"

#include <libmilter/mfdef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The replies that are a letter alone and end the wait. */
static const struct {
    char command;
    enum mta_action action;
} plain[] = {
    {SMFIR_CONTINUE, MTA_CONTINUE}, {SMFIR_ACCEPT, MTA_ACCEPT},     {SMFIR_REJECT, MTA_REJECT},
    {SMFIR_TEMPFAIL, MTA_TEMPFAIL}, {SMFIR_DISCARD, MTA_DISCARD},   {SMFIR_SKIP, MTA_SKIP},
    {SMFIR_SHUTDOWN, MTA_SHUTDOWN}, {SMFIR_CONN_FAIL, MTA_CONN_FAIL},
};

/* What data an edit carries: # a number, s a text, o a text that may be missing, b bytes. */
static const struct {
    char command;
    const char *form;
} edits[] = {
    {SMFIR_ADDHEADER, "ss"},   {SMFIR_INSHEADER, "#ss"}, {SMFIR_CHGHEADER, "#ss"},
    {SMFIR_ADDRCPT, "s"},      {SMFIR_ADDRCPT_PAR, "so"}, {SMFIR_DELRCPT, "s"},
    {SMFIR_CHGFROM, "so"},     {SMFIR_REPLBODY, "b"},    {SMFIR_QUARANTINE, "s"},
};

void mta_reply_clear(struct mta_reply *r)
{
    for (size_t i = 0; i < r->mod_count; i++) {
        free(r->mods[i].name);
        free(r->mods[i].value);
    }
    free(r->mods);
    free(r->text);
    *r = (struct mta_reply){.action = MTA_NONE};
}

bool mta_reply_fault(struct mta_reply *r, enum mta_action action, const char *fmt, ...)
{
    char text[256];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    free(r->text);
    r->text = xstrdup(text);
    r->action = action;
    return true;
}

/* A text with its NUL; false when the NUL is missing. */
static bool cut_text(struct slice *data, char **text)
{
    const char *end = data->len ? memchr(data->ptr, '\0', data->len) : NULL;
    size_t len;

    if (end == NULL)
        return false;
    len = (size_t)(end - data->ptr);
    *text = xstrndup(data->ptr, len);
    *data = (struct slice){end + 1, data->len - len - 1};
    return true;
}

static bool cut_number(struct slice *data, uint32_t *number)
{
    if (data->len < 4)
        return false;
    *number = wire_get32(data->ptr);
    *data = (struct slice){data->ptr + 4, data->len - 4};
    return true;
}

static bool read_edit(struct mta_mod *mod, const char *form, struct slice data)
{
    for (; *form != '\0'; form++) {
        char **text = mod->name == NULL ? &mod->name : &mod->value;

        if (*form == '#') {
            if (!cut_number(&data, &mod->index))
                return false;
        } else if (*form == 'b') {
            mod->value = xstrndup(data.ptr != NULL ? data.ptr : "", data.len);
            mod->value_len = data.len;
            return true;
        } else if (!(*form == 'o' && data.len == 0) && !cut_text(&data, text)) {
            return false;
        }
    }
    mod->value_len = mod->value != NULL ? strlen(mod->value) : 0;
    return data.len == 0;
}

static bool take_edit(struct mta_reply *r, char event, char command, const char *form,
                      struct slice data)
{
    struct mta_mod *mod;

    if (event != SMFIC_BODYEOB && command != SMFIR_QUARANTINE)
        return mta_reply_fault(r, MTA_BROKEN, "edit '%c' before the end of the message", command);
    r->mods = xreallocarray(r->mods, r->mod_count + 1, sizeof(*r->mods));
    mod = &r->mods[r->mod_count++];
    *mod = (struct mta_mod){.op = command};
    if (!read_edit(mod, form, data))
        return mta_reply_fault(r, MTA_BROKEN, "edit '%c' with wrong data", command);
    return false;
}

/* The server takes %% for % and drops a % that stands alone. */
static void halve_percents(char *text)
{
    char *to = text;

    for (const char *from = text; *from != '\0'; from++) {
        if (*from == '%' && *++from == '\0')
            break;
        *to++ = *from;
    }
    *to = '\0';
}

static bool is_reply_text(const char *t)
{
    if ((t[0] != '4' && t[0] != '5') || !is_digit(t[1]) || !is_digit(t[2]))
        return false;
    if (t[3] != ' ' && t[3] != '-')
        return false;
    return !is_digit(t[4]) || t[4] == t[0];
}

static bool take_replycode(struct mta_reply *r, struct slice data)
{
    char *text;

    if (!cut_text(&data, &text))
        return mta_reply_fault(r, MTA_BROKEN, "reply text without an end");
    if (data.len > 0 || !is_reply_text(text)) {
        mta_reply_fault(r, MTA_BROKEN, "malformed reply: %s", text);
        free(text);
        return true;
    }
    halve_percents(text);
    r->text = text;
    r->action = MTA_REPLYCODE;
    return true;
}

static bool take_plain(struct mta_reply *r, char event, char command, enum mta_action action)
{
    bool early = event == SMFIC_CONNECT || event == SMFIC_HELO;

    if (action == MTA_DISCARD && early)
        return mta_reply_fault(r, MTA_BROKEN, "reply '%c' after event '%c'", command, event);
    r->action = action;
    return true;
}

bool mta_reply_take(struct mta_reply *r, char event, char command, struct slice data)
{
    if (command == SMFIR_REPLYCODE)
        return take_replycode(r, data);
    for (size_t i = 0; i < ARRAY_LEN(edits); i++)
        if (edits[i].command == command)
            return take_edit(r, event, command, edits[i].form, data);
    if (data.len > 0)
        return mta_reply_fault(r, MTA_BROKEN, "reply '%c' with %zu bytes of data", command,
                               data.len);
    if (command == SMFIR_PROGRESS) {
        r->progress++;
        return false;
    }
    for (size_t i = 0; i < ARRAY_LEN(plain); i++)
        if (plain[i].command == command)
            return take_plain(r, event, command, plain[i].action);
    return mta_reply_fault(r, MTA_BROKEN, "unknown reply 0x%02x", (unsigned char)command);
}
