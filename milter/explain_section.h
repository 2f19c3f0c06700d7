/* explain_section - the lines that an explanation has behind one heading */
/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TAMIS_EXPLAIN_SECTION_H
#define TAMIS_EXPLAIN_SECTION_H

#include "explain.h"

/* How many lines of one kind are told unless all are wanted. */
enum { EXPLAIN_A_KIND = 4 };

/* They are kept apart until it is known how many there is room for. The caller frees the text. */
struct section {
    const char *heading;
    struct buf text;
    size_t lines, from; /* of the line that is begun */
};

/* A line is what is added to the text between begin and end. Nothing in it can write on the
 * reader's terminal, whoever said it. */
void section_begin(struct section *section);
void section_end(struct section *section);
void section_add(struct section *section, const char *text);

/* `otherwise` where there is no text. */
const char *explain_or(const char *text, const char *otherwise);

/* What was asked and done: the steps, at most `room` unless `all`; the questions, those that no
 * step needed or the others; signatures; edits. */
void explain_add_steps(struct section *section, const struct explanation *explanation, bool all,
                       size_t room);
void explain_add_questions(struct section *section, const struct explanation *explanation,
                           bool unused, bool all);
void explain_add_signatures(struct section *section, const struct explanation *explanation,
                            bool all);
void explain_add_edits(struct section *section, const struct explanation *explanation, bool all);

#endif
