/* journal_text - texts of one transaction as the log stores them: shared, with variables in them */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "journal_text.h"

#include "fold.h"

#include <string.h>

enum { TEXT_MAX = 2000, VARIABLE_MIN = 3 };

static struct slice domain_of(const char *address)
{
    const char *at = strchr(address, '@');

    return slice_of(at != NULL ? at + 1 : NULL);
}

static struct slice known(const char *text)
{
    struct slice s = slice_of(text);

    return s.len < VARIABLE_MIN || s.len > TEXT_MAX ? (struct slice){NULL, 0} : s;
}

void writing_recipient(struct writing *w, const struct recipient *r)
{
    w->variables[VAR_RECIPIENT] = known(r != NULL ? r->address.text : NULL);
    w->variables[VAR_RECIPIENT_DOMAIN] =
        w->variables[VAR_RECIPIENT].len ? domain_of(r->address.text) : (struct slice){NULL, 0};
}

void writing_start(struct writing *w)
{
    const struct client *client = &w->entry->client;
    const struct message *m = w->entry->message;

    w->variables[VAR_CLIENT_NAME] = known(client->name);
    w->variables[VAR_CLIENT_ADDR] = known(client->addr_text);
    w->variables[VAR_HELO] = known(client->helo);
    w->variables[VAR_LOGIN] = known(m->login);
    w->variables[VAR_SENDER] = known(m->has_mail ? m->sender.text : NULL);
    w->variables[VAR_SENDER_DOMAIN] =
        w->variables[VAR_SENDER].len ? domain_of(m->sender.text) : (struct slice){NULL, 0};
}

/* What a word consists of; a variable begins where one does. */
static const bool in_words[256] = {
    ['0' ... '9'] = true, ['A' ... 'Z'] = true, ['a' ... 'z'] = true, [0x80 ... 0xff] = true,
    ['.'] = true,         ['-'] = true,         ['_'] = true,         ['@'] = true,
    ['+'] = true,
};

/* The longest variable that stands at the beginning of the text; 0: none. */
static int variable_at(const struct writing *w, const char *text, size_t len)
{
    int best = 0;

    for (int i = 1; i < VAR_COUNT; i++) {
        const struct slice *v = &w->variables[i];

        if (v->len >= VARIABLE_MIN && v->len <= len && text[0] == v->ptr[0] &&
            (best == 0 || v->len > w->variables[best].len) && memcmp(text, v->ptr, v->len) == 0)
            best = i;
    }
    return best;
}

/* What is stored for the character that the text begins with; NULL: itself. So all that is stored
 * is UTF-8, which those who read a database rely on; and what was beyond ASCII stays so. */
static const char *stand_in(const char *text, size_t len, size_t *bytes)
{
    unsigned char c = (unsigned char)text[0];

    *bytes = 1;
    if (c < 0x80)
        return c < 0x20 || c == 0x7f ? "?" : NULL;
    *bytes = fold_length(text, len);
    if (*bytes == 2 && c == 0xc2 && (unsigned char)text[1] < 0xa0)
        return "??"; /* C1; as fold_printable has it */
    if (*bytes > 0)
        return NULL;
    *bytes = 1;
    return "\xef\xbf\xbd"; /* U+FFFD */
}

struct dict_value writing_template(const struct writing *w, struct buf *b, const char *text)
{
    size_t len = text != NULL ? strnlen(text, TEXT_MAX) : 0, from = 0, bytes;
    bool in_word = false;

    if (len == 0)
        return dict_null();
    buf_clear(b);
    for (size_t i = 0; i < len; i += bytes) {
        unsigned char c = (unsigned char)text[i];
        const char *other;
        int variable;

        bytes = 1;
        if (in_word && c < 0x80 && in_words[c])
            continue;
        variable = in_word ? 0 : variable_at(w, text + i, len - i);
        other = stand_in(text + i, len - i, &bytes);
        in_word = variable != 0 || in_words[c];
        if (variable == 0 && other == NULL)
            continue;
        buf_add(b, text + from, i - from);
        if (variable != 0) {
            bytes = w->variables[variable].len;
            buf_addc(b, (char)variable);
        } else {
            buf_adds(b, other);
        }
        from = i + bytes;
    }
    buf_add(b, text + from, len - from);
    return dict_text(b->ptr, b->len);
}

struct dict_value writing_clean(struct buf *b, const char *text)
{
    size_t len = strnlen(text, TEXT_MAX), bytes, clean;

    clean = slice_plain((struct slice){text, len});
    while (clean < len && stand_in(text + clean, len - clean, &bytes) == NULL)
        clean += bytes;
    if (clean == len)
        return dict_text(text, len);
    buf_clear(b);
    for (size_t i = 0; i < len; i += bytes) {
        const char *other = stand_in(text + i, len - i, &bytes);

        if (other != NULL)
            buf_adds(b, other);
        else
            buf_add(b, text + i, bytes);
    }
    return dict_text(b->ptr, b->len);
}

struct dict_value writing_clean_or_null(struct buf *b, const char *text)
{
    return text == NULL || text[0] == '\0' ? dict_null() : writing_clean(b, text);
}

int writing_rule(struct writing *w, const struct rule_ref *rule, int64_t *id)
{
    struct dict_value values[3];

    *id = 0;
    if (rule->where.file == NULL && rule->text == NULL)
        return SQLITE_OK;
    values[0] =
        rule->where.file != NULL ? writing_clean(&w->texts[0], rule->where.file) : dict_null();
    values[1] = dict_number_or_null(rule->where.line);
    values[2] = rule->text != NULL ? writing_clean(&w->texts[1], rule->text) : dict_null();
    return dicts_id(w->db->dicts, DICT_RULE, values, id);
}

int writing_text(struct writing *w, enum dict dict, const char *text, int64_t *id)
{
    struct dict_value value;

    *id = 0;
    if (text == NULL || (text[0] == '\0' && dict != DICT_ADDRESS))
        return SQLITE_OK;
    value = writing_clean(&w->texts[0], text);
    return dicts_id(w->db->dicts, dict, &value, id);
}

void list_number(struct buf *b, int64_t number)
{
    char digits[24];
    size_t at = sizeof(digits);

    do {
        digits[--at] = (char)('0' + number % 10);
        number /= 10;
    } while (number > 0);
    buf_add(b, digits + at, sizeof(digits) - at);
}

void bind_or_null(sqlite3_stmt *stmt, int column, int64_t number)
{
    if (number != 0)
        sqlite3_bind_int64(stmt, column, number);
    else
        sqlite3_bind_null(stmt, column);
}

int list_insert(struct writing *w, enum db_stmt which)
{
    sqlite3_stmt *stmt = w->db->stmts[which];
    int rc;

    if (w->list->len == 0)
        return SQLITE_OK;
    buf_addc(w->list, ']');
    sqlite3_bind_int64(stmt, 1, w->id);
    sqlite3_bind_text(stmt, 2, w->list->ptr, (int)w->list->len, SQLITE_STATIC);
    rc = run_stmt(stmt);
    sqlite3_clear_bindings(stmt);
    return rc;
}
