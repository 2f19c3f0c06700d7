/* authres - libFuzzer: any bytes as an Authentication-Results field, and as values of ours */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "authres.h"

#include <stdlib.h>
#include <string.h>

#define ID "mx.test.example"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds)
{
    if (!holds)
        abort();
}

/* Whatever stands behind our id, the field is ours; a comment in front does not hide it. */
static void check_ours(const char *text, struct arena *arena)
{
    static const char *const starts[] = {" " ID ";", "\n\t(x) \"" ID "\" ", "(((a)b)c)" ID " "};

    authres_is_ours(text, ID);
    authres_is_ours(text, "xn--bcher-kva.example");
    for (size_t i = 0; i < ARRAY_LEN(starts); i++)
        must(authres_is_ours(arena_printf(arena, "%s%s", starts[i], text), ID));
    must(!authres_is_ours(arena_printf(arena, " mx.other.example; %s", text), ID));
}

/* What is written of strangers' bytes is printable, has its own lines only, and as many semicolons
 * and equals signs as we wrote. */
static void check_built(const char *text, struct arena *arena)
{
    struct authres_property p[] = {{"smtp", "mailfrom", text, text}, {"header", "i", text, NULL}};
    struct authres_clause c[] = {{"spf", "pass", text, text, p, 2},
                                 {"dkim", "none", NULL, NULL, p, 1}};
    const char *field = authres_build(ID, c, 2, arena);
    int semicolons = 0, equals = 0;

    must(authres_is_ours(field, ID) && strlen(field) <= AUTHRES_FIELD_MAX);
    for (const char *f = field; *f != '\0'; f++) {
        must(is_print((unsigned char)*f) || (*f == '\n' && f[1] == '\t') ||
             (*f == '\t' && f[-1] == '\n'));
        semicolons += *f == ';';
        equals += *f == '=';
        must(*f != '\\');
    }
    must(semicolons == 2 && equals >= 2 && equals <= 6);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *arena = arena_new();
    const char *text = arena_strndup(arena, (const char *)data, size);

    check_ours(text, arena);
    check_built(text, arena);
    arena_free(arena);
    return 0;
}
