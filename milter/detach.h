/* detach - becomes a daemon whose starter waits until it is ready */
/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TAMIS_DETACH_H
#define TAMIS_DETACH_H

#include "base.h"

/* Forks; before the first thread. In the child it returns true. The parent stays here until the
 * child calls detach_ready or ends, and exits with 0 or the child's status. False with err set:
 * no fork. */
bool detach(struct err *err);

/* In the child: ready. Standard input, output and error become /dev/null. Nothing without
 * detach. */
void detach_ready(void);

#endif
