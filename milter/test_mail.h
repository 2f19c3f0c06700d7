/* test_mail - one mail file through the engine: every step, every answer, every edit */
/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TAMIS_TEST_MAIL_H
#define TAMIS_TEST_MAIL_H

#include "policy.h"
#include "world.h"

#include <stdio.h>

/* The envelope; NULL where nobody said anything. */
struct test_mail {
    const char *client, *helo, *login, *from;
    const char **recipients; /* malloc'd, ended by NULL; NULL: none */
    bool json;
    bool verbose; /* the lines of syslog, too; always with json */
};

/* Plays the file in that world under the published policy and prints what happened: the steps
 * with their places, the reply to each recipient and to the mail, the edits as a diff; or one
 * JSON object. Exit status (sysexits): 0 whatever the verdict, 65 when the file cannot be read,
 * 64 for a client without address. */
int test_mail_run(const struct test_mail *mail, const char *path, struct world *world,
                  FILE *out);
void test_mail_free(struct test_mail *mail);

#endif
