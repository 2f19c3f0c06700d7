/* 2-key-watch - rotation: the newest key whose record is there signs; who waits, who is retired */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "buf.h"
#include "key_watch.h"
#include "tap.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <utime.h>

enum { NAMES = 8 };
#define NOW 1800000000 /* 2027-01-15 */

/* A DNS made of a few records. */
static struct canned {
    const char *name, *text; /* NULL: NXDOMAIN; "?": nobody answers */
} zone[NAMES];
static int asked, under_way, most_under_way;

static struct arena *arena;
static struct settings *settings;
static struct keys *keys;

static void *start(void *arg, const char *name)
{
    (void)arg;
    asked++;
    under_way++;
    if (under_way > most_under_way)
        most_under_way = under_way;
    return xstrdup(name);
}

static void wait_for(void *arg, void *job, struct arena *a, struct dns_answer *answer)
{
    struct dns_record *record = arena_alloc(a, sizeof(*record));

    (void)arg;
    under_way--;
    *answer = (struct dns_answer){.state = DNS_NXDOMAIN};
    for (size_t i = 0; i < NAMES && zone[i].name != NULL; i++)
        if (strcmp(zone[i].name, job) == 0 && zone[i].text != NULL) {
            if (strcmp(zone[i].text, "?") == 0) {
                *answer = (struct dns_answer){.state = DNS_TEMPERROR, .why = "SERVFAIL"};
                break;
            }
            record->type = DNS_TXT;
            record->txt.joined = slice_of(zone[i].text);
            record->txt.strings = &record->txt.joined;
            record->txt.count = 1;
            *answer = (struct dns_answer){.state = DNS_FOUND, .ttl = 300, .records = record,
                                          .count = 1};
        }
    free(job);
}

static const struct key_asker asker = {start, wait_for, NULL, 0};

static void publish(const char *name, const char *text)
{
    size_t i = 0;

    while (i < NAMES && zone[i].name != NULL && strcmp(zone[i].name, name) != 0)
        i++;
    zone[i] = (struct canned){name, text};
}

static const char *path(const char *name)
{
    return arena_printf(arena, "%s/%s", tap_dir(), name);
}

/* An Ed25519 key of that day; returns its record. */
static const char *make(const char *name, enum dkim_algorithm algorithm, int64_t made)
{
    struct dkim_key *key = dkim_key_generate(algorithm, 1024, NULL);
    struct utimbuf times = {made, made};
    const char *record = key_record_text(key, "", arena);
    char *pem = dkim_key_pem(key, NULL);

    tap_file(name, pem);
    chmod(path(name), 0600);
    utime(path(name), &times);
    dkim_secret_free(pem);
    dkim_key_free(key);
    return record;
}

static void unload(void)
{
    keys_free(keys);
    settings_free(settings);
    keys = NULL;
    settings = NULL;
}

static void load(const char *text)
{
    struct problems problems = {0};
    struct conf *conf = conf_new();
    const char *file = path("milter.conf");

    unload();
    conf_read_text(conf, file, text, strlen(text), &problems);
    conf_set(conf, "postfix_config_directory=", &problems);
    settings = settings_of_conf(conf, file, &problems);
    keys = keys_load(settings, &problems);
    tap_is_int((long long)problems.errors, 0, "keys are read");
    problems_free(&problems);
}

/* The selectors that sign. */
static const char *signs(struct key_watch *watch, const char *address, int64_t now)
{
    const struct key_choice *list, **chosen;
    size_t count = keys_select(keys, address, arena, &list);
    const char *out = "";

    count = key_watch_choose(watch, list, count, now, arena, &chosen);
    for (size_t i = 0; i < count; i++)
        out = arena_printf(arena, "%s%s%s", out, i ? " " : "", chosen[i]->selector);
    return out;
}

static void add_report(const struct key_report *report, void *arg)
{
    buf_addf(arg, "%s %s (%s) %s\n", report->choice->selector, key_role_name(report->role),
             key_state_name(report->state), report->why);
}

static const char *roles(struct key_watch *watch, int64_t now)
{
    struct buf b = {0};
    const char *text;

    key_watch_report(watch, keys, now, add_report, &b);
    text = arena_strdup(arena, buf_text(&b));
    buf_free(&b);
    return text;
}

static const char *old_record, *new_record, *rsa_record;
#define OLD "old._domainkey.example.org"
#define NEW "new._domainkey.example.org"
#define RSA "rsa._domainkey.example.org"

