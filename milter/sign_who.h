/* sign_who - may this message be signed, and for which domain? */
/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TAMIS_SIGN_WHO_H
#define TAMIS_SIGN_WHO_H

#include "message.h"
#include "site.h"
#include "table.h"

/* What decides. All of it is the caller's. */
struct sign_scene {
    const struct site *site;
    const struct table *senders; /* signing_senders; NULL: not set */
    const struct client *client;
    const struct message *message;  /* direction and login */
    const char *const *from;        /* the values of all From fields, as they will be delivered */
    size_t from_count;
};

/* Texts live in the arena. */
struct sign_who {
    bool may;
    const char
        *address; /* of the author, for keys_select: case folded, domain in A-labels; or NULL */
    const char *domain;  /* its domain; NULL with address */
    const char *why; /* not NULL exactly if outgoing mail may not be signed: printable, for the log:
                      * "dkim: not signed: login alice@example.org, From example.net" */
};

/* Only outgoing mail, with one From field that holds one address (RFC 5322, 3.6.2, allows more, but
 * then nobody can say who signs). Somebody who is logged in must own the address: the table, asked
 * as smtpd_sender_login_maps is (user+ext@dom, user@dom, user where dom is ours, @dom; then dom),
 * names the login among others; without a table user@dom owns dom, and a login without @ owns
 * mydomain, myorigin and mydestination. Without login the client must be local (sendmail(1)) or in
 * mynetworks or in a network that `outgoing` lists: `listed` says so. Whether there is a key for
 * the domain is keys_select's to say. Any thread; does not block. */
void sign_who(const struct sign_scene *scene, bool listed, struct arena *arena,
              struct sign_who *who);

#endif
