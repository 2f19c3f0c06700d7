/* pid_file - a file for the number of the process */
/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TAMIS_PID_FILE_H
#define TAMIS_PID_FILE_H

#include "rights.h"

/* In two steps: only root may be able to open it, but what is in it stays that of the filter which
 * runs, until it is known that this one will. Trouble is logged and stops nothing.
 *
 * pid_file_open makes the file if need be, and `rights` (NULL: nobody's) its owner; what is in it
 * stays. The directory may be the service user's, who could have put anything there: a link, of
 * either kind, or a FIFO is left alone. The descriptor; -1: none, or `path` is empty.
 *
 * pid_file_close takes it back (-1 is allowed), and if `wanted` writes our number into it first. */
int pid_file_open(const char *path, const struct rights *rights);
void pid_file_close(const char *path, int fd, bool wanted);

#endif