static void test_rotation(void)
{
    struct key_watch *watch = key_watch_new(&asker);
    const char *me = "me@example.org";

    load("signing_key = example.org:rsa:rsa.pem, example.org:old:old.pem, example.org:new:new.pem");
    tap_is(signs(watch, me, NOW), "rsa new", "before anything is known: the newest");
    tap_is(signs(NULL, me, NOW), "rsa new", "and so where nobody watches");
    publish(OLD, old_record);
    publish(RSA, rsa_record);
    tap_is_int(key_watch_run(watch, keys, NOW, true), KEY_WATCH_WAITING, "when to ask again");
    tap_is_int(asked, 3, "each once");
    tap_ok(most_under_way == 3, "side by side");
    tap_is(signs(watch, me, NOW), "rsa old", "the newest that is published, of each algorithm");
    tap_is(roles(watch, NOW), "rsa signs (ready) \nold signs (ready) \n"
           "new waits (no record) there is no such name: publish the record\n", "who does what");
    publish(NEW, new_record);
    key_watch_run(watch, keys, NOW + 10, false);
    tap_is_int(asked, 3, "not asked again at once");
    tap_is_int(key_watch_run(watch, keys, NOW + KEY_WATCH_WAITING, false),
               KEY_WATCH_READY - KEY_WATCH_WAITING, "then hourly");
    tap_is_int(asked, 4, "those that wait are asked for sooner");
    tap_is(signs(watch, me, NOW), "rsa new", "the new one has taken over");
    tap_is(roles(watch, NOW), "rsa signs (ready) \nold retired (ready) a newer key signs\n"
           "new signs (ready) \n", "the old one is retired");
    publish(NEW, "?");
    tap_is_int(key_watch_run(watch, keys, NOW + 2 * KEY_WATCH_READY, false), KEY_WATCH_UNKNOWN,
               "no answer: soon again");
    tap_is(signs(watch, me, NOW), "rsa new", "no answer changes nothing");
    publish(NEW, old_record);
    key_watch_run(watch, keys, NOW + 3 * KEY_WATCH_READY, false);
    tap_is(signs(watch, me, NOW), "rsa old", "another key's record does");
    publish(OLD, NULL);
    key_watch_run(watch, keys, NOW + 4 * KEY_WATCH_READY, false);
    tap_is(signs(watch, me, NOW), "rsa old", "none is ready: one that is not seen, not a wrong one");
    publish(OLD, "v=DKIM1; k=ed25519; p=");
    key_watch_run(watch, keys, NOW + 5 * KEY_WATCH_READY, false);
    tap_is(signs(watch, me, NOW), "rsa", "none that is of any use");
    tap_is(roles(watch, NOW), "rsa signs (ready) \nold waits (revoked) p= is empty: the key is "
           "revoked\nnew waits (another key's record) the record belongs to another key: publish "
           "the one of this key\n", "and why");
    key_watch_free(watch);
}

static void test_reload(void)
{
    struct key_watch *watch = key_watch_new(&asker);
    const char *me = "me@example.org";

    publish(OLD, old_record);
    publish(NEW, new_record);
    load("signing_key = example.org:old:old.pem");
    key_watch_run(watch, keys, NOW, true);
    asked = 0;
    load("signing_key = example.org:old:old.pem, example.org:new:new.pem");
    tap_is(signs(watch, me, NOW), "old", "a new key waits until its record was seen");
    key_watch_run(watch, keys, NOW + 1, true);
    tap_is_int(asked, 2, "a load asks for all");
    tap_is(signs(watch, me, NOW), "new", "then it signs");
    new_record = make("new.pem", DKIM_ED25519_SHA256, NOW - 1000);
    load("signing_key = example.org:old:old.pem, example.org:new:new.pem");
    tap_is(signs(watch, me, NOW), "old", "another key of the same name is a new key");
    key_watch_run(watch, keys, NOW + 2, true);
    tap_is(roles(watch, NOW), "old signs (ready) \nnew waits (another key's record) the record "
           "belongs to another key: publish the one of this key\n", "its record is the old one");
    key_watch_free(watch);
}

static void test_times(void)
{
    struct key_watch *watch = key_watch_new(&asker);
    const char *me = "me@example.org";

    publish(OLD, old_record);
    publish(NEW, new_record);
    load("signing_key = example.org:old:old.pem not-after=2027-02-01, "
         "example.org:new:new.pem not-before=2027-01-20");
    key_watch_run(watch, keys, NOW, true);
    tap_is(signs(watch, me, NOW), "old", "the new one is before its time");
    tap_is(roles(watch, NOW), "old signs (ready) \nnew waits (ready) before its time\n", "told");
    tap_is(signs(watch, me, NOW + 10 * 86400), "new", "then it is in time");
    tap_is(roles(watch, NOW + 10 * 86400), "old retired (ready) a newer key signs\n"
           "new signs (ready) \n", "told");
    tap_is(roles(watch, NOW + 30 * 86400), "old retired (ready) past its time\n"
           "new signs (ready) \n", "the old one is past its time");
    load("signing_key = example.org:old:old.pem not-after=2027-01-01");
    tap_is(signs(watch, me, NOW), "", "nothing is in time");
    key_watch_free(watch);
}

