/* postconf - what postconf(1) tells of a Postfix: parameters, services, milter lists */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "postconf.h"

#include "buf.h"

#include <string.h>
#include <unistd.h>

static const char *copy(const struct postfix *postfix, struct slice s)
{
    return arena_strndup(postfix->arena, s.len ? s.ptr : "", s.len);
}

/* The next line; false at the end. */
static bool next_line(const char **text, struct slice *line)
{
    size_t len = strcspn(*text, "\n");

    if (**text == '\0')
        return false;
    *line = (struct slice){*text, len};
    *text += len + ((*text)[len] == '\n');
    return true;
}

/* "NAME = VALUE"; the value may be empty. */
static bool split_assignment(struct slice line, struct slice *name, struct slice *value)
{
    const char *equals = line.len ? memchr(line.ptr, '=', line.len) : NULL;

    if (equals == NULL)
        return false;
    *name = slice_trim((struct slice){line.ptr, (size_t)(equals - line.ptr)});
    *value = slice_trim((struct slice){equals + 1, (size_t)(line.ptr + line.len - equals - 1)});
    return name->len > 0;
}

static void add_param(struct postfix *postfix, const char *service, struct slice name,
                      struct slice value)
{
    struct postfix_param *param = arena_alloc(postfix->arena, sizeof(*param));

    *param =
        (struct postfix_param){postfix->params, service, copy(postfix, name), copy(postfix, value)};
    postfix->params = param;
}

void postfix_read_params(struct postfix *postfix, const char *text)
{
    struct slice line, name, value;

    while (next_line(&text, &line))
        if (split_assignment(line, &name, &value))
            add_param(postfix, NULL, name, value);
}

void postfix_read_overrides(struct postfix *postfix, const char *text)
{
    struct slice line, name, value;

    while (next_line(&text, &line)) {
        const char *slash;

        if (!split_assignment(line, &name, &value))
            continue;
        slash = memrchr(name.ptr, '/', name.len);
        if (slash == NULL)
            continue;
        add_param(postfix, copy(postfix, (struct slice){name.ptr, (size_t)(slash - name.ptr)}),
                  (struct slice){slash + 1, (size_t)(name.ptr + name.len - slash - 1)}, value);
    }
}

/* The next word of a master.cf entry: what stands between blanks, or a whole { … }. */
static bool next_word(struct slice *rest, struct slice *word)
{
    int depth = 0;
    size_t i;

    *rest = slice_trim(*rest);
    for (i = 0; i < rest->len && (depth > 0 || !is_blank(rest->ptr[i])); i++) {
        if (rest->ptr[i] == '{')
            depth++;
        else if (rest->ptr[i] == '}' && depth > 0)
            depth--;
    }
    *word = (struct slice){rest->ptr, i};
    *rest = (struct slice){rest->ptr + i, rest->len - i};
    return i > 0;
}

static void read_words(struct postfix *postfix, struct postfix_service *service, struct slice rest)
{
    struct postfix_word **tail = &service->words;
    struct slice word;

    while (next_word(&rest, &word)) {
        struct postfix_word *w = arena_alloc(postfix->arena, sizeof(*w));

        if (slice_is(word, "-o")) {
            w->option = true;
            if (!next_word(&rest, &word))
                return;
        } else if (word.len > 2 && memcmp(word.ptr, "-o", 2) == 0) {
            w->option = true;
            word = (struct slice){word.ptr + 2, word.len - 2};
        }
        w->text = copy(postfix, word);
        *tail = w;
        tail = &w->next;
    }
}

