/* site - what Postfix's configuration says about this host: networks, destinations, addresses */
/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TAMIS_SITE_H
#define TAMIS_SITE_H

#include "address.h"
#include "interfaces.h"
#include "match.h"
#include "settings.h"

/* Part of a policy: immutable, asked by any number of threads. Texts are those of the settings,
 * which must outlive it. */
struct site {
    const char *myhostname, *mydomain;
    const char *myorigin; /* a domain; of myorigin = /FILE the first word there */
    const char *recipient_delimiter;
    const char *null_access_lookup_key;
    bool access_parents; /* access tables are asked for `dom`, not `.dom`, as parent (preset) */
    bool smtputf8;
    bool knows_destinations; /* false: reject_unauth_destination would refuse everything */

    struct match_list *mynetworks;
    struct match_list *mydestination, *virtual_alias_domains, *virtual_mailbox_domains;
    struct match_list *relay_domains;
    struct interfaces own;   /* inet_interfaces */
    struct interfaces proxy; /* proxy_interfaces */
    struct arena *arena;
};

/* Never NULL. What main.cf says and tamis cannot use is a warning that names the restrictions which
 * it affects, the same in milter.conf an error. May block for files, and for DNS if inet_interfaces
 * holds names. */
struct site *site_new(const struct settings *settings, struct tables *tables,
                      struct problems *problems);
void site_free(struct site *site); /* NULL is allowed */

/* permit_mynetworks: the client by its verified name (may be empty) and address. */
enum match_result site_is_our_client(const struct site *site, struct slice name,
                                     const struct addr *addr, struct arena *arena);

/* permit_inet_interfaces: one of our own addresses? */
bool site_is_own_address(const struct site *site, const struct addr *addr);

/* permit_auth_destination and its like: does mail for this domain end here, or is it relayed? The
 * domain may be an address literal ("[192.0.2.1]"). MATCH_ERROR: a table cannot be asked. */
enum match_result site_is_destination(const struct site *site, struct slice domain,
                                      struct arena *arena);

/* An address whose key was derived (address_read returned false), as trivial-rewrite resolves it
 * with its presets: a domain of this host's own is taken off as long as the user says where to send
 * it on, so that `user%dom@here`, `dom!user@here` and `user@dom@here` have the key user@dom. */
void site_resolve(const struct site *site, struct address *address, struct arena *arena);

/* The same without relay_domains: is it delivered here, or an alias of what is? */
enum match_result site_is_final_destination(const struct site *site, struct slice domain,
                                            struct arena *arena);

/* The files named inside the lists, for the watch on changes; those of tables are not among them.
 */
void site_each_file(const struct site *site, void (*visit)(const char *path, void *arg), void *arg);

#endif
