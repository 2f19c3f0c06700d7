/* received - the Received field that Postfix puts on top, from what a milter is told */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "received.h"

#include "buf.h"
#include "fold.h"

#include <string.h>
#include <time.h>

static const char mail_name[] = "Postfix";

bool received_is_postfix(const struct client *c)
{
    size_t len = strlen(mail_name);

    return c->mta_version != NULL && strncmp(c->mta_version, mail_name, len) == 0 &&
           (c->mta_version[len] == '\0' || c->mta_version[len] == ' ');
}

/* What would mean something in a header, Postfix writes as a question mark. */
static void add_helo(struct buf *b, const char *helo)
{
    for (; *helo != '\0'; helo++)
        buf_addc(b, strchr(" <>()\\\";@", *helo) != NULL ? '?' : *helo);
}

static void add_client(struct buf *b, const struct client *c, bool hide)
{
    bool is_v6 = c->addr.family == AF_INET6;

    if (hide) {
        buf_adds(b, "from [127.0.0.1] (localhost [127.0.0.1])");
        return;
    }
    buf_adds(b, "from ");
    add_helo(b, c->helo != NULL && c->helo[0] ? c->helo : c->name);
    buf_addf(b, " (%s [%s%s])", c->name, is_v6 ? "IPv6:" : "", c->addr_text);
}

static void add_tls(struct buf *b, const struct client *c)
{
    const char *bits = c->cipher_bits;

    if (c->tls_version == NULL || c->cipher == NULL)
        return;
    buf_addf(b, "\n\t(using %s with cipher %s", c->tls_version, c->cipher);
    if (bits != NULL)
        buf_addf(b, " (%s/%s bits)", bits, bits);
    buf_addc(b, ')');
}

/* RFC 3848, RFC 6531 section 4.3. */
static void add_protocol(struct buf *b, const struct client *c, const struct message *m)
{
    buf_addf(b, " with %s%s%s", m->smtputf8 ? "UTF8SMTP" : "ESMTP",
             c->tls_version != NULL ? "S" : "", m->login[0] != '\0' ? "A" : "");
}

static bool is_special(unsigned char c)
{
    return c <= ' ' || c == 0x7f || strchr("()<>@,;:\\\".[]", c) != NULL;
}

static bool is_dot_string(struct slice text)
{
    for (size_t i = 0; i < text.len; i++) {
        bool is_inner = i > 0 && i + 1 < text.len && text.ptr[i - 1] != '.';

        if (is_special((unsigned char)text.ptr[i]) && !(text.ptr[i] == '.' && is_inner))
            return false;
    }
    return text.len > 0;
}

/* As in a header (RFC 5322 section 3.4.1): what is no dot-atom is quoted. */
static void add_address(struct buf *b, const char *address)
{
    const char *at = strrchr(address, '@');
    struct slice local = {address, at != NULL ? (size_t)(at - address) : strlen(address)};
    bool quoted = !is_dot_string(local);

    buf_adds(b, quoted ? "<\"" : "<");
    for (size_t i = 0; i < local.len; i++) {
        if (quoted && (local.ptr[i] == '"' || local.ptr[i] == '\\'))
            buf_addc(b, '\\');
        buf_addc(b, local.ptr[i]);
    }
    buf_addf(b, "%s%s>", quoted ? "\"" : "", at != NULL ? at : "");
}

static bool is_taken(const struct recipient *r)
{
    return !r->refused_by_mta && !(verdict_refuses(&r->verdict) && r->verdict.enforced);
}

/* The only one that was not refused; with more of them a field would tell each of the others. */
static const struct recipient *only_recipient(const struct message *m)
{
    const struct recipient *found = NULL;

    for (const struct recipient *r = m->recipients; r != NULL; r = r->next) {
        if (!is_taken(r))
            continue;
        if (found != NULL)
            return NULL;
        found = r;
    }
    return found;
}

/* "Thu,  1 Jan 2026 09:08:07 +0100 (CET)". The locale is not to be asked. */
static void add_date(struct buf *b, int64_t time_us)
{
    static const char days[][4] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    static const char months[][4] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                     "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    time_t seconds = (time_t)(time_us / 1000000);
    struct tm tm;
    long offset;

    if (localtime_r(&seconds, &tm) == NULL)
        return;
    offset = (tm.tm_gmtoff < 0 ? -tm.tm_gmtoff : tm.tm_gmtoff) / 60;
    buf_addf(b, "%s, %2d %s %04d %02d:%02d:%02d %c%02ld%02ld (%s)", days[tm.tm_wday], tm.tm_mday,
             months[tm.tm_mon], tm.tm_year + 1900, tm.tm_hour, tm.tm_min, tm.tm_sec,
             tm.tm_gmtoff < 0 ? '-' : '+', offset / 60, offset % 60,
             tm.tm_zone != NULL ? tm.tm_zone : "");
}

static void add_host(struct buf *b, const struct client *c)
{
    buf_addf(b, "by %s (%s)", c->mta_host != NULL ? c->mta_host : "localhost", mail_name);
}

static void add_id(struct buf *b, char before, const struct message *m)
{
    if (m->queue_id[0] != '\0')
        buf_addf(b, "%cid %s", before, m->queue_id);
}

static void add_smtp(struct buf *b, const struct client *c, const struct message *m, bool hide,
                     struct arena *arena)
{
    const struct recipient *to = only_recipient(m);

    add_client(b, c, hide);
    add_tls(b, c);
    buf_adds(b, "\n\t");
    add_host(b, c);
    add_protocol(b, c, m);
    add_id(b, ' ', m);
    if (to != NULL) {
        char *address = arena_strdup(arena, to->address.text);

        fold_printable(address, '?');
        buf_adds(b, "\n\tfor ");
        add_address(b, address);
        buf_adds(b, "; ");
    } else {
        buf_adds(b, ";\n\t");
    }
}

static void add_local(struct buf *b, const struct client *c, const struct message *m)
{
    add_host(b, c);
    buf_addc(b, '\n');
    add_id(b, '\t', m);
    buf_adds(b, m->queue_id[0] != '\0' ? "; " : "\t; ");
}

const char *received_text(const struct client *c, const struct message *m, bool hide,
                          struct arena *arena)
{
    struct buf b = {0};
    const char *text;

    buf_adds(&b, "Received: ");
    if (c->local)
        add_local(&b, c, m);
    else
        add_smtp(&b, c, m, hide, arena);
    add_date(&b, m->mail_us);
    text = arena_strdup(arena, buf_text(&b));
    buf_free(&b);
    return text;
}

/* Behind the first word if that is one which the MTA's field begins with; else in front of it. */
const char *received_decoy(const char *value, struct arena *arena)
{
    struct slice rest = slice_trim(slice_of(value));
    size_t len = strncmp(rest.ptr, "from ", 5) == 0 ? 4 : strncmp(rest.ptr, "by ", 3) == 0 ? 2 : 0;
    const char *tail = rest.ptr + len + (len > 0 ? 1 : 0);

    return arena_printf(arena, " %.*s\n\t%.*s", (int)len, rest.ptr,
                        (int)(rest.len - (size_t)(tail - rest.ptr)), tail);
}
