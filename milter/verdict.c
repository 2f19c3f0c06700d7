/* verdict - what can be done to a mail, and what was decided */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "verdict.h"

const char *stage_name(enum stage stage)
{
    static const char *const names[] = {
        [STAGE_CONNECT] = "CONNECT", [STAGE_HELO] = "HELO",
        [STAGE_MAIL] = "MAIL",       [STAGE_RCPT] = "RCPT",
        [STAGE_DATA] = "DATA",       [STAGE_HEADER] = "HEADER",
        [STAGE_EOH] = "END-OF-HEADER", [STAGE_BODY] = "BODY",
        [STAGE_EOM] = "END-OF-MESSAGE",
    };

    return (size_t)stage < ARRAY_LEN(names) ? names[stage] : "unknown";
}

const char *act_name(enum act act)
{
    static const char *const names[] = {
        [ACT_DUNNO] = "dunno",
        [ACT_PERMIT] = "permit",
        [ACT_DEFER] = "defer",
        [ACT_REJECT] = "reject",
        [ACT_DISCARD] = "discard",
        [ACT_DEFER_IF_REJECT] = "defer_if_reject",
        [ACT_DEFER_IF_PERMIT] = "defer_if_permit",
        [ACT_HOLD] = "hold",
        [ACT_REDIRECT] = "redirect",
        [ACT_BCC] = "bcc",
        [ACT_PREPEND] = "prepend",
        [ACT_WARN] = "warn",
        [ACT_INFO] = "info",
        [ACT_REPLACE] = "replace",
        [ACT_IGNORE] = "ignore",
        [ACT_STRIP] = "strip",
        [ACT_PASS] = "pass",
        [ACT_FILTER] = "filter",
    };

    return (size_t)act < ARRAY_LEN(names) ? names[act] : "unknown";
}

bool verdict_refuses(const struct verdict *verdict)
{
    return verdict->act == ACT_REJECT || verdict->act == ACT_DEFER;
}

const char *verdict_reply(const struct verdict *v, struct arena *arena)
{
    if (!verdict_refuses(v))
        return "250 2.0.0 Ok";
    return arena_printf(arena, "%d %s %s", v->code, v->dsn, v->text);
}

bool rule_is_same(const struct rule_ref *a, const struct rule_ref *b)
{
    return a->where.line == b->where.line && is_same_text(a->where.file, b->where.file) &&
           is_same_text(a->text, b->text);
}
