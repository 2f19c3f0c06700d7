/* tap - the Test Anything Protocol for C tests */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "tap.h"

#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int tests, failures;
static char dir[256];

void tap_start(unsigned seconds)
{
    setvbuf(stdout, NULL, _IOLBF, 0);
    alarm(seconds);
}

static bool PRINTF_LIKE(2, 0) result(bool passed, const char *fmt, va_list ap)
{
    printf("%sok %d - ", passed ? "" : "not ", ++tests);
    vprintf(fmt, ap);
    putchar('\n');
    failures += !passed;
    return passed;
}

bool tap_ok(bool passed, const char *name, ...)
{
    va_list ap;

    va_start(ap, name);
    result(passed, name, ap);
    va_end(ap);
    return passed;
}

bool tap_is(const char *got, const char *want, const char *name, ...)
{
    bool same = got == want || (got != NULL && want != NULL && strcmp(got, want) == 0);
    va_list ap;

    va_start(ap, name);
    result(same, name, ap);
    va_end(ap);
    if (!same)
        tap_diag("     got: %s\n#    want: %s", got != NULL ? got : "(null)",
                 want != NULL ? want : "(null)");
    return same;
}

bool tap_is_int(long long got, long long want, const char *name, ...)
{
    va_list ap;

    va_start(ap, name);
    result(got == want, name, ap);
    va_end(ap);
    if (got != want)
        tap_diag("     got: %lld\n#    want: %lld", got, want);
    return got == want;
}

void tap_diag(const char *fmt, ...)
{
    va_list ap;

    fputs("# ", stdout);
    va_start(ap, fmt);
    vprintf(fmt, ap);
    va_end(ap);
    putchar('\n');
}

void tap_skip_all(const char *why)
{
    printf("1..0 # SKIP %s\n", why);
    exit(0);
}

static int remove_entry(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
    (void)st, (void)flag, (void)ftw;
    return remove(path);
}

int tap_done(void)
{
    printf("1..%d\n", tests);
    if (dir[0] != '\0')
        nftw(dir, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
    return failures ? 1 : 0;
}

const char *tap_dir(void)
{
    const char *tmp = getenv("TMPDIR");

    if (dir[0] == '\0') {
        snprintf(dir, sizeof(dir), "%s/tamis-t.XXXXXX", tmp != NULL ? tmp : "/tmp");
        if (mkdtemp(dir) == NULL)
            die("%s: %s", dir, strerror(errno));
    }
    return dir;
}

const char *tap_path(const char *name)
{
    static char paths[8][512];
    static int next;
    char *path = paths[next++ % 8];

    snprintf(path, sizeof(paths[0]), "%s/%s", tap_dir(), name);
    return path;
}

const char *tap_file_bytes(const char *name, const void *data, size_t len)
{
    const char *path = tap_path(name);
    FILE *f = fopen(path, "w");

    if (f == NULL || fwrite(data, 1, len, f) != len || fclose(f) != 0)
        die("%s: %s", path, strerror(errno));
    return path;
}

const char *tap_file(const char *name, const char *text)
{
    return tap_file_bytes(name, text, strlen(text));
}
