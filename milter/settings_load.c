/* settings_load - settings out of milter.conf, the command line, main.cf and the presets */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "settings.h"

#include "facts.h"
#include "settings_names.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <syslog.h>
#include <unistd.h>

enum { CLASSES_MAX = 1000 };

static const char DEFAULT_FILE[] = SYSCONFDIR "/tamis/milter.conf";

struct loader {
    struct settings *s;
    struct given *given; /* one a row */
    struct conf_names names;
    struct problems *problems;
    size_t source_cap;
    struct where at; /* of the value being expanded */
    const char *hostname, *domain, *networks; /* once worked out */
};

/* What a value is before expansion, and where it stands. */
struct raw {
    const char *name, *text;
    struct where where;
    bool given;
};

static size_t index_of(const struct param *row)
{
    return (size_t)(row - settings_rows);
}

static const char *find(void *arg, const char *name);

/* The value of a name as an expansion would see it. */
static const char *value_of(struct loader *l, const char *name)
{
    const char *text = find(l, name);
    const char *value = text != NULL ? conf_expand(text, &l->names, l->s->arena, NULL) : NULL;

    return value != NULL ? value : "";
}

/* Without main.cf's mydomain Postfix would need the host's name for it, and the other way round. */
static const char *hostname(struct loader *l)
{
    const struct setting *domain = conf_find(l->s->conf, "mydomain");

    if (l->hostname != NULL)
        return l->hostname;
    if (domain == NULL && l->s->main_conf != NULL)
        domain = conf_find(l->s->main_conf, "mydomain");
    l->hostname = ""; /* should mydomain refer to it */
    l->hostname = fact_hostname(domain != NULL ? value_of(l, "mydomain") : NULL, l->s->arena);
    return l->hostname;
}

static const char *networks(struct loader *l)
{
    const char *style;
    struct interfaces own;

    if (l->networks != NULL)
        return l->networks;
    l->networks = ""; /* should the interfaces refer to it */
    style = value_of(l, "mynetworks_style");
    own = interfaces_find(value_of(l, "inet_interfaces"), value_of(l, "inet_protocols"), l->at,
                          l->s->arena, NULL);
    l->networks = interfaces_networks(&own,
                                      strcmp(style, "host") == 0    ? NETWORKS_HOST
                                      : strcmp(style, "class") == 0 ? NETWORKS_CLASS
                                                                    : NETWORKS_SUBNET,
                                      l->s->arena);
    return l->networks;
}

static const char *preset_of(struct loader *l, const struct param *row)
{
    if (row->preset != NULL)
        return row->preset;
    if (strcmp(row->name, "myhostname") == 0)
        return hostname(l);
    if (strcmp(row->name, "mynetworks") == 0)
        return networks(l);
    if (l->domain == NULL) {
        l->domain = "localdomain"; /* should myhostname refer to it */
        l->domain = fact_domain(value_of(l, "myhostname"));
    }
    return l->domain;
}

static const struct setting *main_cf_setting(const struct loader *l, const struct param *row)
{
    const char *name = row->flags & PARAM_SMTPD ? "smtpd_null_access_lookup_key" : row->name;

    if (l->s->main_conf == NULL || !(row->flags & PARAM_FACT))
        return NULL;
    return conf_find(l->s->main_conf, name);
}

static struct raw raw_of_setting(const struct setting *setting, bool given)
{
    return (struct raw){setting->name, setting->value, setting->where, given};
}

/* A row's value for both directions. */
static struct raw plain_raw(struct loader *l, const struct param *row)
{
    const struct given *given = &l->given[index_of(row)];
    const struct setting *fact = main_cf_setting(l, row);

    if (given->plain != NULL)
        return raw_of_setting(given->plain, true);
    if (fact != NULL)
        return raw_of_setting(fact, false);
    return (struct raw){row->name, preset_of(l, row), {NULL, 0}, false};
}

/* For one direction: its own, that of the row which stands in, then the same without direction. */
static struct raw directed_raw(struct loader *l, const struct param *row, int direction)
{
    const struct given *given = &l->given[index_of(row)], *other = NULL;
    const struct param *fallback = NULL;
    int none;

    if (row->fallback != NULL) {
        fallback = settings_row(row->fallback, &none);
        other = &l->given[index_of(fallback)];
    }
    if (given->directed[direction] != NULL)
        return raw_of_setting(given->directed[direction], true);
    if (other != NULL && other->directed[direction] != NULL)
        return raw_of_setting(other->directed[direction], true);
    return plain_raw(l, given->plain == NULL && fallback != NULL ? fallback : row);
}

/* Paths stay what they were when the filter, started by root, has become its user. */
static bool was_started_by_root(void)
{
    static atomic_int started = -1;

    if (started < 0)
        started = getuid() == 0;
    return started > 0;
}

