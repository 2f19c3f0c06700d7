/* edits - performs at end of message what rules decided: header edits, HOLD, REDIRECT, BCC */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "edits.h"

#include "counters.h"
#include "header_edits.h"
#include "log.h"
#include "reply.h"

#include <string.h>
#include <strings.h>

static const char *failed(const char *call)
{
    counter_add(COUNT_MTA_FAILURES);
    return call;
}

/* "<a@b>" or "a@b" to "a@b"; empty: not an address that can be sent to. */
static struct slice target_address(const struct edit *edit)
{
    struct slice text = slice_trim(slice_of(edit->text));
    bool usable;

    if (text.len >= 2 && text.ptr[0] == '<' && text.ptr[text.len - 1] == '>') {
        text = (struct slice){text.ptr + 1, text.len - 2};
    }
    usable = text.len > 0 && memchr(text.ptr, '@', text.len) != NULL;
    for (size_t i = 0; usable && i < text.len; i++) {
        unsigned char c = (unsigned char)text.ptr[i];
        usable = c > 0x20 && c != 0x7f && c != '<' && c != '>';
    }
    return usable ? text : (struct slice){"", 0};
}

/* The same as a string in the arena; NULL, with a line in the log, when there is none. */
static const char *take_target(const struct edit *edit, struct arena *arena)
{
    struct slice target = target_address(edit);

    if (target.len == 0) {
        log_line(LOG_WARNING, "%s:%d: \"%s\" is no address: %s is skipped",
                 edit->rule.where.file != NULL ? edit->rule.where.file : "?", edit->rule.where.line,
                 edit->text, act_name(edit->act));
        return NULL;
    }
    return arena_strndup(arena, target.ptr, target.len);
}

static bool is_delivered(const struct recipient *recipient)
{
    return !recipient->refused_by_mta &&
           !(verdict_refuses(&recipient->verdict) && recipient->verdict.enforced);
}

/* Is the address this recipient's, however it was spelled? */
static bool is_recipient(const struct recipient *recipient, const char *address)
{
    return strcasecmp(recipient->address.key, address) == 0 ||
           strcasecmp(recipient->address.text, address) == 0;
}

static bool has_recipient(const struct message *message, const char *address)
{
    for (const struct recipient *r = message->recipients; r != NULL; r = r->next) {
        if (is_delivered(r) && is_recipient(r, address))
            return true;
    }
    return false;
}

static bool is_repeated(const struct message *message, const struct recipient *recipient)
{
    for (const struct recipient *r = message->recipients; r != recipient; r = r->next) {
        if (is_delivered(r) && strcmp(r->address.arg, recipient->address.arg) == 0)
            return true;
    }
    return false;
}

static const char *perform_redirect(SMFICTX *ctx, const struct edit *edit,
                                    const struct message *message)
{
    const char *target = take_target(edit, message->arena);

    if (target == NULL)
        return NULL;
    if (!has_recipient(message, target)) {
        char *to = arena_printf(message->arena, "<%s>", target);
        if (smfi_addrcpt(ctx, to) != MI_SUCCESS)
            return failed("smfi_addrcpt");
    }
    for (const struct recipient *r = message->recipients; r != NULL; r = r->next) {
        if (is_delivered(r) && !is_recipient(r, target) && !is_repeated(message, r) &&
            smfi_delrcpt(ctx, MUTABLE(r->address.arg)) != MI_SUCCESS)
            return failed("smfi_delrcpt");
    }
    return NULL;
}

/* Was the same address added by an earlier BCC? */
static bool is_added(const struct edit *edits, const struct edit *until, const char *address)
{
    for (const struct edit *e = edits; e != until; e = e->next) {
        if (e->act == ACT_BCC && slice_is_nocase(target_address(e), address))
            return true;
    }
    return false;
}