void postfix_read_services(struct postfix *postfix, const char *text)
{
    enum { NAME, TYPE, PRIVATE, UNPRIV, CHROOT, WAKEUP, MAXPROC, COMMAND, FIELDS };
    struct slice line, f[FIELDS];

    if (postfix->services_tail == NULL)
        postfix->services_tail = &postfix->services;
    while (next_line(&text, &line)) {
        struct postfix_service *service;
        int n = 0;

        while (n < FIELDS && next_word(&line, &f[n]))
            n++;
        if (n < FIELDS || f[NAME].ptr[0] == '#')
            continue;
        service = arena_alloc(postfix->arena, sizeof(*service));
        service->name = copy(postfix, f[NAME]);
        service->type = copy(postfix, f[TYPE]);
        service->key = arena_printf(postfix->arena, "%s/%s", service->name, service->type);
        service->fields = arena_printf(postfix->arena, "%s %s %s %s %s", copy(postfix, f[PRIVATE]),
                                       copy(postfix, f[UNPRIV]), copy(postfix, f[CHROOT]),
                                       copy(postfix, f[WAKEUP]), copy(postfix, f[MAXPROC]));
        service->chroot = f[CHROOT].ptr[0];
        service->command = copy(postfix, f[COMMAND]);
        read_words(postfix, service, line);
        *postfix->services_tail = service;
        postfix->services_tail = &service->next;
    }
}

static const char *find_value(const struct postfix *postfix, const char *service, const char *name)
{
    for (const struct postfix_param *p = postfix->params; p != NULL; p = p->next) {
        bool same = service != NULL ? p->service != NULL && strcmp(p->service, service) == 0
                                    : p->service == NULL;

        if (same && strcmp(p->name, name) == 0)
            return p->value;
    }
    return NULL;
}

const char *postfix_param(const struct postfix *postfix, const char *name)
{
    const char *value = find_value(postfix, NULL, name);

    return value != NULL ? value : "";
}

const char *postfix_override(const struct postfix *postfix, const struct postfix_service *service,
                             const char *name)
{
    return find_value(postfix, service->key, name);
}

const char *postfix_effective(const struct postfix *postfix, const struct postfix_service *service,
                              const char *name)
{
    const char *value = postfix_override(postfix, service, name);

    return value != NULL ? value : postfix_param(postfix, name);
}

/* "name=value", also inside { }. */
static bool option_is(const char *text, const char *name)
{
    struct slice s = slice_of(text), key, value;

    if (s.len > 1 && s.ptr[0] == '{')
        s = (struct slice){s.ptr + 1, s.len - 2};
    return split_assignment(s, &key, &value) && slice_is(key, name);
}

static void add_option(struct buf *b, const char *name, const char *value)
{
    if (strpbrk(value, " \t{") != NULL)
        buf_addf(b, "\n    -o { %s = %s }", name, value);
    else
        buf_addf(b, "\n    -o %s=%s", name, value);
}

const char *postfix_entry_with(const struct postfix *postfix, const struct postfix_service *service,
                               const char *name, const char *value)
{
    struct buf b = {0};
    bool done = false;
    const char *text;

    buf_addf(&b, "%s %s %s %s", service->name, service->type, service->fields, service->command);
    for (const struct postfix_word *w = service->words; w != NULL; w = w->next) {
        if (!w->option) {
            buf_addf(&b, "\n    %s", w->text);
        } else if (!option_is(w->text, name)) {
            buf_addf(&b, "\n    -o %s", w->text);
        } else if (!done) {
            add_option(&b, name, value);
            done = true;
        }
    }
    if (!done)
        add_option(&b, name, value);
    text = arena_strdup(postfix->arena, buf_text(&b));
    buf_free(&b);
    return text;
}

/* What stands in the { } of one milter: the address, then name=value or { name = value }. */
static void read_braced(struct arena *arena, struct milter_item *item, struct slice rest)
{
    struct slice word, name, value;

    if (!slice_word(&rest, ", \t", &word))
        return;
    item->address = arena_strndup(arena, word.ptr, word.len);
    while (slice_word(&rest, ",", &word)) {
        word = slice_trim(word);
        if (word.len > 1 && word.ptr[0] == '{')
            word = slice_trim((struct slice){word.ptr + 1, word.len - 2});
        if (split_assignment(word, &name, &value) && slice_is(name, "default_action"))
            item->default_action = arena_strndup(arena, value.ptr, value.len);
    }
}

/* A list's next element: commas and blanks separate, but not inside { }. */
static bool next_item(struct slice *rest, struct slice *word)
{
    int depth = 0;
    size_t i;

    while (rest->len > 0 && (is_space(rest->ptr[0]) || rest->ptr[0] == ','))
        *rest = (struct slice){rest->ptr + 1, rest->len - 1};
    for (i = 0; i < rest->len; i++) {
        if (depth == 0 && (is_space(rest->ptr[i]) || rest->ptr[i] == ','))
            break;
        depth += (rest->ptr[i] == '{') - (rest->ptr[i] == '}' && depth > 0);
    }
    *word = (struct slice){rest->ptr, i};
    *rest = (struct slice){rest->ptr + i, rest->len - i};
    return i > 0;
}

