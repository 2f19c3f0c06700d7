/* decision - the syslog lines, in Postfix's shape */
/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TAMIS_DECISION_H
#define TAMIS_DECISION_H

#include "message.h"

/* "QUEUEID: WHAT: RCPT from host[addr]: TEXT; rule=FILE:LINE from=<a> to=<b> helo=<c> …". `what` is
 * Postfix's word: reject, reject_warning, hold, redirect, bcc, discard, warn, info … recipient and
 * rule may be NULL. */
void decision_log(const char *what, enum stage stage, const struct client *client,
                  const struct message *message, const struct recipient *recipient,
                  const char *text, const struct rule_ref *rule);

/* The same for a verdict: reject, discard, or, when it is not enforced, would-reject. */
void decision_log_verdict(const struct verdict *verdict, const struct client *client,
                          const struct message *message, const struct recipient *recipient);

/* A rule of header_checks or body_checks that fired: "QUEUEID: WHAT: PLACE EXCERPT from host[addr];
 * rule=FILE:LINE from=<a> to=<b> helo=<c>: TEXT". */
struct decision_content {
    const char *what;    /* Postfix's word: reject, warning, info, prepend, replace, strip … */
    const char *place;   /* header, body */
    const char *excerpt; /* of the header or line, printable */
    const char *text;    /* "": none */
    const struct rule_ref *rule;
};
void decision_log_content(const struct decision_content *content, const struct client *client,
                          const struct message *message);

#endif
