/* replay_read - logged transactions read back: one by one, or millions in a stream */
/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TAMIS_REPLAY_READ_H
#define TAMIS_REPLAY_READ_H

#include "logdb.h"
#include "replay.h"

/* Reads the log's tables side by side in the order of ids. One thread. */
struct replay_reader;

/* The log must be open as long as the reader. NULL with err when its tables are not as expected. */
struct replay_reader *replay_reader_new(struct logdb *log, struct err *err);
void replay_reader_free(struct replay_reader *reader); /* NULL is allowed */

/* Transactions with from <= id < until (0: no end) are next. */
bool replay_reader_seek(struct replay_reader *reader, int64_t from, int64_t until, struct err *err);

/* The next one, in `facts`, which live until the next call. False at the end, or with err set
 * (err->text[0] is not 0). */
bool replay_reader_next(struct replay_reader *reader, struct replay_facts *facts, struct err *err);

/* One by its id; false when there is none. */
bool replay_reader_find(struct replay_reader *reader, int64_t id, struct replay_facts *facts,
                        struct err *err);

/* --- policies in the log ---------------------------------------------------------------------- */

/* The texts of a logged policy's files. */
struct replay_texts;

/* Of the policy with this id in the table policy; NULL with err when the log does not know it. */
struct replay_texts *replay_texts_read(struct logdb *log, int64_t policy, struct err *err);
void replay_texts_free(struct replay_texts *texts); /* NULL is allowed */

/* Path of the configuration file in it; NULL: presets only. */
const char *replay_texts_conf(const struct replay_texts *texts);
/* The text of a file; NULL: not among them, or too large to be kept. */
const char *replay_texts_find(const struct replay_texts *texts, const char *path, size_t *len);

/* What a parameter had in that policy, malloc'd; NULL when there is no such parameter. */
char *replay_texts_setting(const struct replay_texts *texts, const char *name);

/* The policy as it was, without the rule unless that is NULL (a place and its text; a row, a
 * restriction of a list, or a pair of an inline: table). NULL with an error in `problems`; also
 * when there is no such rule. Held, as by replay_load. */
struct policy *replay_texts_load(const struct replay_texts *texts, const struct rule_ref *without,
                                 struct problems *problems);

/* The same, with all that it looked up beside judging: to find out what it recorded. */
struct policy *replay_texts_load_whole(const struct replay_texts *texts,
                                       struct problems *problems);

#endif
