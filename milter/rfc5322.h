/* rfc5322 - the mailboxes in a header field, however they are written */
/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TAMIS_RFC5322_H
#define TAMIS_RFC5322_H

#include "arena.h"
#include "base.h"

/* One mailbox. Quotes, backslashes and comments are gone from the local part, case is as written;
 * the domain is in lower case, with A-labels, or an address literal with its [ ]. */
struct mailbox {
    const char *local, *domain;
};

/* Reads the value of a From field or the like: an address-list (RFC 5322, 3.4; groups as RFC
 * 6854 allows; the obsolete forms of 4.4: routes, comments and blanks between words, empty
 * elements). Accepted besides: 8-bit text, any other visible character in a display name, dots
 * anywhere in a local part. Folds may be "\n" or "\r\n". Encoded words are text like any other.
 * Returns how many mailboxes there are, of which the first `max` are in `list`; -1 when the text
 * is malformed, when a display name holds an @ outside of quotes, or a domain is none: then *why
 * says so. Everything is in the arena. Any bytes; takes time in proportion to the length. */
int mailboxes_read(const char *text, struct mailbox *list, size_t max, struct arena *arena,
                   const char **why);

/* The same of a text that is one mailbox and leaves no doubt which: no list, no group, no route, no
 * empty element; no blank in the domain and no dot behind it. */
bool mailbox_read(const char *text, struct mailbox *mailbox, struct arena *arena,
                  const char **why);

#endif
