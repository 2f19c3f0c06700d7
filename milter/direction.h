/* direction - whether a message comes in or goes out: the parameter `outgoing` */
/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TAMIS_DIRECTION_H
#define TAMIS_DIRECTION_H

#include "match.h"
#include "message.h"

struct directions;

/* Reads a list of sasl_authenticated, mynetworks, local_submission, daemon_name:NAME, daemon_port:N
 * and networks, each also with `!` in front; the first that fits decides, none: incoming. NULL and
 * problems when a word is none of these. Everything lives in `arena` and, for mynetworks, with the
 * site. */
const struct directions *directions_parse(const char *text, struct where at,
                                          const struct match_list *mynetworks, struct arena *arena,
                                          struct problems *problems);

/* What is known now decides; `login` may be "" (before MAIL, or without login). */
enum direction direction_of(const struct directions *directions, const struct client *client,
                            const char *login, struct arena *arena);

/* Does one of the networks that the list itself names hold the client, and none with `!` in front?
 * mynetworks is not looked at. */
bool directions_list_client(const struct directions *directions, const struct client *client);

#endif
