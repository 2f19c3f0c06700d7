/* journal_detail - a transaction's questions, signatures, edits, tokens, evidence as rows */
/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TAMIS_JOURNAL_DETAIL_H
#define TAMIS_JOURNAL_DETAIL_H

#include "journal_text.h"

/* Each inserts what the entry holds of its kind; returns an SQLite result code. */
int detail_circumstance(struct writing *w, int64_t *id); /* the dictionary's entry */
int detail_questions(struct writing *w); /* and signatures */
int detail_edits(struct writing *w);
int detail_tokens(struct writing *w);
int detail_evidence(struct writing *w);

int detail_token(struct writing *w, int recipient, const char *text); /* one; 0: the message's */

#endif
