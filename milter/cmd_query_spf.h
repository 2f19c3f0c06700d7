/* cmd_query_spf - `tamis query spf`: may this client send mail for that domain? */
/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TAMIS_CMD_QUERY_SPF_H
#define TAMIS_CMD_QUERY_SPF_H

/* The subcommand with the word `spf` taken out of argv. Returns the exit status. May block as long
 * as stage_time_limit says. */
int query_spf(int argc, char **argv);

#endif
