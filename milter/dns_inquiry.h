/* dns_inquiry - the lookups of one transaction: each question asked once, none waited for long */
/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TAMIS_DNS_INQUIRY_H
#define TAMIS_DNS_INQUIRY_H

#include "dns.h"

/* One thread at a time. What it has learnt stays as it is for its whole life, whatever the TTL.
 * When the answers take too much memory, all that is not known yet is DNS_TEMPERROR. */
struct dns_inquiry;

/* The dns must outlive it. */
struct dns_inquiry *dns_inquiry_new(struct dns *dns);
void dns_inquiry_free(struct dns_inquiry *inquiry); /* never waits; NULL is allowed */

/* The answer, which lives as long as the inquiry. NULL when it is yet to come: it is on its way
 * then, and is what dns_inquiry_wait waits for. */
const struct dns_answer *dns_inquiry_find(struct dns_inquiry *inquiry,
                                          const struct dns_question *question);

/* Waits for the first answer that was missing since dns_inquiry_fresh, at most until `until_us`. */
void dns_inquiry_wait(struct dns_inquiry *inquiry, uint64_t until_us);
void dns_inquiry_fresh(struct dns_inquiry *inquiry);

/* From now on what is missing is DNS_TEMPERROR, "timeout", or again not. */
void dns_inquiry_late(struct dns_inquiry *inquiry, bool late);

/* Every question so far in turn, with its answer (NULL: none yet): for whoever wants to see
 * them. */
void dns_inquiry_each(const struct dns_inquiry *inquiry,
                      void (*visit)(const struct dns_question *question,
                                    const struct dns_answer *answer, void *arg),
                      void *arg);

#endif
