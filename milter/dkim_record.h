/* dkim_record - the DNS's answer about a key, read and judged for one signature */
/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TAMIS_DKIM_RECORD_H
#define TAMIS_DKIM_RECORD_H

#include "dkim_field.h"

enum dkim_key_state { DKIM_KEY_FOUND, DKIM_KEY_NONE, DKIM_KEY_TEMPERROR };

/* The TXT records at a name; each has its character-strings joined without blanks, any bytes. */
struct dkim_key_answer {
    enum dkim_key_state state;
    const struct slice *txt;
    size_t count;
    const char *why; /* of DKIM_KEY_TEMPERROR: "timeout", "SERVFAIL" … */
    bool secure;     /* validated by DNSSEC */
};

/* The longest record that the library takes. */
enum { DKIM_RECORD_SIZE = 1024 };

struct dkim_record {
    const char *text; /* written anew for the library: "k=rsa; p=…", below DKIM_RECORD_SIZE */
    unsigned bits;    /* 256 for Ed25519 */
    bool testing;     /* t=y */
    bool strict;      /* t=s */
};

/* A record read by itself (RFC 6376, 3.6.1; RFC 8463), with nothing to compare it with. RSA keys
 * may be a SubjectPublicKeyInfo or an RSAPublicKey. `key`: what k= must be, "rsa" or "ed25519".
 * DKIM_NONE: all is well; else permerror, or policy for a key beyond the library's measure, and
 * *why (printable, in the arena). */
enum dkim_result dkim_record_read(struct slice text, const char *key, struct arena *arena,
                                  struct dkim_record *record, const char **why);

/* The answer, judged for a signature whose field is good: its one key is read; t=s is heeded.
 * DKIM_NONE: the signature may be verified with record->text. Any thread; never blocks. */
enum dkim_result dkim_record_judge(const struct dkim_key_answer *answer,
                                   const struct dkim_field *field, struct arena *arena,
                                   struct dkim_record *record, const char **why);

#endif
