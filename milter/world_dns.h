/* world_dns - the world whose answers come from the DNS: the network's, or that of a zone file */
/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TAMIS_WORLD_DNS_H
#define TAMIS_WORLD_DNS_H

#include "dns_options.h"
#include "dns_zone.h"
#include "world.h"

struct world_dns_options {
    const struct dns_options *dns;
    struct dns_zone *zone; /* whom to ask, taken over; NULL: the network */
    const char *receiver;  /* our own name, for SPF's %{r} */
    uint64_t rest_us;      /* how long a block list that answered with an error is left alone */
    uint64_t spf_us;       /* how long one evaluation of SPF is waited for; 0: RFC 7208's 20 s */
};

/* Answers the questions of question.h. The options' texts must outlive the world. Nothing is opened
 * before the first question; it may be done earlier, to see that it works, but only after the last
 * fork. */
struct world *world_dns_new(const struct world_dns_options *options);
bool world_dns_open(struct world *world, struct err *err);

/* Whom it asks; NULL before it was opened. It lives as long as the world. */
struct dns *world_dns_of(struct world *world);

/* Ends every wait; from now on each question is a temporary failure. Any thread. */
void world_dns_stop(struct world *world);

/* No inquiry may be left. NULL is allowed. */
void world_dns_free(struct world *world);

/* False when nothing was asked yet. */
bool world_dns_stats(struct world *world, struct dns_stats *stats);

/* The lookups of an inquiry, with those that an SPF record asked for, in their order; an answer
 * that is NULL has not come. */
void world_dns_each(const struct inquiry *inquiry,
                    void (*visit)(const struct dns_question *question,
                                  const struct dns_answer *answer, void *arg),
                    void *arg);

#endif
