/* 5-cmd-log - tamis log: what it prints, and how it ends */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "cmd.h"
#include "logged.h"
#include "tap.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static const char *path;
static char output[65536];

struct running {
    pid_t pid;
    int fd;
};

/* Starts tamis log; arguments up to NULL. */
static struct running start(char *const *arguments)
{
    struct running r;
    int fds[2], argc = 0;
    char *argv[16];

    argv[argc++] = xstrdup("log");
    argv[argc++] = xstrdup("--file");
    argv[argc++] = xstrdup(path);
    while (*arguments != NULL)
        argv[argc++] = *arguments++;
    argv[argc] = NULL;
    fflush(stdout);
    if (pipe(fds) != 0 || (r.pid = fork()) < 0)
        die("cannot fork");
    if (r.pid == 0) {
        dup2(fds[1], STDOUT_FILENO);
        dup2(fds[1], STDERR_FILENO);
        close(fds[0]);
        close(fds[1]);
        exit(cmd_log(argc, argv));
    }
    close(fds[1]);
    r.fd = fds[0];
    for (int i = 0; i < 3; i++)
        free(argv[i]);
    return r;
}

static int finish(struct running *r)
{
    int status;

    close(r->fd);
    waitpid(r->pid, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* Reads up to the end, or until so many lines have come. */
static const char *read_lines(struct running *r, int lines)
{
    size_t len = 0;

    while (lines > 0 && len < sizeof(output) - 1 && read(r->fd, output + len, 1) == 1)
        lines -= output[len++] == '\n';
    output[len] = '\0';
    return output;
}

#define ARGS(...) ((char *[]){__VA_ARGS__, NULL})

static int log_with(char **arguments)
{
    struct running r = start(arguments);

    read_lines(&r, 1000);
    return finish(&r);
}

static char text_reject[] = "--reject", text_from[] = "--from", text_rcpt[] = "--rcpt",
            text_client[] = "--client", text_json[] = "--json", text_n[] = "-n", text_f[] = "-f",
            one[] = "1", zero[] = "0", pattern[] = "S1@*", part[] = "x@here", none[] = "*nobody*",
            client[] = "192.0.2.1", wrong[] = "--wrong";

static struct entry *refused_entry(int number)
{
    struct entry *entry = logged_entry(number);
    struct message *m = entry->message;
    struct address second = {"<x@here.example>", "x@here.example", "x@here.example"};

    message_add_recipient(m, &second);
    m->queue_id = "";
    m->verdict = (struct verdict){.act = ACT_REJECT,
                                  .stage = STAGE_DATA,
                                  .code = 554,
                                  .dsn = "5.7.1",
                                  .text = "no \xc3\xa9 \xc2\x9b[31m",
                                  .enforced = number % 2 == 0,
                                  .rule = {{"rules/client", 3}, "x REJECT"}};
    entry->action = ENTRY_REJECT;
    return entry;
}

static void fill(void)
{
    struct journal *j = logged_open(path);

    logged_offer(j, 0, 2);
    journal_offer(j, refused_entry(2));
    journal_offer(j, refused_entry(3));
    journal_close(j);
}

static const char accepted_line[] =
    "2023-11-14 22:13:20 Q1 incoming accept - mail.example[192.0.2.1] <s1@sender.example> -> "
    "r@here.example -\n";
static const char refused_line[] =
    "2023-11-14 22:13:20 NOQUEUE incoming would-reject 554 mail.example[192.0.2.1] "
    "<s3@sender.example> -> r@here.example,x@here.example rules/client:3 5.7.1 no \xc3\xa9 ??[31m\n";

static void test_lines(void)
{
    tap_is_int(log_with(ARGS(text_from, pattern)), 0, "exit status");
    tap_is(output, accepted_line, "a line; case does not matter");
    log_with(ARGS(text_n, one));
    tap_is(output, refused_line, "the newest; not enforced; no control characters");
    log_with(ARGS(text_reject, text_rcpt, part, text_client, client));
    tap_ok(strstr(output, "Q1") == NULL && strstr(output, " reject 554 ") != NULL &&
               strstr(output, " would-reject 554 ") != NULL, "filters");
    log_with(ARGS(text_rcpt, none));
    tap_is(output, "", "nothing matches");
    log_with(ARGS(text_json, text_from, pattern));
    tap_is(
        output,
        "{\"id\":512389598416994304,\"time\":\"2023-11-14 22:13:20\",\"queue_id\":\"Q1\","
        "\"message_id\":\"<1@sender.example>\",\"direction\":\"incoming\",\"client_name\":"
        "\"mail.example\",\"client_addr\":\"192.0.2.1\",\"helo\":\"mail.example\",\"login\":null,"
        "\"sender\":\"s1@sender.example\",\"recipients\":\"r@here.example\",\"stage\":"
        "\"END-OF-MESSAGE\",\"action\":\"accept\",\"enforced\":1,\"code\":null,\"dsn\":null,"
        "\"text\":null,\"file\":null,\"line\":null,\"rule_text\":null,\"ms\":2.5,\"held\":0,"
        "\"redirected\":null}\n",
        "JSON");
}

static void test_errors(void)
{
    const char *kept = path;

    tap_is_int(log_with(ARGS(wrong)), 64, "wrong use");
    path = "/nonexistent/log.db";
    tap_is_int(log_with(ARGS(text_json)), 66, "no log");
    tap_is(output,
           "tamis log: /nonexistent/log.db: no log there; the filter makes it when it starts\n",
           "says what to do");
    path =
        tap_file("text", "no database at all, but a text that is long enough for a header or so\n"
                         "no database at all, but a text that is long enough for a header or so\n");
    tap_is_int(log_with(ARGS(text_json)), 66, "no database");
    path = kept;
}

/* Of which a reader that opens it sees the same version as of the one before. */
static void put_another(int number)
{
    static const char *const suffixes[] = {"-wal", "-shm", ""};
    char *other = xasprintf("%s.other", path);
    struct journal *j = logged_open(other);

    logged_offer(j, number, 1);
    journal_close(j);
    for (size_t i = 0; i < ARRAY_LEN(suffixes); i++) {
        char *from = xasprintf("%s%s", other, suffixes[i]);
        char *to = xasprintf("%s%s", path, suffixes[i]);

        rename(from, to);
        free(from);
        free(to);
    }
    free(other);
}

static void test_replaced(void)
{
    struct running r = start(ARGS(text_f, text_n, one));

    read_lines(&r, 1);
    usleep(600000); /* it may have looked twice; if not, this shows nothing */
    put_another(11);
    tap_ok(strstr(read_lines(&r, 1), " Q11 ") != NULL, "follow: another file, with a row already");
    kill(r.pid, SIGTERM);
    tap_is_int(finish(&r), 0, "ends");
}

static void test_follow(void)
{
    struct running r = start(ARGS(text_f, text_n, one));
    struct journal *j;
    char moved[600];

    tap_is(read_lines(&r, 1), refused_line, "follow: what was there");
    j = logged_open(path);
    logged_offer(j, 7, 1);
    tap_ok(strstr(read_lines(&r, 1), " Q7 ") != NULL, "follow: what comes");
    snprintf(moved, sizeof(moved), "%s.old", path);
    rename(path, moved);
    logged_offer(j, 8, 1);
    tap_ok(strstr(read_lines(&r, 1), " Q8 ") != NULL, "follow: a new file");
    snprintf(moved, sizeof(moved), "%s-shm", path);
    if (truncate(moved, 0) == 0)
        logged_offer(j, 9, 1);
    tap_ok(strstr(read_lines(&r, 1), " Q9 ") != NULL, "follow: -shm is cut short");
    if (unlink(moved) == 0)
        logged_offer(j, 10, 1);
    tap_ok(strstr(read_lines(&r, 1), " Q10 ") != NULL, "follow: -shm is another");
    kill(r.pid, SIGTERM);
    tap_is_int(finish(&r), 0, "TERM ends it");
    r = start(ARGS(text_f, text_n, one));
    read_lines(&r, 1);
    kill(r.pid, SIGINT);
    tap_is_int(finish(&r), 0, "INT, too");
    r = start(ARGS(text_f, text_n, zero));
    tap_is_int(finish(&r), 0, "a reader that goes away, without a line being written");
    journal_close(j);
}

int main(void)
{
    char name[512];

    tap_start(60);
    snprintf(name, sizeof(name), "%s/log.db", tap_dir());
    path = name;
    fill();
    test_lines();
    test_errors();
    test_follow();
    test_replaced();
    return tap_done();
}
