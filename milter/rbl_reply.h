/* rbl_reply - the replies to listed clients, by their templates */
/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TAMIS_RBL_REPLY_H
#define TAMIS_RBL_REPLY_H

#include "check.h"
#include "question.h"
#include "rbl.h"

/* Whether a template (postconf(5), default_rbl_reply) can be expanded, names only names that there
 * are and begins with a reply code; err says what is wrong. */
bool rbl_template_check(const char *template, struct err *err);

/* Why, in the list's own words: the first string of each TXT record with " / " between, 500 bytes
 * at most, what is not printable as blanks. "" when it says nothing. From the arena. */
const char *rbl_reason(const struct dns_answer *txt, struct arena *arena);

/* The refusal of `what` (an address, name or mail address) as Postfix words it: the template of
 * rbl_reply_maps for the site, else default_rbl_reply. `class` as in struct subject. */
struct outcome rbl_reply(const struct scene *scene, const struct rbl_site *site, const char *what,
                         const char *class, const char *reason);

#endif