static void test_any_domain(void)
{
    struct key_watch *watch = key_watch_new(&asker);

    tap_file("KeyTable", "any %:any:old.pem\n");
    tap_file("SigningTable", "* any\n");
    load("key_table = KeyTable\nsigning_table = SigningTable\n");
    asked = 0;
    key_watch_run(watch, keys, NOW, true);
    tap_is_int(asked, 0, "a key for any domain has no record to ask for");
    publish("any._domainkey.one.example", old_record);
    tap_is(signs(watch, "me@one.example", NOW), "any", "it signs");
    key_watch_run(watch, keys, NOW, false);
    tap_is_int(asked, 1, "then its record is asked for");
    tap_is(signs(watch, "me@one.example", NOW), "any", "it is there");
    publish("any._domainkey.two.example", new_record);
    signs(watch, "me@two.example", NOW);
    key_watch_run(watch, keys, NOW, false);
    tap_is_int(asked, 2, "each once");
    tap_is(signs(watch, "me@two.example", NOW), "", "one that is wrong does not sign");
    for (int i = 0; i < 3000; i++)
        signs(watch, arena_printf(arena, "me@d%d.example", i), NOW);
    asked = 0;
    most_under_way = 0;
    key_watch_run(watch, keys, NOW, false);
    tap_is_int(asked, 998, "there is a limit to what strangers can make us ask");
    tap_is_int(most_under_way, 32, "and to what is under way");
    key_watch_free(watch);
}

static void wait_long(void *arg, void *job, struct arena *a, struct dns_answer *answer)
{
    uint64_t begun = now_us();

    while (now_us() == begun)
        continue;
    wait_for(arg, job, a, answer);
}

/* Nobody waits for a thousand records, and each has its turn. */
static void test_many(void)
{
    static const struct key_asker slow = {start, wait_long, NULL, 1};
    struct key_watch *watch = key_watch_new(&slow);
    struct buf table = {0};

    for (int i = 0; i < 80; i++)
        buf_addf(&table, "k%d d%d.example:old:old.pem\n", i, i);
    tap_file("KeyTable", buf_text(&table));
    tap_file("SigningTable", "* k79\n");
    publish("old._domainkey.d79.example", new_record);
    buf_free(&table);
    load("key_table = KeyTable\nsigning_table = SigningTable\n");
    asked = 0;
    tap_is_int(key_watch_run(watch, keys, NOW, true), 1, "patience ends: soon again");
    tap_is_int(asked, 32, "some are asked for");
    key_watch_run(watch, keys, NOW + 1000, false);
    tap_is(signs(watch, "me@a.example", NOW), "old", "one is not known yet");
    key_watch_run(watch, keys, NOW + 2000, false);
    tap_is_int(asked, 32 + 32 + 32, "the others first,");
    tap_is(signs(watch, "me@a.example", NOW), "", "though the first ones were due again");
    key_watch_free(watch);
}

static void *look(void *arg)
{
    const struct key_choice *list;
    struct arena *own = arena_new();
    size_t count = keys_select(keys, "me@example.org", own, &list), bad = 0;

    for (int i = 0; i < 20000; i++)
        bad += count == 0 || key_watch_state(arg, &list[0]) == KEY_FAULTY;
    arena_free(own);
    return bad == 0 ? arg : NULL;
}

static void test_threads(void)
{
    struct key_watch *watch = key_watch_new(&asker);
    pthread_t threads[3];
    void *result;

    load("signing_key = example.org:old:old.pem, example.org:new:new.pem");
    for (size_t i = 0; i < ARRAY_LEN(threads); i++)
        pthread_create(&threads[i], NULL, look, watch);
    for (int i = 0; i < 200; i++)
        key_watch_run(watch, keys, NOW + i, true);
    for (size_t i = 0; i < ARRAY_LEN(threads); i++) {
        pthread_join(threads[i], &result);
        tap_ok(result == watch, "a thread that looks while another asks");
    }
    key_watch_free(watch);
}

int main(void)
{
    tap_start(60);
    arena = arena_new();
    old_record = make("old.pem", DKIM_ED25519_SHA256, NOW - 20000);
    new_record = make("new.pem", DKIM_ED25519_SHA256, NOW - 10000);
    rsa_record = make("rsa.pem", DKIM_RSA_SHA256, NOW - 30000);
    test_rotation();
    test_reload();
    test_times();
    test_any_domain();
    test_many();
    test_threads();
    unload();
    arena_free(arena);
    return tap_done();
}
