/* explain_advise - what to write to allow or refuse it next time; where else to look */
/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TAMIS_EXPLAIN_ADVISE_H
#define TAMIS_EXPLAIN_ADVISE_H

#include "explain_again.h"

/* Adds to e->advice: "next", a line for a table or list that was tried on this mail; "elsewhere",
 * what to look for in the mail server's own log. again NULL: the policy is not known. */
void explain_advise(struct explanation *e, struct explain_again *again);

#endif
