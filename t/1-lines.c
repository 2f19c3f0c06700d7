/* 1-lines - logical lines: continuation, comments, odd bytes, files that are none */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "buf.h"
#include "lines.h"
#include "overlay.h"
#include "tap.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* "LINE:TEXT|" for each logical line. */
static void list(struct lines *lines, struct buf *got, struct problems *problems)
{
    struct slice text;
    struct where at;

    while (lines_next(lines, &text, &at, problems)) {
        buf_addf(got, "%d:%s|", at.line, text.ptr);
        if (strlen(text.ptr) != text.len)
            buf_adds(got, "(length!)");
    }
}

static const struct {
    const char *name;
    const char *text;
    size_t len; /* 0: strlen */
    const char *want;
    const char *problem; /* "LINE:START OF TEXT" of the first problem */
} rows[] = {
    {"empty file", "", 0, "", NULL},
    {"one line without newline", "a b", 0, "1:a b|", NULL},
    {"only comments", "# a\n\n  # b\n \t\n", 0, "", NULL},
    {"reference section 2.1: one rule",
     "key1 x\nkey2 REJECT line1\n  line2\n# c\n   line3\n\n   line4\n", 0,
     "1:key1 x|2:key2 REJECT line1  line2   line3   line4|", NULL},
    {"a comment is the first non-blank only", "a b # c\n", 0, "1:a b # c|", NULL},
    {"an indented comment does not end a rule", "a\n  # c\n b\nc\n", 0, "1:a b|4:c|", NULL},
    {"a comment directly before a new rule", "a\n# c\nb\n", 0, "1:a|3:b|", NULL},
    {"tab continues", "a\n\tb\n", 0, "1:a\tb|", NULL},
    {"first line counts", "\n\n# x\na\n b\n", 0, "4:a b|", NULL},
    {"nothing to continue", " a\n b\nc d\n", 0, "3:c d|", "1:a line that starts with a blank"},
    {"nothing to continue, whole file", "  a\n", 0, "", "1:a line that starts with a blank"},
    {"trailing white space", "a b \t \n", 0, "1:a b|", NULL},
    {"CRLF, single lines", "a b\r\n\r\nc d\r\n", 0, "1:a b|3:c d|", NULL},
    {"CRLF, continued", "a b\r\n c\r\n", 0, "1:a b\r c|", "1:a carriage return inside the rule"},
    {"NUL", "a b\0c\nd e\n", 10, "1:a b|2:d e|", "1:a NUL byte"},
    {"NUL takes the continuation along", "a b\0c\n d\ne f\n", 13, "1:a b|3:e f|", "1:a NUL byte"},
    {"NUL first", "\0a\nb\n", 5, "2:b|", "1:a NUL byte"},
    {"form feed continues as white space does", "a\n\fb\n", 0, "1:a\fb|", NULL},
    {"8-bit", "\xe9 x\n\xc3\xa9 y", 0, "1:\xe9 x|2:\xc3\xa9 y|", NULL},
};

static void test_rows(void)
{
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct problems problems = {0};
        struct buf got = {0}, problem = {0};
        struct lines *lines = lines_of_text("f", rows[i].text,
                                            rows[i].len ? rows[i].len : strlen(rows[i].text));

        list(lines, &got, &problems);
        tap_is(buf_text(&got), rows[i].want, "%s", rows[i].name);
        if (problems.count > 0)
            buf_addf(&problem, "%d:%s", problems.list[0].line, problems.list[0].text);
        tap_ok(rows[i].problem != NULL ? strncmp(buf_text(&problem), rows[i].problem,
                                                 strlen(rows[i].problem)) == 0
                                       : problems.count == 0,
               "%s: %s", rows[i].name, rows[i].problem != NULL ? rows[i].problem : "no problem");
        buf_free(&got);
        buf_free(&problem);
        problems_free(&problems);
        lines_free(lines);
    }
}

