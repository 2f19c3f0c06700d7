/* conf_pasted - lines of OpenDKIM's and dkim-filter's configuration that somebody pasted */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "conf_pasted.h"

#include <string.h>

enum { SHOWN_MAX = 300 };

/* `to` ends in = if the value can stay as it is. */
static const struct pasted {
    const char *name, *to;
} pasted[] = {
    {"KeyList", "key_list ="},
    {"KeyTable", "key_table ="},
    {"SigningTable", "signing_table ="},
    {"Canonicalization", "dkim_canonicalization ="},
    {"SignHeaders", "dkim_sign_headers ="},
    {"OversignHeaders", "dkim_oversign_headers ="},
    {"SignatureTTL", "dkim_signature_ttl ="},
    {"MultipleSignatures", "multiple_signatures ="},
    {"Domain", "signing_key = DOMAIN:SELECTOR:KEYFILE, with this domain, the Selector and the "
               "KeyFile"},
    {"Selector", "signing_key = DOMAIN:SELECTOR:KEYFILE, with this selector, the Domain and the "
                 "KeyFile"},
    {"KeyFile", "signing_key = DOMAIN:SELECTOR:KEYFILE, with this file, the Domain and the "
                "Selector"},
};

char *conf_pasted(struct slice line)
{
    struct slice rest = line, name;

    if (!slice_word(&rest, " \t", &name))
        return NULL;
    rest = slice_trim(rest);
    if (rest.len > SHOWN_MAX)
        rest.len = SHOWN_MAX;
    for (size_t i = 0; i < ARRAY_LEN(pasted); i++) {
        const char *to = pasted[i].to;

        if (!slice_is_nocase(name, pasted[i].name))
            continue;
        if (rest.len == 0 || to[strlen(to) - 1] != '=')
            return xasprintf("write %s", to);
        return xasprintf("write %s %.*s", to, (int)rest.len, rest.ptr);
    }
    return NULL;
}
