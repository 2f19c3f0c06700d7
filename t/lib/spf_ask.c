/* spf_ask - SPF for a script: a world and questions come in, answers go out */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "escaped.h"
#include "spf_world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { FIELDS = 5, LINE_SIZE = 65536 };

/* The fields are separated by tabs, and escaped. */
static void answer(struct spf_world *w, char *const field[FIELDS])
{
    struct spf_question q = {.receiver = "receiver.example", .time = 1000000000};
    struct spf_dns dns = spf_world_dns(w);
    struct arena *arena = arena_new();
    struct spf_answer a;

    q.identity = strcmp(field[1], "helo") == 0 ? SPF_HELO : SPF_MAILFROM;
    q.sender = field[2];
    q.helo = field[3];
    if (!addr_parse(slice_of(field[4]), &q.client))
        die("no address: %s", field[4]);
    spf_evaluate(&q, &dns, arena, &a);
    printf("%s\t%s\t%s\n", spf_result_name(a.result), a.explanation != NULL ? a.explanation : "",
           a.why);
    arena_free(arena);
}

/* "rr NAME TYPE VALUE", "ask mailfrom|helo SENDER HELO ADDRESS" */
int main(void)
{
    static char line[LINE_SIZE];
    struct spf_world w = {0};

    alarm(60);
    while (fgets(line, sizeof(line), stdin) != NULL) {
        char *field[FIELDS], *rest = line, *next;
        size_t len = 0;
        int n = 0;

        line[strcspn(line, "\n")] = '\0';
        while (n < FIELDS && (next = strsep(&rest, "\t")) != NULL) {
            field[n++] = next;
            len = escaped_read(next);
        }
        if (n == 4 && strcmp(field[0], "rr") == 0)
            spf_world_add(&w, field[1], field[2], field[3], len);
        else if (n == 5 && strcmp(field[0], "ask") == 0)
            answer(&w, field);
        else
            die("cannot read: %s", field[0]);
    }
    spf_world_free(&w);
    return 0;
}