static const char *perform_bcc(SMFICTX *ctx, const struct edit *edits, const struct edit *edit,
                               const struct message *message, const struct edit_terms *terms)
{
    const char *target = take_target(edit, message->arena);
    char *to;

    if (target == NULL || has_recipient(message, target) || is_added(edits, edit, target))
        return NULL;
    to = arena_printf(message->arena, "<%s>", target);
    if (terms->rcpt_args) {
        return smfi_addrcpt_par(ctx, to, MUTABLE("NOTIFY=NEVER")) == MI_SUCCESS
                   ? NULL
                   : failed("smfi_addrcpt_par");
    }
    return smfi_addrcpt(ctx, to) == MI_SUCCESS ? NULL : failed("smfi_addrcpt");
}

/* An MTA without SMFIP_HDR_LEADSPC adds a blank by itself. */
static char *sent_value(const char *value, const struct edit_terms *terms)
{
    return MUTABLE(!terms->leading_space && is_blank((unsigned char)value[0]) ? value + 1 : value);
}

/* Sendmail puts a field behind the one with that number, in a list that begins with Return-Path,
 * its Received, and seven fields that are missing, or not sent, where the mail has its own: the H
 * lines of every sendmail.cf since 8.8. */
static int insert_index(const struct header_change *c, const struct edit_terms *terms)
{
    enum { HIDDEN = 7 };

    return terms->sendmail && c->index > 0 ? c->index + HIDDEN : c->index;
}

static const char *perform_change(SMFICTX *ctx, const struct header_change *c,
                                  const struct edit_terms *terms)
{
    char *name = MUTABLE(c->name);

    switch (c->op) {
    case HEADER_INSERT:
        return smfi_insheader(ctx, insert_index(c, terms), name, sent_value(c->value, terms)) ==
                       MI_SUCCESS
                   ? NULL
                   : failed("smfi_insheader");
    case HEADER_APPEND:
        return smfi_addheader(ctx, name, sent_value(c->value, terms)) == MI_SUCCESS
                   ? NULL
                   : failed("smfi_addheader");
    case HEADER_CHANGE:
    case HEADER_DELETE:
        break;
    }
    return smfi_chgheader(ctx, name, c->index,
                          c->value != NULL ? sent_value(c->value, terms) : NULL) == MI_SUCCESS
               ? NULL
               : failed("smfi_chgheader");
}

static const char *perform_changes(SMFICTX *ctx, const struct edit *edits,
                                   const struct message *message, const struct edit_terms *terms)
{
    struct header_changes changes = header_changes_plan(message, edits);
    const char *trouble = NULL;

    for (size_t i = 0; trouble == NULL && i < changes.count; i++)
        trouble = perform_change(ctx, &changes.list[i], terms);
    return trouble;
}

static const struct edit *find_edit(const struct edit *edits, enum act act, bool last)
{
    const struct edit *found = NULL;

    for (const struct edit *e = edits; e != NULL && (last || found == NULL); e = e->next) {
        if (e->act == act)
            found = e;
    }
    return found;
}

static const char *perform_recipients(SMFICTX *ctx, const struct edit *edits,
                                      const struct message *message, const struct edit_terms *terms)
{
    const struct edit *redirect = find_edit(edits, ACT_REDIRECT, true);
    const char *trouble = NULL;

    if (redirect != NULL)
        return perform_redirect(ctx, redirect, message);
    for (const struct edit *e = edits; e != NULL && trouble == NULL; e = e->next) {
        if (e->act == ACT_BCC)
            trouble = perform_bcc(ctx, edits, e, message, terms);
    }
    return trouble;
}

const char *edits_perform(SMFICTX *ctx, const struct edit *edits, const struct message *message,
                          const struct edit_terms *terms)
{
    const struct edit *hold = find_edit(edits, ACT_HOLD, false);
    const char *trouble = edits != NULL ? perform_changes(ctx, edits, message, terms) : NULL;

    if (trouble == NULL)
        trouble = perform_recipients(ctx, edits, message, terms);
    if (trouble == NULL && hold != NULL) {
        const char *reason =
            hold->text != NULL && hold->text[0] ? hold->text : "held by a rule of tamis";
        trouble = smfi_quarantine(ctx, MUTABLE(reason)) == MI_SUCCESS ? NULL
                                                                      : failed("smfi_quarantine");
    }
    return trouble;
}
