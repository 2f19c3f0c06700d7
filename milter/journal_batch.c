/* journal_batch - entries that go into the log in one transaction, and what became of them */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "journal_batch.h"

#include "journal_count.h"
#include "journal_ruleset.h"
#include "journal_wait.h"
#include "journal_write.h"

/* Whoever gave up waiting has told the client so. */
static void make_late(struct entry *entry)
{
    struct message *m = entry->message;

    entry->is_late = true;
    entry->action = ENTRY_TEMPFAIL;
    m->verdict = entry->late;
    if (entry->late.token != NULL)
        message_add_token(m, 0, entry->late.token);
}

static enum db_result insert(struct journal_db *db, struct entry *entry, struct err *err)
{
    enum db_result result;

    if (entry->ruleset != NULL) {
        result = ruleset_write(db, entry->ruleset, err);
        db->has_ruleset = db->has_ruleset || result == DB_OK;
        return result;
    }
    if (entry->shadow != NULL)
        return journal_write_shadow(db, entry, err);
    if (entry->waiter != NULL && !entry->is_late && waiter_has_given_up(entry->waiter))
        make_late(entry);
    return journal_write(db, entry, &entry->row, err);
}

/* A new file, or one that was opened again, has to know the policy in force. */
static enum db_result insert_ruleset(struct journal_db *db, const struct ruleset *ruleset,
                                     struct err *err)
{
    enum db_result result = DB_OK;

    if (ruleset != NULL && !db->has_ruleset)
        result = ruleset_write(db, ruleset, err);
    if (ruleset != NULL)
        db->has_ruleset = result == DB_OK;
    return result;
}

enum db_result batch_write(struct journal_db *db, const struct ruleset *ruleset,
                           struct entry *const *entries, size_t count, struct err *err)
{
    enum db_result result = journal_db_begin(db, err);

    if (result == DB_OK)
        result = insert_ruleset(db, ruleset, err);
    for (size_t i = 0; i < count && result == DB_OK; i++) {
        if (entries[i] == NULL || entries[i]->is_bad)
            continue;
        result = insert(db, entries[i], err);
        entries[i]->is_bad = result == DB_BAD_ROW;
    }
    if (result == DB_OK)
        result = journal_db_result(db, counts_write(db->counts), err);
    return result == DB_OK ? journal_db_run(db, DB_COMMIT, err) : result;
}

enum db_result batch_tell(struct journal_db *db, struct entry *entry, struct err *err)
{
    enum db_result result;

    if (entry->waiter == NULL || waiter_tell(entry->waiter, true) || entry->is_late)
        return DB_OK;
    make_late(entry);
    if (db->db == NULL) {
        err_set(err, "%s: a row says accepted of a mail that was put off", db->path);
        return DB_BROKEN;
    }
    result = journal_db_begin(db, err);
    if (result == DB_OK)
        result = journal_amend(db, entry, err);
    return result == DB_OK ? journal_db_run(db, DB_COMMIT, err) : result;
}
