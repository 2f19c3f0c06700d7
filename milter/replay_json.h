/* replay_json - reads the JSON that the log holds: numbers, texts, lists, objects */
/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TAMIS_REPLAY_JSON_H
#define TAMIS_REPLAY_JSON_H

#include "arena.h"

/* What is left to read. Whatever is odd ends the reading. */
struct json {
    const char *at;
};

/* Behind this character, blanks skipped? Then it is taken. */
bool json_take(struct json *json, char c);

/* A whole number; false when there is none. */
bool json_number(struct json *json, int64_t *number);

/* A text in quotes, in the arena; NULL when there is none. */
const char *json_text(struct json *json, struct arena *arena);

/* Any value, left aside. False when it cannot be read. */
bool json_skip(struct json *json);

#endif
