/* cmd_log - tamis log: the decisions, one line each, also as they come */
/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TAMIS_CMD_LOG_H
#define TAMIS_CMD_LOG_H

/* Prints to standard output; the exit status: 0, 64 wrong use, 66 the log cannot be read. */
int cmd_log(int argc, char **argv);

#endif