static void test_strict(void)
{
    struct problems problems = {0};
    struct buf got = {0};
    struct lines *lines = lines_of_text("f", " a\nb\n", 5);

    lines_report_as(lines, SEV_ERROR);
    list(lines, &got, &problems);
    tap_ok(problems.errors == 1 && problems.warnings == 0, "strict: what is dropped is an error");
    buf_free(&got);
    problems_free(&problems);
    lines_free(lines);
}

static void cannot_read(const char *path, size_t max, const char *why)
{
    struct err err = {""};
    struct lines *lines = lines_read(path, max, &err);

    tap_ok(lines == NULL && strstr(err.text, why) != NULL && strstr(err.text, path) == err.text,
           "%s: \"%s\"", why, err.text);
    lines_free(lines);
}

/* Rights are no hindrance to root, so a child gives them up. */
static void test_unreadable(const char *path)
{
    pid_t pid;
    int status;

    chmod(path, 0600);
    chmod(tap_dir(), 0755);
    fflush(stdout);
    pid = fork();
    if (pid == 0) {
        struct err err = {""};

        if (getuid() == 0 && setuid(65534) != 0)
            _exit(3);
        if (getuid() != 65534)
            chmod(path, 0);
        if (lines_read(path, LINES_FILE_MAX, &err) != NULL)
            _exit(1);
        _exit(strstr(err.text, "make the file readable") != NULL ? 0 : 2);
    }
    tap_ok(waitpid(pid, &status, 0) == pid && status == 0, "a file without read permission");
}

static const char *find_other(void *arg, const char *path, size_t *len)
{
    (void)path;
    *len = strlen(arg);
    return arg;
}

static void *read_elsewhere(void *path)
{
    struct err err;
    struct lines *lines = lines_read(path, LINES_FILE_MAX, &err);
    struct problems problems = {0};
    struct buf *got = xcalloc(1, sizeof(*got));

    list(lines, got, &problems);
    lines_free(lines);
    problems_free(&problems);
    return got;
}

static void take(struct buf *got, const char *want, const char *name)
{
    tap_is(buf_text(got), want, "%s", name);
    buf_free(got);
    free(got);
}

static void test_overlay(void)
{
    char *path = xstrdup(tap_file("there", "a b\n")), other[] = "c d\n";
    struct overlay overlay = {.find = find_other, .arg = other};
    pthread_t thread;
    void *got = NULL;

    overlay_set(&overlay);
    take(read_elsewhere(path), "1:c d|", "a text in place of a file");
    if (pthread_create(&thread, NULL, read_elsewhere, path) == 0)
        pthread_join(thread, &got);
    take(got, "1:a b|", "which another thread reads as it is");
    overlay_set(NULL);
    take(read_elsewhere(path), "1:a b|", "as does this one later");
    free(path);
}

static void test_files(void)
{
    char path[512];
    struct problems problems = {0};
    struct buf got = {0};
    struct err err = {""};
    struct lines *lines = lines_read(tap_file("good", "a b\nc d"), LINES_FILE_MAX, &err);

    list(lines, &got, &problems);
    tap_is(buf_text(&got), "1:a b|2:c d|", "a file");
    lines_free(lines);
    buf_free(&got);
    lines = lines_read(tap_file("empty", ""), LINES_FILE_MAX, &err);
    tap_ok(lines != NULL, "an empty file can be read");
    lines_free(lines);
    snprintf(path, sizeof(path), "%s/missing", tap_dir());
    cannot_read(path, 10, "no such file");
    cannot_read(tap_dir(), 10, "is a directory");
    cannot_read("/dev/zero", 10, "is a device");
    snprintf(path, sizeof(path), "%s/fifo", tap_dir());
    mkfifo(path, 0600);
    cannot_read(path, 10, "is a FIFO");
    cannot_read(tap_file("large", "0123456789a"), 10, "11 bytes, more than the 10");
    test_unreadable(tap_file("secret", "x y\n"));
    problems_free(&problems);
}

int main(void)
{
    tap_start(30);
    test_rows();
    test_strict();
    test_files();
    test_overlay();
    return tap_done();
}
