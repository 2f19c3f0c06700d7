/* address - envelope addresses: as the MTA passed them, as people read them, as tables want them */
/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TAMIS_ADDRESS_H
#define TAMIS_ADDRESS_H

#include "message.h"

/* Fills in an address from an envelope argument ("<user@dom>", "user@dom", "<@relay:user@dom>", `"a
 * b"@dom`, "<>", ""; RFC 5321 sections 4.1.1.2, 4.1.1.3). `resolved` is the MTA's own resolved form
 * ({mail_addr}, {rcpt_addr}), from which the key is taken; NULL, empty, or a user alone where the
 * argument has a domain: the key is derived as Postfix's trivial-rewrite does, an address without
 * domain gets @myorigin; false is returned, and site_resolve() may know more. Everything is copied
 * into `arena`; control characters in the text become '?'. */
bool address_read(struct address *address, const char *arg, const char *resolved,
                  const char *myorigin, struct arena *arena);

/* `site!user` and `user%site`, in a text without @, become `user@site`, in place: Postfix's
 * swap_bangpath and allow_percent_hack. False: it is neither. */
bool address_swap_route(char *text);

/* Was it sent as strict_rfc821_envelopes wants: within <>, without a comment or a group, and with a
 * user in front of the @? What the MTA itself refuses is not looked for. */
bool address_is_strict(const struct address *address);

/* Does the key's local part say where to send it on (`user%dom@there`, `dom!user@there`,
 * `user@dom@there`)? Such recipients are never permitted by a table's OK. A source route
 * (`@relay:user@dom`) is none: it was taken off. */
bool address_is_routed(const struct address *address);

/* The domain behind the last @; empty when there is none. */
struct slice address_domain(const char *address);

/* The local part is quoted if RFC 5321 wants it so; returns `address` itself when nothing
 * changes. */
const char *address_quote(const char *address, struct arena *arena);

/* The offset in `address` of the extension's delimiter (user+ext@dom) by Postfix's rules for
 * recipient_delimiter; 0: no extension. */
size_t address_extension(const char *address, const char *delimiters);

/* RFC 1123 host name as Postfix's valid_hostname, and an address literal's inside as
 * valid_mailhost_addr ("192.0.2.1", "IPv6:2001:db8::1"). */
bool is_hostname(struct slice name);
bool is_mailhost_literal(struct slice literal);

#endif
