/* eml - a mail file as the events of a milter */
/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TAMIS_EML_H
#define TAMIS_EML_H

#include "base.h"

/* Who receives the events, in the order of the file. Any may be NULL. */
struct eml_events {
    /* One logical header: folded lines are joined with \n and keep their leading blanks; value
     * begins right behind the colon (SMFIP_HDR_LEADSPC). Texts are valid during the call. */
    void (*header)(void *arg, const char *name, const char *value);
    void (*eoh)(void *arg);
    /* The body with CR LF line ends, in pieces of at most 64 kB. */
    void (*body)(void *arg, const char *data, size_t len);
    void *arg;
};

/* Reads an RFC 5322 message (LF or CR LF; a leading mbox "From " line is skipped) as Postfix's
 * cleanup does: the first line that is neither a header nor a continuation ends the header. False,
 * with err set, when the file cannot be read. */
bool eml_read(const char *path, const struct eml_events *events, struct err *err);
void eml_parse(const char *text, size_t len, const struct eml_events *events);

#endif
