/* cmd - the subcommands: one function each, one row each in main.c's table */
/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TAMIS_CMD_H
#define TAMIS_CMD_H

/* Each takes its own name as argv[0] and returns the exit status (sysexits(3), or what the
 * subcommand's manual page says). */
int cmd_check(int argc, char **argv);
int cmd_conf(int argc, char **argv);
int cmd_dkim(int argc, char **argv);
int cmd_explain(int argc, char **argv);
int cmd_log(int argc, char **argv);
int cmd_milter(int argc, char **argv);
int cmd_postfix(int argc, char **argv);
int cmd_query(int argc, char **argv);
int cmd_reload(int argc, char **argv);
int cmd_report(int argc, char **argv);
int cmd_replay(int argc, char **argv);
int cmd_rollback(int argc, char **argv);
int cmd_shadow(int argc, char **argv);
int cmd_status(int argc, char **argv);
int cmd_test(int argc, char **argv);

#endif
