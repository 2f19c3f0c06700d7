/* dns_source - where answers come from: the network, a zone file, a test */
/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TAMIS_DNS_SOURCE_H
#define TAMIS_DNS_SOURCE_H

#include "dns.h"
#include "dns_reply.h"

/* `start` gets each lookup once, on any thread, several at once; it never waits, and sees to it
 * that dns_job_done is called exactly once for it, sooner or later, on any thread (start itself
 * may). `stop` is called once: after it no answer is worked for, and all that have been started
 * are done; start may still be called, and then is done at once. `free`: nobody calls any more. */
struct dns_source {
    void *arg;
    void (*start)(void *arg, struct dns_job *job);
    void (*stop)(void *arg);
    void (*free)(void *arg);
};

/* What a job asks for; lives until dns_job_done. */
const struct dns_question *dns_job_question(const struct dns_job *job);

/* The answer, taken over. It counts from `at_us` (now_us) on: 0 is now, DNS_NEVER is when the last
 * one has stopped waiting. */
#define DNS_NEVER UINT64_MAX
void dns_job_done(struct dns_job *job, struct dns_reply *reply, uint64_t at_us);

#endif
