/* front_milter - libmilter's callbacks: the MTA's events go to the session, verdicts back */
/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TAMIS_FRONT_MILTER_H
#define TAMIS_FRONT_MILTER_H

#include "room.h"
#include "session.h"

/* Where the sessions of this process ask and log. Both must outlive front_stop. */
struct front_options {
    struct world *world;
    struct journal *journal;
    struct room room; /* more connections are refused while they negotiate */
};

/* Registers the callbacks and listens at `place` (libmilter's spelling, see socket_text), before
 * any thread is started. Connections wait in the kernel until front_run. libmilter names its
 * reasons in syslog only, so check with socket_claim first. */
bool front_listen(const char *place, struct err *err);

/* Serves until the process ends, in the calling thread (smfi_main). True never comes; false:
 * libmilter gave up. Call once, after front_listen. */
bool front_run(const struct front_options *options);

/* From now on new connections are refused while they negotiate, so that the MTA does what its
 * configuration says of a filter that is away (Postfix: milter_default_action). Any thread. */
void front_drain(void);

unsigned front_connections(void); /* open now */
unsigned front_messages(void); /* transactions under way: after MAIL, before the end of message */

/* Ends the work of callbacks: those that come are answered with a temporary failure and touch
 * nothing. False when after wait_us some callback is still running, so that what it uses must
 * not be freed. */
bool front_stop(uint64_t wait_us);

#endif
