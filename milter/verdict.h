/* verdict - what can be done to a mail, and what was decided */
/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TAMIS_VERDICT_H
#define TAMIS_VERDICT_H

#include "arena.h"

/* The moments at which tamis can answer, in the order of an SMTP session. */
enum stage {
    STAGE_CONNECT,
    STAGE_HELO,
    STAGE_MAIL,
    STAGE_RCPT,
    STAGE_DATA,
    STAGE_HEADER,
    STAGE_EOH,
    STAGE_BODY,
    STAGE_EOM,
};

/* As Postfix names them in its log: CONNECT, HELO, MAIL, RCPT, DATA, …, END-OF-MESSAGE. */
const char *stage_name(enum stage stage);

enum act {
    /* final for a list */
    ACT_DUNNO, /* no opinion: the next restriction is asked */
    ACT_PERMIT, /* ends its own list only */
    ACT_DEFER, /* 4xx */
    ACT_REJECT, /* 5xx */
    ACT_DISCARD, /* the whole message is accepted and thrown away */
    /* collected by the engine, which then goes on */
    ACT_DEFER_IF_REJECT,
    ACT_DEFER_IF_PERMIT,
    ACT_HOLD,
    ACT_REDIRECT,
    ACT_BCC,
    ACT_PREPEND,
    ACT_WARN,
    ACT_INFO,
    /* of header_checks(5) alone */
    ACT_REPLACE,
    ACT_IGNORE, /* delete the header */
    ACT_STRIP,  /* the same, and say so */
    ACT_PASS,   /* no more checks of this message's content */
    ACT_FILTER, /* cannot be done by a milter */
};

/* "dunno", "permit", "defer", "reject", "discard", "hold", "replace" … */
const char *act_name(enum act act);

/* A rule that decided: the place and the text that was in force. All NULL/0 when there is none. The
 * texts live as long as the policy or the message that they came from. */
struct rule_ref {
    struct where where;
    const char *text;
};

bool rule_is_same(const struct rule_ref *a, const struct rule_ref *b);

/* The answer to one event. act is ACT_DUNNO (go on), ACT_DEFER, ACT_REJECT or ACT_DISCARD. */
struct verdict {
    enum act act;
    enum stage stage;
    int code;         /* 4NN or 5NN; 0 unless deferred or rejected */
    const char *dsn;  /* "5.7.1" (RFC 3463); its class always is that of the code */
    const char *text; /* what the client reads behind it; UTF-8 or not, no control characters */
    const char *token; /* ends the reply, in brackets (token.h); NULL: none */
    struct rule_ref rule;
    bool enforced; /* false: judged and logged, but the MTA is told to go on */
};

/* Rejected or deferred? */
bool verdict_refuses(const struct verdict *verdict);

/* The reply as the client reads it, "550 5.7.1 text"; "250 2.0.0 Ok" when nothing is refused. */
const char *verdict_reply(const struct verdict *verdict, struct arena *arena);

#endif
