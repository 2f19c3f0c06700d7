/* reply - the one place where a verdict becomes a milter answer */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "reply.h"

#include "counters.h"
#include "log.h"

#include <stdio.h>
#include <string.h>

enum { LINE_MAX_BYTES = 510, REPLY_TEXT_MAX = 980 };

/* Length of `len` bytes without a UTF-8 character that was cut in the middle. */
static size_t whole_characters(const char *text, size_t len)
{
    size_t start = len, want;
    unsigned char lead;

    while (start > 0 && len - start < 3 && ((unsigned char)text[start - 1] & 0xc0) == 0x80)
        start--;
    if (start == 0)
        return len;
    lead = (unsigned char)text[start - 1];
    want = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : lead >= 0xc0 ? 2 : 1;
    return want > 1 && len - (start - 1) < want ? start - 1 : len;
}

/* The text as it goes to smfi_setreply: `%` doubled, control characters blanks, at most `max` bytes
 * and no half of a character or `%%` at the end. buf has max + 1. */
static void copy_text(const char *text, size_t max, char *buf)
{
    size_t len = 0;

    for (const char *p = text; *p; p++) {
        unsigned char c = (unsigned char)*p;
        size_t need = c == '%' ? 2 : 1;
        if (len + need > max) {
            len = whole_characters(buf, len);
            break;
        }
        buf[len++] = c < 0x20 || c == 0x7f ? ' ' : (char)c;
        if (c == '%')
            buf[len++] = '%';
    }
    buf[len] = '\0';
}

/* The text gives way to the token: within what libmilter takes, and what RFC 5321 lets a line be,
 * which is less when nothing was doubled. */
static void token_text(const struct verdict *verdict, size_t head, char *buf)
{
    char whole[REPLY_TEXT_MAX + 1];
    size_t tail = strlen(verdict->token) + 3, line = head + tail < LINE_MAX_BYTES
                                                         ? LINE_MAX_BYTES - head - tail : 0;
    size_t len = strlen(verdict->text != NULL ? verdict->text : "");

    snprintf(whole, sizeof(whole), "%.*s", (int)(len < line ? len : line),
             verdict->text != NULL ? verdict->text : "");
    if (len > line)
        whole[whole_characters(whole, strlen(whole))] = '\0';
    copy_text(whole, REPLY_TEXT_MAX - tail, buf);
    len = strlen(buf);
    snprintf(buf + len, REPLY_TEXT_MAX + 1 - len, " [%s]", verdict->token);
}

/* libmilter does not compare the class of the enhanced code with the reply code; Postfix does, and
 * drops the filter for the rest of the session when they differ. */
static bool dsn_fits(const char *dsn, int code)
{
    return dsn != NULL && dsn[0] == '0' + code / 100 && dsn[1] == '.';
}

static void set_reply(SMFICTX *ctx, const struct verdict *verdict)
{
    static struct log_limit limit;
    char code[8], fallback[8], text[REPLY_TEXT_MAX + 1];
    const char *dsn = verdict->dsn;

    snprintf(code, sizeof(code), "%d", verdict->code);
    snprintf(fallback, sizeof(fallback), "%c.0.0", code[0]);
    if (!dsn_fits(dsn, verdict->code))
        dsn = fallback;
    if (verdict->token != NULL)
        token_text(verdict, strlen(code) + strlen(dsn) + 2, text);
    else
        copy_text(verdict->text != NULL ? verdict->text : "", REPLY_TEXT_MAX, text);
    if (smfi_setreply(ctx, code, MUTABLE(dsn), text) != MI_SUCCESS) {
        counter_add(COUNT_MTA_FAILURES);
        log_limited(&limit, LOG_ERR,
                    "libmilter refuses the reply \"%s %s %s\": the MTA's plain one is sent", code,
                    dsn, text);
    }
}

static bool may_answer(const struct verdict *verdict, const struct reply_terms *terms)
{
    if (verdict == NULL || !verdict->enforced || terms->no_reply)
        return false;
    if (terms->local && terms->stage != STAGE_EOM)
        return false;
    return verdict->act != ACT_DISCARD ||
           (terms->stage != STAGE_CONNECT && terms->stage != STAGE_HELO);
}

sfsistat reply_send(SMFICTX *ctx, const struct verdict *verdict, const struct reply_terms *terms)
{
    bool temporary;

    if (terms->no_reply)
        return SMFIS_NOREPLY;
    if (!may_answer(verdict, terms))
        return SMFIS_CONTINUE;
    if (verdict->act == ACT_DISCARD)
        return SMFIS_DISCARD;
    if (!verdict_refuses(verdict))
        return SMFIS_CONTINUE;
    /* The code decides, not the word: libmilter drops a reply whose class is not that of the
     * answer. */
    temporary = verdict->code ? verdict->code < 500 : verdict->act == ACT_DEFER;
    set_reply(ctx, verdict);
    return temporary ? SMFIS_TEMPFAIL : SMFIS_REJECT;
}