static const char *find_elsewhere(struct loader *l, const char *name)
{
    const struct setting *setting = conf_find(l->s->conf, name);
    const char *preset;

    if (setting == NULL && l->s->main_conf != NULL)
        setting = conf_find(l->s->main_conf, name);
    if (setting != NULL)
        return setting->value;
    if (strcmp(name, "config_directory") == 0)
        return l->s->postfix_config_directory;
    if (strcmp(name, "system_installation") == 0)
        return was_started_by_root() ||
                       (l->s->file != NULL && strcmp(l->s->file, DEFAULT_FILE) == 0)
                   ? "yes"
                   : "";
    preset = fact_preset(name);
    if (preset == NULL)
        problems_add(l->problems, SEV_WARNING, l->at,
                     "$%s is not set: it stands for nothing; set it, or write $$ for the "
                     "character", name);
    return preset;
}

/* For $name: milter.conf, then main.cf (facts, and names that it made up), then presets. */
static const char *find(void *arg, const char *name)
{
    struct loader *l = arg;
    int direction;
    const struct param *row = settings_row(name, &direction);

    if (row == NULL || (direction >= 0 && !(row->flags & PARAM_DIRECTED)))
        return find_elsewhere(l, name);
    return direction < 0 ? plain_raw(l, row).text : directed_raw(l, row, direction).text;
}

static const char *expand(struct loader *l, const struct raw *raw)
{
    struct err err = {""};
    const char *value;

    l->at = raw->where;
    value = conf_expand(raw->text, &l->names, l->s->arena, &err);
    if (value == NULL)
        problems_add(l->problems, SEV_ERROR, raw->where, "%s: %s", raw->name, err.text);
    return value;
}

static void remember(struct loader *l, const struct param *row, bool is_class,
                     const struct raw *raw, const char *value)
{
    if (l->s->source_count == l->source_cap) {
        l->source_cap = l->source_cap ? l->source_cap * 2 : 128;
        l->s->sources = xreallocarray(l->s->sources, l->source_cap, sizeof(*l->s->sources));
    }
    l->s->sources[l->s->source_count++] = (struct setting_source){
        row, is_class, raw->name, raw->text, {value, raw->where}, raw->given};
}

static size_t field_size(enum param_type type)
{
    return type == PARAM_LIST ? sizeof(struct param_text) : sizeof(int64_t);
}

/* What cannot be used is reported, and the preset takes its place. */
static const char *store(struct loader *l, const struct param *row, const struct raw *raw,
                         int direction)
{
    char *field = (char *)l->s + row->offset + (size_t)direction * field_size(row->type);
    const char *value = row->flags & PARAM_RAW ? raw->text : expand(l, raw);
    struct raw preset = {row->name, NULL, {NULL, 0}, false};

    if (value != NULL && param_store(row, value, raw->where, conf_dir(raw->where, l->s->arena),
                                     field, l->s->arena, l->problems))
        return value;
    preset.text = preset_of(l, row);
    value = expand(l, &preset);
    param_store(row, value != NULL ? value : "", preset.where, ".", field, l->s->arena, NULL);
    return value != NULL ? value : "";
}

static void load_row(struct loader *l, const struct param *row)
{
    const struct given *given = &l->given[index_of(row)];
    struct raw raw = plain_raw(l, row);
    const char *value = store(l, row, &raw, 0);

    remember(l, row, false, &raw, value);
    for (int d = 0; row->flags & PARAM_DIRECTED && d < DIR_COUNT; d++) {
        raw = directed_raw(l, row, d);
        value = store(l, row, &raw, d);
        if (given->directed[d] != NULL)
            remember(l, row, false, &raw, value);
    }
}

/* Of two values one may have been meant for the parameter, which must not be lost in silence. */
static void note_taken(struct loader *l, const struct setting *setting)
{
    if (setting->replaces)
        problems_add(l->problems, SEV_ERROR, setting->where,
                     "restriction_classes: %s is a parameter, too, and set more than once: choose "
                     "another name for the class", setting->name);
    else
        problems_add(l->problems, SEV_NOTE, setting->where,
                     "%s is a class of restriction_classes; the parameter %s keeps its preset",
                     setting->name, setting->name);
}

/* A definition is a value like any other. */
static void load_class(struct loader *l, const char *name, struct where at)
{
    const struct setting *setting = conf_find(l->s->conf, name);
    const char *value;
    struct raw raw;
    int direction;

    if (settings_row(name, &direction) != NULL && setting != NULL && settings_may_be_class(name))
        note_taken(l, setting);
    if (!settings_may_be_class(name)) {
        problems_add(l->problems, SEV_ERROR, at,
                     "restriction_classes: %s is a parameter: choose another name", name);
    } else if (setting == NULL) {
        problems_add(l->problems, SEV_ERROR, at,
                     "restriction_classes: %s is not defined: add a line %s = …", name, name);
    } else if (settings_class(l->s, name) == NULL) {
        raw = raw_of_setting(setting, true);
        value = expand(l, &raw);
        remember(l, NULL, true, &raw, value != NULL ? value : "");
    }
}

