/* cmd - the subcommands of tamis: one file each */
/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TAMIS_CMD_H
#define TAMIS_CMD_H

/* argv[0] is the subcommand's name; the result is the exit status (sysexits.h). */
int cmd_postfix(int argc, char **argv);

#endif
