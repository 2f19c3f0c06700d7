/* holder - which process has a port, as far as /proc shows it */
/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TAMIS_HOLDER_H
#define TAMIS_HOLDER_H

#include "base.h"

#include <sys/socket.h>
#include <sys/types.h>

/* "opendkim (process 1234)"; only root and the owner see more than "a program of user NAME". */
void holder_of_port(const struct sockaddr_storage *addr, char *text, size_t size);
void holder_of_pid(pid_t pid, char *text, size_t size);

#endif
