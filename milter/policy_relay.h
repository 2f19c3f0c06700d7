/* policy_relay - clients that a table let relay until its list moved out of main.cf */
/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TAMIS_POLICY_RELAY_H
#define TAMIS_POLICY_RELAY_H

#include "policy.h"

/* Warns of tables of clients and logins in front of reject_unauth_destination that main.cf, where
 * one was read, does not name: Postfix refuses to relay before tamis is asked. */
void policy_check_relay(const struct policy *policy, struct problems *problems);

#endif
