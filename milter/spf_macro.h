/* spf_macro - macro strings of SPF records and explanations (RFC 7208, 7) */
/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TAMIS_SPF_MACRO_H
#define TAMIS_SPF_MACRO_H

#include "arena.h"
#include "net.h"

enum spf_macro_place {
    SPF_IN_TERM,        /* domain-spec: no blanks, no c, r, t */
    SPF_IN_MODIFIER,    /* an unknown modifier: no blanks */
    SPF_IN_EXPLANATION  /* explain-string */
};

/* What the letters stand for. Texts are not NULL. ptr_name, asked only for %{p}, gives the
 * validated name of the client or "unknown". */
struct spf_macros {
    const char *sender, *local, *sender_domain, *domain, *helo, *receiver;
    struct addr client;
    int64_t time;
    const char *(*ptr_name)(void *ctx, const char *domain);
    void *ctx;
};

/* Whether every byte of the text is of the grammar. *tail is where the literal text behind the last
 * macro starts (0 without macros). */
bool spf_macro_check(struct slice text, enum spf_macro_place place, size_t *tail);

/* A checked text, expanded; from the arena. NULL if it gets longer than 8192 bytes or has a NUL. */
const char *spf_macro_expand(struct slice text, const struct spf_macros *macros,
                             struct arena *arena);

/* The same for a domain-spec: one dot at the end taken off, labels taken off at the left until it
 * fits (7.3). NULL when it is no name that DNS can be asked for. */
const char *spf_macro_domain(struct slice text, const struct spf_macros *macros,
                             struct arena *arena);

/* Labels of 1 to 63 bytes, 1 to 253 altogether, without a dot at the end. */
bool spf_name_is_usable(const char *name);

/* "4.3.2.1" reversed or nibbles: as %{ir}, in front of ".in-addr.arpa", ".ip6.arpa". */
const char *spf_reverse_name(const struct addr *client, struct arena *arena);

#endif
