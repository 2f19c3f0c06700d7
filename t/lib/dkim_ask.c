/* dkim_ask - DKIM for a script: keys and mails come in, results go out */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "dkim_world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "eml.h"

/* Standard input: lines "key NAME TXT…" and "mail LENGTH SEED NOW", the latter followed by the
 * mail. Standard output: a line for each mail: "result/why" of each signature, tabs between them.
 * With the argument "keys": an RSA key as PEM and its p=, an Ed25519 seed and its p=, each behind a
 * line that begins with "=". */
enum { LINE_SIZE = 65536, ALARM = 300 };

static struct dkim_test_mail mail;
static struct arena *arena;

static void on_header(void *arg, const char *name, const char *value)
{
    (void)arg;
    dkim_test_field(&mail, arena_strdup(arena, name), arena_strdup(arena, value));
}

static void on_body(void *arg, const char *data, size_t len)
{
    char *body = arena_alloc(arena, mail.body_len + len + 1);

    (void)arg;
    if (mail.body_len > 0)
        memcpy(body, mail.body, mail.body_len);
    memcpy(body + mail.body_len, data, len);
    mail.body = body;
    mail.body_len += len;
}

static void read_mail(size_t len)
{
    struct eml_events events = {.header = on_header, .body = on_body};
    char *text = xmalloc(len + 1);

    if (fread(text, 1, len, stdin) != len)
        die("a mail is cut short");
    mail.count = 0;
    mail.body = "";
    mail.body_len = 0;
    eml_parse(text, len, &events);
    free(text);
}

static void print_verdict(const struct dkim_verdict *verdict)
{
    for (size_t i = 0; i < verdict->count; i++)
        printf("%s%s/%s", i > 0 ? "\t" : "", dkim_result_name(verdict->signature[i].result),
               verdict->signature[i].why != NULL ? verdict->signature[i].why : "");
    putchar('\n');
}

int main(int argc, char **argv)
{
    static char line[LINE_SIZE];
    struct dkim_limits limits = {0};
    unsigned long len;
    long now;

    alarm(ALARM);
    if (argc > 1 && strcmp(argv[1], "keys") == 0) {
        printf("=\n%s=\n%s\n=\n%s\n=\n%s\n", dkim_test_private(KEY_2048),
               dkim_test_public(KEY_2048), dkim_test_private(KEY_ED25519),
               dkim_test_public(KEY_ED25519));
        return 0;
    }
    while (fgets(line, sizeof(line), stdin) != NULL) {
        char *txt;

        line[strcspn(line, "\n")] = '\0';
        if (sscanf(line, "mail %lu %u %ld", &len, &mail.seed, &now) == 3) {
            arena = arena_new();
            limits.now = now;
            read_mail(len);
            print_verdict(dkim_test_verify(&mail, &limits, arena));
            arena_free(arena);
        } else if (strncmp(line, "key ", 4) == 0 && (txt = strchr(line + 4, ' ')) != NULL) {
            *txt++ = '\0';
            dkim_test_txt(&mail, xstrdup(line + 4), xstrdup(txt)); /* as long as the process */
        } else {
            die("what is \"%s\"?", line);
        }
    }
    return 0;
}