static void load_classes(struct loader *l)
{
    struct slice rest = slice_of(l->s->restriction_classes.text), word;
    struct where at = l->s->restriction_classes.where;

    for (int count = 0; slice_word(&rest, ", \t\r\n", &word); count++) {
        if (count == CLASSES_MAX) {
            problems_add(l->problems, SEV_ERROR, at, "restriction_classes: more than %d names",
                         CLASSES_MAX);
            return;
        }
        load_class(l, arena_strndup(l->s->arena, word.ptr, word.len), at);
    }
}

/* Errors of main.cf are Postfix's to refuse; here they are warnings, and what it warns of is no
 * news. */
static void read_main_cf(struct loader *l)
{
    struct settings *s = l->s;
    const struct param *row;
    struct problems found = {0};
    struct raw raw;
    int none;

    row = settings_row("postfix_config_directory", &none);
    raw = plain_raw(l, row);
    s->postfix_config_directory = "";
    store(l, row, &raw, 0);
    if (s->postfix_config_directory[0] == '\0')
        return;
    s->main_cf = conf_path(s->postfix_config_directory, "main.cf", s->arena);
    if (access(s->main_cf, F_OK) != 0) {
        problems_add(l->problems, SEV_NOTE, raw.where,
                     "no %s: site facts are presets; set postfix_config_directory (empty where "
                     "there is no Postfix)", s->main_cf);
        s->main_cf = NULL;
        return;
    }
    s->main_conf = conf_new();
    conf_read(s->main_conf, s->main_cf, &found);
    for (size_t i = 0; i < found.count; i++)
        if (found.list[i].severity == SEV_ERROR)
            problems_add(l->problems, SEV_WARNING,
                         (struct where){found.list[i].file, found.list[i].line}, "%s",
                         found.list[i].text);
    problems_free(&found);
}

/* The words of the row, in their order. */
static int facility(int word)
{
    static const int facilities[] = {LOG_MAIL,   LOG_DAEMON, LOG_USER,   LOG_AUTH,
                                     LOG_LOCAL0, LOG_LOCAL1, LOG_LOCAL2, LOG_LOCAL3,
                                     LOG_LOCAL4, LOG_LOCAL5, LOG_LOCAL6, LOG_LOCAL7};

    return facilities[word];
}

/* Names made up for $name, so that `tamis conf` can show them. They are expanded where they are
 * used only: each of 100,000 may need the next. */
static void load_others(struct loader *l)
{
    const struct setting **others = settings_report_names(l->s, l->problems);

    for (size_t i = 0; others[i] != NULL; i++) {
        struct raw raw = raw_of_setting(others[i], true);

        remember(l, NULL, false, &raw, raw.text);
    }
    free(others);
}

/* unix:PATH or local:PATH; a relative one is beside the file that names it. */
static const char *socket_beside(const struct settings *s)
{
    const char *colon = strchr(s->socket, ':'), *path = colon != NULL ? colon + 1 : "";
    const char *dir = conf_dir(settings_place(s, "socket"), s->arena);

    if (strncasecmp(s->socket, "unix:", 5) != 0 && strncasecmp(s->socket, "local:", 6) != 0)
        return s->socket;
    path += strspn(path, " \t");
    return arena_printf(s->arena, "%.*s%s", (int)(colon + 1 - s->socket), s->socket,
                        conf_path(dir, path, s->arena));
}

static void load_all(struct loader *l)
{
    read_main_cf(l);
    for (const struct param *row = settings_rows; row->name != NULL; row++)
        load_row(l, row);
    l->s->syslog_facility = facility(l->s->syslog_facility);
    l->s->socket = socket_beside(l->s);
    load_classes(l);
    l->at = (struct where){NULL, 0};
    l->s->queue_directory = value_of(l, "queue_directory");
    load_others(l);
}

struct settings *settings_of_conf(struct conf *conf, const char *file, struct problems *problems)
{
    struct settings *s = xcalloc(1, sizeof(*s));
    struct loader l = {.s = s, .problems = problems};

    s->arena = arena_new();
    s->conf = conf;
    s->file = arena_strdup(s->arena, file);
    l.names = (struct conf_names){find, &l, NULL};
    l.given = settings_assign(conf, problems);
    load_all(&l);
    free(l.given);
    return s;
}

struct settings *settings_load(const char *file, const char *const *assignments, size_t count,
                               struct problems *problems)
{
    struct conf *conf = conf_new();

    if (file != NULL)
        conf_read(conf, file, problems);
    for (size_t i = 0; i < count; i++)
        conf_set(conf, assignments[i], problems);
    return settings_of_conf(conf, file, problems);
}
