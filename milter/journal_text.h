/* journal_text - texts of one transaction as the log stores them: shared, with variables in them */
/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TAMIS_JOURNAL_TEXT_H
#define TAMIS_JOURNAL_TEXT_H

#include "journal.h"
#include "journal_db.h"

/* Texts of the transaction that turn up in questions, answers and replies; stored as one character
 * (sql/schema.sql). */
enum variable {
    VAR_CLIENT_NAME = 1,
    VAR_CLIENT_ADDR,
    VAR_HELO,
    VAR_LOGIN,
    VAR_SENDER,
    VAR_RECIPIENT,
    VAR_SENDER_DOMAIN,
    VAR_RECIPIENT_DOMAIN,
    VAR_COUNT,
};

/* One transaction on its way into its rows. */
struct writing {
    struct journal_db *db;
    const struct entry *entry;
    int64_t id;
    struct slice variables[VAR_COUNT];
    struct buf *texts; /* three, to build values in */
    struct buf *list;
};

/* The variables but the recipient's; then the recipient's. NULL: none is meant. */
void writing_start(struct writing *w);
void writing_recipient(struct writing *w, const struct recipient *recipient);

/* The text as it is stored in a dictionary: variables for what is known, no control characters,
 * UTF-8. NULL and "": NULL. The value lives until `b` is used again. */
struct dict_value writing_template(const struct writing *w, struct buf *b, const char *text);

/* Plain texts: cut, without control characters, UTF-8: `?` and U+FFFD stand for what is not. `b` is
 * used only if there is any. */
struct dict_value writing_clean(struct buf *b, const char *text);
struct dict_value writing_clean_or_null(struct buf *b, const char *text); /* NULL, "": NULL */

/* The ids of dictionary entries; 0: there is nothing to name. Return SQLite result codes. These use
 * w->texts[0] and [1]. */
int writing_rule(struct writing *w, const struct rule_ref *rule, int64_t *id);
int writing_text(struct writing *w, enum dict dict, const char *text, int64_t *id);

/* Adds a decimal number; not negative. */
void list_number(struct buf *list, int64_t number);
/* The begun list, "[1,2", closed and inserted under w->id; nothing when it is empty. */
int list_insert(struct writing *w, enum db_stmt stmt);

void bind_or_null(sqlite3_stmt *stmt, int column, int64_t number); /* 0: NULL */

#endif
