/* header_edits - what rules want done to a header, as the single changes that the MTA is told of */
/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TAMIS_HEADER_EDITS_H
#define TAMIS_HEADER_EDITS_H

#include "message.h"

enum header_op {
    HEADER_INSERT, /* a field with `index` fields above it, the MTA's own Received counted */
    HEADER_APPEND, /* a field below all others */
    HEADER_CHANGE, /* name and value of the field that is the `index`th (from 1) of that name, ASCII
                    * case ignored, among those that the MTA shows */
    HEADER_DELETE, /* that field */
};

struct header_change {
    enum header_op op;
    int index;
    const char *name;
    const char *value; /* all that stands behind the colon, with its blank; NULL: HEADER_DELETE */
};

/* To be performed in this order: from the last field to the first, because each change moves what
 * is below it. */
struct header_changes {
    struct header_change *list;
    size_t count;
};

/* What `edits` (of the message, or NULL) come to. Fields on top stand in the order in which their
 * rules fired, fields at the end, too; right below the former the MTA's own Received is replaced
 * (EDIT_OWN, at most once; only with Postfix: received_is_postfix). Edits that concern no header,
 * or whose text is no field, are left out. Everything lives in the message's arena. */
struct header_changes header_changes_plan(const struct message *message, const struct edit *edits);

struct header_field {
    const char *name;
    const char *value; /* all that stands behind the colon, with its blank; folds "\n" */
};

/* The header as `edits` leave it, from its top, without the MTA's own Received; headers that the
 * message does not keep are not in it. *list is in the message's arena; returns the count. */
size_t header_fields_after(const struct message *message, const struct edit *edits,
                           const struct header_field **list);

/* The field "Name: value" that an edit brings, as it is written: no CR or NUL is in it, each line
 * but the first begins with a blank (a tab is put in, as Postfix does), at most 60,000 bytes. False
 * when the text is no field (RFC 5322 section 2.2; blanks in front of the colon are tolerated). */
bool header_field_read(const char *text, struct arena *arena, const char **name,
                       const char **value);

#endif
