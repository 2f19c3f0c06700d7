/* access_keys - the keys that access(5) looks up for a client, a name, an address, in order */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "access_keys.h"

#include "address.h"
#include "net.h"

#include <string.h>

static bool try_key(const struct access_keys *keys, struct slice key, bool partial)
{
    if (key.len == 0 || (partial && keys->whole_only))
        return false;
    return keys->ask(keys->arg, key);
}

static bool try_parents(const struct access_keys *keys, struct slice name)
{
    if (keys->whole_only)
        return false;
    for (;;) {
        const char *dot = name.len > 1 ? memchr(name.ptr + 1, '.', name.len - 1) : NULL;
        size_t skip;

        if (dot == NULL)
            return false;
        skip = (size_t)(dot - name.ptr) + (keys->bare_parents ? 1 : 0);
        name = (struct slice){name.ptr + skip, name.len - skip};
        if (name.len == 0)
            return false;
        if (try_key(keys, name, true))
            return true;
    }
}

bool access_keys_name(const struct access_keys *keys, const char *name)
{
    struct slice key = slice_of(name);
    struct addr addr;

    if (try_key(keys, key, false))
        return true;
    return !addr_parse(key, &addr) && try_parents(keys, key);
}

bool access_keys_address(const struct access_keys *keys, const char *address)
{
    struct slice key = slice_of(address);
    int delimiter = strchr(address, ':') != NULL ? ':' : '.';
    bool partial = false;

    for (;;) {
        const char *cut;

        if (try_key(keys, key, partial))
            return true;
        partial = true;
        cut = key.len > 0 ? memrchr(key.ptr, delimiter, key.len) : NULL;
        if (cut == NULL)
            return false;
        key.len = (size_t)(cut - key.ptr);
    }
}

/* An address in its quoted form, then, if that differs, without quotes. */
static bool try_both_forms(const struct access_keys *keys, const char *address, bool partial)
{
    const char *quoted = address_quote(address, keys->arena);

    if (try_key(keys, slice_of(quoted), partial))
        return true;
    return quoted != address && try_key(keys, slice_of(address), partial);
}

static const char *local_at(const char *address, struct arena *arena)
{
    const char *at = strrchr(address, '@');

    return arena_strndup(arena, address, (size_t)(at + 1 - address));
}

static const char *without_extension(const char *address, size_t extension, struct arena *arena)
{
    return arena_printf(arena, "%.*s%s", (int)extension, address, strrchr(address, '@'));
}

bool access_keys_mail(const struct access_keys *keys, const char *key)
{
    size_t extension = address_extension(key, keys->delimiters);
    const char *plain;
    struct slice domain = address_domain(key);

    if (strchr(key, '@') == NULL)
        return false;
    plain = extension ? without_extension(key, extension, keys->arena) : NULL;
    if (try_both_forms(keys, key, false) || (plain != NULL && try_both_forms(keys, plain, true)))
        return true;
    if (try_key(keys, domain, true) || try_parents(keys, domain))
        return true;
    if (try_both_forms(keys, local_at(key, keys->arena), true))
        return true;
    return plain != NULL && try_both_forms(keys, local_at(plain, keys->arena), true);
}

bool access_keys_sender(const struct access_keys *keys, const char *key)
{
    if (key[0] == '\0')
        return try_key(keys, slice_of(keys->null_sender), false);
    return access_keys_mail(keys, key);
}
