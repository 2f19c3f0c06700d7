/* question - the texts of questions to the world and of their answers: written, and read again */
/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TAMIS_QUESTION_H
#define TAMIS_QUESTION_H

#include "dns.h"
#include "spf.h"

/* A question is words with one blank between: its kind first, then what it is about. Equal
 * questions have equal texts. A word never holds a blank: bytes that are no printable ASCII, blanks
 * and backslashes are `\DDD`, and a word without any bytes is "<>". All texts come from the arena.
 *
 *   dns TYPE NAME               as dns_question_text writes it
 *   rbl ZONE ADDRESS|DOMAIN     the A records of a list, and its TXT if there are any
 *   spf mailfrom|helo SENDER ADDRESS HELO
 */
const char *question_word(const char *text, struct arena *arena);

/* Splits off the next word, as it was before question_word. False at the end, or when the text was
 * not written by question_word. */
bool question_take(struct slice *rest, struct arena *arena, const char **word);

/* Domains are asked for as A-labels. */
const char *question_rbl(const char *zone, const char *what, struct arena *arena);

/* `sender` without < >, "" for the null sender. The sender of an identity `helo` is not part of the
 * question: it is "<>". */
const char *question_spf(enum spf_identity identity, const char *sender, const struct addr *client,
                         const char *helo, struct arena *arena);
/* False when it is no such question. The texts are in the arena. */
bool question_spf_read(const char *question, struct arena *arena, struct spf_question *q);

/* What dns_answer_text wrote; the ttl is 0. False when it is no such text. */
bool dns_answer_read(const char *text, enum dns_type type, struct arena *arena,
                     struct dns_answer *answer);

/* "fail domain=d.example term=-all why=\"…\"": the result, then what is not NULL, in quotes where
 * it is not a plain word; lookups and limits as terms=, voids=, lookups=. */
const char *spf_answer_text(const struct spf_answer *answer, struct arena *arena);
bool spf_answer_read(const char *text, struct arena *arena, struct spf_answer *answer);

/* The answer of a list: DNS_FOUND with its A records and their TXT, as one answer each. */
struct rbl_answer {
    struct dns_answer a;
    struct dns_answer txt; /* DNS_NODATA when it was not asked for */
};

/* "127.0.0.2, 127.0.0.4; \"a reason\""; without records as dns_answer_text. */
const char *rbl_answer_text(const struct rbl_answer *answer, struct arena *arena);
bool rbl_answer_read(const char *text, struct arena *arena, struct rbl_answer *answer);

/* What a list says with this address when it says nothing about what it was asked: "refuses
 * queries through public resolvers" and the like (127.255.255.252 and its neighbours, 127.0.0.1,
 * all outside 127.0.0.0/8). NULL: a listing. */
const char *rbl_error(const struct addr *addr);

#endif