struct milter_item *milter_items(struct arena *arena, const char *list)
{
    struct milter_item *first = NULL, **tail = &first;
    struct slice rest = slice_of(list), word;

    while (next_item(&rest, &word)) {
        struct milter_item *item = arena_alloc(arena, sizeof(*item));

        item->text = arena_strndup(arena, word.ptr, word.len);
        item->address = item->text;
        if (word.ptr[0] == '{' && word.len > 1)
            read_braced(arena, item, (struct slice){word.ptr + 1, word.len - 2});
        *tail = item;
        tail = &item->next;
    }
    return first;
}

static const char *path_for_postfix(struct arena *arena, const char *path, const char *queue)
{
    size_t len = strlen(queue);
    char here[4096];

    if (path[0] != '/' && getcwd(here, sizeof(here)) != NULL) /* Postfix has another one */
        path = arena_printf(arena, "%s%s%s", here, strcmp(here, "/") == 0 ? "" : "/", path);
    if (len > 0 && strncmp(path, queue, len) == 0 && path[len] == '/')
        return arena_printf(arena, "unix:%s", path + len + strspn(path + len, "/"));
    return arena_printf(arena, "unix:%s", path);
}

/* "PORT@HOST", "PORT", "HOST:PORT", "[V6]:PORT" → "inet:HOST:PORT" */
static const char *inet_for_postfix(struct arena *arena, const char *rest, bool v6)
{
    const char *at = strchr(rest, '@'), *colon = strrchr(rest, ':');
    const char *host = v6 ? "::1" : "localhost", *port = rest;

    if (at != NULL) {
        port = arena_strndup(arena, rest, (size_t)(at - rest));
        host = at + 1;
    } else if (colon != NULL) {
        port = colon + 1;
        host = arena_strndup(arena, rest, (size_t)(colon - rest));
    }
    if (*host == '\0' || strcmp(host, "0.0.0.0") == 0)
        host = "localhost";
    else if (strcmp(host, "::") == 0 || strcmp(host, "[::]") == 0)
        host = "::1";
    if (strchr(host, ':') != NULL && host[0] != '[')
        return arena_printf(arena, "inet:[%s]:%s", host, port);
    return arena_printf(arena, "inet:%s:%s", host, port);
}

const char *milter_address(struct arena *arena, const char *socket, const char *queue_directory)
{
    if (strncmp(socket, "fd:", 3) == 0)
        return NULL;
    if (strncmp(socket, "inet6:", 6) == 0)
        return inet_for_postfix(arena, socket + 6, true);
    if (strncmp(socket, "inet:", 5) == 0)
        return inet_for_postfix(arena, socket + 5, false);
    if (strncmp(socket, "unix:", 5) == 0)
        return path_for_postfix(arena, socket + 5, queue_directory);
    if (strncmp(socket, "local:", 6) == 0)
        return path_for_postfix(arena, socket + 6, queue_directory);
    return path_for_postfix(arena, socket, queue_directory);
}

/* The port of a loopback address ("inet:localhost:8894" → "8894"), else NULL. */
static const char *loopback_port(const char *address)
{
    static const char *const heads[] = {"inet:localhost:", "inet:127.0.0.1:", "inet:[::1]:"};

    for (size_t i = 0; i < ARRAY_LEN(heads); i++)
        if (strncasecmp(address, heads[i], strlen(heads[i])) == 0)
            return address + strlen(heads[i]);
    return NULL;
}

bool milter_address_same(const char *a, const char *b)
{
    const char *port_a = loopback_port(a), *port_b = loopback_port(b);

    if (port_a != NULL && port_b != NULL)
        return strcmp(port_a, port_b) == 0;
    if (strncmp(a, "unix:", 5) == 0 && strncmp(b, "unix:", 5) == 0)
        return strcmp(a + 5 + strspn(a + 5, "/"), b + 5 + strspn(b + 5, "/")) == 0;
    return strcasecmp(a, b) == 0;
}
