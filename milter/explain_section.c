/* explain_section - the lines that an explanation has behind one heading */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "explain_section.h"

#include "fold.h"

void section_begin(struct section *s)
{
    s->from = s->text.len;
    buf_addf(&s->text, "%-10s ", s->lines == 0 ? s->heading : "");
}

void section_end(struct section *s)
{
    fold_printable(s->text.ptr + s->from, '?');
    buf_addc(&s->text, '\n');
    s->lines++;
}

void section_add(struct section *s, const char *text)
{
    section_begin(s);
    buf_adds(&s->text, text);
    section_end(s);
}

const char *explain_or(const char *text, const char *otherwise)
{
    return text != NULL ? text : otherwise;
}
