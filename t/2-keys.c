/* 2-keys - which keys sign for whom: OpenDKIM's and dkim-filter's tables as they are, key files */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "buf.h"
#include "keys.h"
#include "keys_check.h"
#include "sign_names.h"
#include "tap.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* RFC 8463, appendix A.2, as dkimpy writes it, and another seed. */
static const char ed_seed[] = "nWGxne/9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A=\n";
static const char ed_seed2[] = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n";
#define ED_INLINE "nWGxne/9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A="

static struct arena *arena;
static struct settings *settings;
static struct problems problems;
static char *rsa_pem;

static const char *path(const char *name)
{
    return arena_printf(arena, "%s/%s", tap_dir(), name);
}

static void key(const char *name, const char *text)
{
    tap_file(name, text);
    chmod(path(name), 0600);
}

static struct keys *load(const char *conf_text)
{
    struct conf *conf = conf_new();
    const char *file = path("milter.conf");

    conf_read_text(conf, file, conf_text, strlen(conf_text), &problems);
    conf_set(conf, "postfix_config_directory=", &problems);
    settings = settings_of_conf(conf, file, &problems);
    return keys_load(settings, &problems);
}

static void unload(struct keys *keys)
{
    keys_free(keys);
    settings_free(settings);
    problems_free(&problems);
}

/* Every problem but notes, a line each, without the directory. */
static const char *said(void)
{
    struct buf b = {0};
    const char *text;
    size_t len = strlen(tap_dir()) + 1;

    for (size_t i = 0; i < problems.count; i++) {
        char *line, *found;

        if (problems.list[i].severity == SEV_NOTE)
            continue;
        line = problem_text(&problems.list[i]);
        while ((found = strstr(line, tap_dir())) != NULL)
            memmove(found, found + len, strlen(found + len) + 1);
        buf_addf(&b, "%s\n", line);
        free(line);
    }
    text = arena_strdup(arena, buf_text(&b));
    buf_free(&b);
    return text;
}

/* "domain:selector[:identity] …" */
static const char *chosen(const struct keys *keys, const char *address)
{
    const struct key_choice *list;
    size_t count = keys_select(keys, address, arena, &list);
    struct buf b = {0};
    const char *text;

    for (size_t i = 0; i < count; i++)
        buf_addf(&b, "%s%s:%s%s%s", i ? " " : "", list[i].domain, list[i].selector,
                 list[i].identity != NULL ? ":" : "",
                 list[i].identity != NULL ? list[i].identity : "");
    text = arena_strdup(arena, buf_text(&b));
    buf_free(&b);
    return text;
}

struct case_of {
    const char *address, *want;
};

static void try_all(const char *what, const struct keys *keys, const struct case_of *cases)
{
    for (; cases->address != NULL; cases++)
        tap_is(chosen(keys, cases->address), cases->want, "%s: %s", what, cases->address);
}

static void test_file(void)
{
    static const struct case_of cases[] = {
        {"joe@example.com", "example.com:joe"},
        {"ann@example.com", "example.com:host"},
        {"ann@sub.example.com", "example.com:userdot"},
        {"bob@sub.example.com", "example.com:dot"},
        {"bob@a.sub.example.com", "example.com:dot"},
        {"eve@other.example", "other.example:userstar"},
        {"bob@other.example", "other.example:star"},
        {"bob@two.example", "two.example:rsa two.example:ed"},
        {"bob@rows.example", "rows.example:rsa rows.example:ed"},
        {"bob@three.example", "two.example:rsa rows.example:ed"},
        {"bob@ident.example", "ident.example:host:bob@mail.ident.example"},
        {"bob@blank.example", "blank.example:host:@blank.example"},
        {"bob@away.example", "example.com:host"},
        {"bob@xn--bcher-kva.example", "xn--bcher-kva.example:host"},
        {"no domain", ""},
        {"x@", ""},
        {"x@../etc", ""},
        {NULL, NULL},
    };
    struct keys *keys;

    tap_file("KeyTable",
             "# comment\n\n"
             "joe example.com:joe:keys/rsa\n"
             "Host\texample.com:host:./keys/rsa.pem\n"
             "userdot example.com:userdot:keys/ed\n"
             "dot example.com:dot:" ED_INLINE "\n"
             "userstar %:userstar:keys/ed\n"
             "star %:star:keys/ed:ed25519-sha256 # a comment\n"
             "two-rsa two.example:rsa:keys/rsa:rsa-sha256\r\n"
             "two-ed two.example:ed:keys/ed\n"
             "rows-rsa rows.example:rsa:keys/rsa\n"
             "rows-ed rows.example:ed:keys/ed\n"
             "any %:host:keys/rsa\n"
             "   indented example.com:indented:keys/rsa\n");
    chmod(path("KeyTable"), 0600); /* it holds a key */
    tap_file("SigningTable",
             "joe@example.com joe\n"
             "example.com host\n"
             "ann@.example.com userdot\n"
             ".example.com dot\n"
             "eve@* userstar\n"
             "* star\n"
             "two.example two-rsa,two-ed\n"
             "rows.example rows-rsa\n"
             "ROWS.example rows-ed # the second\n"
             "three.example  two-rsa , rows-ed\n"
             "ident.example any:bob@mail.%\n"
             "blank.example any @%\n"
             "away.example host @%\n"
             "b\303\274cher.example any\n");
    keys = load("key_table = file:KeyTable\nsigning_table = SigningTable\n");
    tap_is(said(), "", "nothing to say about OpenDKIM's tables");
    tap_ok(!keys_are_empty(keys), "there are keys");
    try_all("file", keys, cases);
    unload(keys);
    keys = load("key_table = file:KeyTable\nsigning_table = file:SigningTable\n"
                "multiple_signatures = yes\n");
    tap_is(chosen(keys, "joe@example.com"),
           "example.com:joe example.com:host example.com:star", "all rows that match");
    unload(keys);
}

static void test_refile(void)
{
    static const struct case_of cases[] = {
        {"joe@example.com", "example.com:a"},
        {"joe@sub.example.com", "example.com:b"},
        {"x+y@strange.example", "strange.example:b"},
        {"a.c@dots.example", "dots.example:a"},
        {"abc@dots.example", ""},
        {"joe@nobody.example", ""},
        {"bob@both.example", "both.example:a both.example:b"},
        {"bob@named.example", "named.example:a"},
        {"bob@unnamed.example", ""},
        {NULL, NULL},
    };
    struct keys *keys;

    tap_file("KeyTable", "a %:a:keys/rsa\nb %:b:keys/ed\nb2 example.com:b:keys/ed\n"
                         "named.example %:a:keys/rsa\n");
    tap_file("SigningTable", "*@Example.com a\n*@*.example.com b2\n*+*@strange.example b\n"
                             "a.c@dots.example a\n*@both.example a\n*@both.example b\n"
                             "*@n*.example %\n*@unnamed.example %\n*@*.com a\n");
    keys = load("key_table = KeyTable\nsigning_table = refile:SigningTable\n");
    tap_is(said(), "", "nothing to say about a refile");
    try_all("refile", keys, cases);
    unload(keys);
    keys = load("key_table = csl:one=example.com:one:keys/rsa,two=example.com:two:keys/ed\n"
                "signing_table = csl:example.com=one,joe@example.com=two\n");
    tap_is(said(), "", "nothing to say about lists in the value");
    tap_is(chosen(keys, "joe@example.com"), "example.com:two", "csl");
    tap_is(chosen(keys, "ann@example.com"), "example.com:one", "csl, the domain");
    unload(keys);
}

static void test_percent(void)
{
    struct keys *keys;

    mkdir(path("per"), 0700);
    mkdir(path("per/d1.example"), 0700);
    mkdir(path("per/d2.example"), 0700);
    key("per/d1.example/mail", ed_seed);
    key("per/d2.example/mail", ed_seed2);
    key("per/d3.example.private", ed_seed2);
    key("per/..private", ed_seed2);
    tap_file("KeyTable", "each %:mail:./per/%/mail\nflat %:flat:per/%.private\n"
                         "fixed d9.example:fixed:per/%.private\n");
    tap_file("SigningTable", "*@fixed.example fixed\n*@d3.example flat,fixed\n* each\n");
    keys = load("key_table = KeyTable\nsigning_table = refile:SigningTable\n");
    tap_is(said(), "", "paths with %%");
    tap_is(chosen(keys, "x@d1.example"), "d1.example:mail", "a domain with a file");
    tap_is(chosen(keys, "x@d3.example"), "d3.example:flat d9.example:fixed", "d= may be another");
    tap_is(chosen(keys, "x@d4.example"), "", "a domain without a file");
    tap_is(chosen(keys, "x@../per/d1.example"), "", "what is no domain");
    tap_is(chosen(keys, "x@d1.example/mail"), "", "nor this");
    tap_is(chosen(keys, "x@.d1.example"), "", "nor that");
    unload(keys);
}

static void test_key_list(void)
{
    struct keys *keys;

    mkdir(path("DIR"), 0700);
    mkdir(path("DIR/example.net"), 0700);
    key("DIR/example.org.private", rsa_pem);
    key("DIR/example.net.pem", rsa_pem);
    key("DIR/four", ed_seed);
    tap_file("keylist", arena_printf(arena,
             "# dkim-filter\n\n"
             "joe@example.org:example.org:%s/DIR/four # not-after=2027-06-30\n"
             "*@example.org:example.org:%s/DIR/example.org\n"
             "*@example.net:example.net:DIR/example.net\n"
             "*@four.example:Four.example:sel.ector:DIR/four\n"
             "*:rest.example:DIR/four\n", tap_dir(), tap_dir()));
    keys = load("key_list = keylist\n");
    tap_is(said(), "", "nothing to say about a KeyList");
    tap_is(chosen(keys, "joe@example.org"), "example.org:four", "the first that matches");
    tap_is(chosen(keys, "ann@example.org"), "example.org:example.org", "only .private is there");
    tap_is(chosen(keys, "ann@example.net"), "example.net:example.net", "a directory, and .pem");
    tap_is(chosen(keys, "ann@four.example"), "four.example:sel.ector", "four fields");
    tap_is(chosen(keys, "ann@else.example"), "rest.example:four", "anybody");
    unload(keys);
    keys = load("key_list = keylist\nmultiple_signatures = yes\n");
    tap_is(chosen(keys, "joe@example.org"),
           "example.org:four example.org:example.org rest.example:four", "all that match");
    unload(keys);
}

static void test_plain(void)
{
    const struct key_choice *list;
    struct keys *keys;

    keys = load("signing_key = example.org:r:keys/rsa, Example.ORG:e:keys/ed\n"
                "    not-before=2027-01-01 not-after=2027-06-30T12:00:00Z, b.example:b:keys/ed\n");
    tap_is(said(), "", "signing_key");
    tap_is(chosen(keys, "joe@example.org"), "example.org:r example.org:e", "both keys");
    tap_is(chosen(keys, "joe@sub.example.org"), "", "but not for subdomains");
    tap_is(chosen(keys, "joe@b.example"), "b.example:b", "another domain");
    keys_select(keys, "joe@example.org", arena, &list);
    tap_is_int(list[0].not_before, 0, "always");
    tap_is_int(list[1].not_before, 1798761600, "not-before");
    tap_is_int(list[1].not_after, 1814356800, "not-after");
    tap_ok(list[1].key != list[0].key, "two keys");
    tap_is(list[0].path, path("keys/rsa"), "the file");
    tap_is_int(list[0].where.line, 1, "the line");
    unload(keys);
    tap_file("KeyTable", "a %:a:keys/rsa # good not-before=2027-01-01 not-after=2027-01-02\n");
    tap_file("SigningTable", "* a\n");
    keys = load("key_table = KeyTable\nsigning_table = SigningTable\n"
                "key_list = keylist\nsigning_key = d.example:s:keys/rsa\n");
    keys_select(keys, "joe@example.org", arena, &list);
    tap_is_int(list[0].not_before, 1798761600, "in a comment");
    tap_is_int(list[0].not_after, 1798934399, "the whole day");
    tap_is(list[0].rule.file, path("SigningTable"), "the row that chose it");
    tap_is(chosen(keys, "joe@example.org"), "example.org:a", "the first of several lists decides");
    unload(keys);
    keys = load("");
    tap_ok(keys_are_empty(keys), "no keys");
    tap_is(chosen(keys, "joe@example.org"), "", "and nothing to sign with");
    unload(keys);
}

struct bad {
    const char *key_table, *signing_table, *want;
};

static const struct bad bads[] = {
    {"a\n", "", "KeyTable:1: error: write NAME DOMAIN:SELECTOR:PATH, as in OpenDKIM's KeyTable\n"},
    {"a d.example:s\n", "",
     "KeyTable:1: error: write NAME DOMAIN:SELECTOR:PATH, as in OpenDKIM's KeyTable\n"},
    {"a d..example:s:keys/rsa\n", "", "KeyTable:1: error: \"d..example\" is no domain: write one, "
     "or % for that of the From field\n"},
    {"a d.example:s/x:keys/rsa\n", "", "KeyTable:1: error: \"s/x\" is no selector: write letters, "
     "digits, hyphens, and dots between them\n"},
    {"\na d.example:s:keys/none\n", "", "KeyTable:2: error: keys/none: No such file or directory: "
     "correct the path, or make the key with tamis dkim genkey\n"},
    {"a d.example:s:keys/rsa:rsa-sha1\n", "",
     "KeyTable:1: error: rsa-sha1 is not to be used any more (RFC 8301): write rsa-sha256\n"},
    {"a d.example:s:keys/rsa:ed25519-sha256\n", "", "KeyTable:1: error: ed25519-sha256, but "
     "keys/rsa holds a key for rsa-sha256: correct one of them\n"},
    {"a d.example:s:keys/rsa:md5\n", "", "KeyTable:1: error: md5 is no algorithm: write rsa-sha256 "
     "or ed25519-sha256, or leave it out\n"},
    {"a d.example:s:keys/rsa:rsa-sha256:x\n", "",
     "KeyTable:1: error: more than four fields: a path may hold no colon\n"},
    {"a d.example:s:keys/rsa\na d.example:t:keys/rsa\n", "", "KeyTable:2: warning: a was already "
     "defined in line 1, which counts: remove one of them\n"},
    {"a d.example:s:keys/rsa # not-before=tomorrow\n", "", "KeyTable:1: error: not-before=tomorrow:"
     " write a day or a time in UTC, as 2026-10-01 or 2026-10-01T12:30:00Z\n"},
    {"a d.example:s:keys/rsa # not-before=2027-02-01 not-after=2027-01-01\n", "", "KeyTable:1: "
     "error: not-after is before not-before: this key never signs\n"},
    {"a %:s:keys/none.%\n", "", "KeyTable:1: warning: no file is named like keys/none.% with a "
     "domain in place of %: nothing is signed with this row\n"},
    {"a d.example:s:keys\n", "", "KeyTable:1: error: keys is no file\n"},
    {"", "d.example\n", "SigningTable:1: error: write PATTERN KEY, with a KEY of key_table, as in "
     "OpenDKIM's SigningTable\n"},
    {"", "d.example a\n", "SigningTable:1: error: key_table has no key \"a\": add it there, or "
     "correct the name here\n"},
    {"a d.example:s:keys/rsa\n", "d.example a x@e.example\n", "SigningTable:1: warning: the "
     "identity (i=) x@e.example is not within d.example, and is left out: correct or remove it\n"},
    {"a d.example:s:keys/rsa\n", "d.example a x\n", "SigningTable:1: error: \"x\" is no identity "
     "(i=): write user@domain or @domain\n"},
    {"a d.example:s:keys/rsa\n", "*@d.example a\n", "SigningTable:1: warning: *@d.example never "
     "matches in a file: write signing_table = refile:FILE, or the domain alone\n"},
};

static void test_problems(void)
{
    struct keys *keys;

    for (size_t i = 0; i < ARRAY_LEN(bads); i++) {
        tap_file("KeyTable", bads[i].key_table);
        tap_file("SigningTable", bads[i].signing_table);
        keys = load("key_table = KeyTable\nsigning_table = SigningTable\n");
        tap_is(said(), bads[i].want, "problem %zu", i + 1);
        unload(keys);
    }
    keys = load("key_table = KeyTable\n");
    tap_is(said(), "milter.conf:1: error: key_table needs signing_table, which says whose mail its "
                   "keys sign\n", "key_table alone");
    unload(keys);
    keys = load("key_list = none\n");
    tap_ok(problems.errors == 1 && strstr(said(), "none") != NULL, "a list that is not there");
    unload(keys);
    tap_file("keylist", "a:b\n*:d.example:keys/none\n*:d.example:keys/mail.private\n"
                        "d.example:d.example:keys/rsa\n");
    key("keys/mail.private", ed_seed);
    keys = load("key_list = keylist\nsigning_key = x:y\n");
    tap_is(said(),
           "keylist:1: error: write PATTERN:DOMAIN:PATH, or PATTERN:DOMAIN:SELECTOR:PATH, as in "
           "dkim-filter's KeyList\n"
           "keylist:2: error: there is no keys/none, nor keys/none.pem, nor keys/none.private: "
           "correct the path, or make the key with tamis dkim genkey\n"
           "keylist:3: warning: the selector is \"mail.private\", as dkim-filter would have it: "
           "leave the ending of the path out if the record is at another name\n"
           "keylist:4: warning: d.example never matches an address: write *@d.example\n"
           "milter.conf:2: error: signing_key: \"x:y\": write DOMAIN:SELECTOR:PATH\n", "lists");
    unload(keys);
    keys = load("key_table = mysql:/x\nsigning_table = csl:a=b\n");
    tap_ok(strstr(said(), "key_table: mysql: is no kind of list that tamis reads") != NULL,
           "a kind of list that is not ours");
    unload(keys);
    keys = load("KeyList /etc/mail/keylist\nKEYTABLE refile:/x\nSelector mail\n");
    tap_is(said(),
           "milter.conf:1: error: KeyList is a setting of OpenDKIM or dkim-filter: write key_list "
           "= /etc/mail/keylist\n"
           "milter.conf:2: error: KEYTABLE is a setting of OpenDKIM or dkim-filter: write "
           "key_table = refile:/x\n"
           "milter.conf:3: error: Selector is a setting of OpenDKIM or dkim-filter: write "
           "signing_key = DOMAIN:SELECTOR:KEYFILE, with this selector, the Domain and the "
           "KeyFile\n", "pasted lines");
    unload(keys);
}

static const char *judged(const char *name)
{
    struct keys *keys = load(arena_printf(arena, "signing_key = d.example:s:%s\n", name));
    const char *text = said();

    unload(keys);
    return text;
}

static void test_rights(void)
{
    mkdir(path("open"), 0755);
    mkdir(path("open/in"), 0700);
    key("open/in/k", ed_seed);
    chmod(path("keys/ed"), 0644);
    tap_is(judged("keys/ed"), "milter.conf:1: error: keys/ed: everybody may read this private key "
           "(mode 0644): chmod 0600 keys/ed\n", "readable by all");
    chmod(path("keys/ed"), 0602);
    tap_is(judged("keys/ed"), "milter.conf:1: error: keys/ed: everybody may write this private key "
           "(mode 0602): chmod 0600 keys/ed\n", "writable by all");
    chmod(path("keys/ed"), 0620);
    tap_is(judged("keys/ed"), "milter.conf:1: error: keys/ed: its group may write this private key "
           "(mode 0620): chmod 0600 keys/ed\n", "writable by the group");
    chmod(path("keys/ed"), 0640);
    tap_is(judged("keys/ed"), "", "readable by our group");
    chmod(path("keys/ed"), 0400);
    tap_is(judged("keys/ed"), "", "read only");
    chmod(path("keys/ed"), 0600);
    tap_is(judged("open/in/k"), "", "in a directory in a directory");
    chmod(path("open"), 0777);
    tap_is(judged("open/in/k"), "milter.conf:1: error: open: everybody may write there (mode 0777),"
           " and so exchange the private keys below it: chmod o-w open\n", "a directory above");
    chmod(path("open"), 01777);
    tap_is(judged("open/in/k"), "", "with the sticky bit nobody can");
    if (geteuid() == 0 && chown(path("keys/ed"), 65534, 65534) == 0) {
        tap_ok(strstr(judged("keys/ed"), "who can read this private key: chown tamis keys/ed") !=
                   NULL, "somebody else's");
        tap_ok(chown(path("keys/ed"), 0, 0) == 0, "ours again");
    }
    key("keys/bad", "-----BEGIN nothing\n");
    tap_ok(strncmp(judged("keys/bad"), "milter.conf:1: error: keys/bad: ", 32) == 0, "no key");
    key("keys/empty", "");
    tap_ok(strncmp(judged("keys/empty"), "milter.conf:1: error: keys/empty: ", 34) == 0, "empty");
}

static void count(const struct key_choice *choice, void *arg)
{
    (void)choice;
    ++*(int *)arg;
}

static void count_file(const char *file, void *arg)
{
    (void)file;
    ++*(int *)arg;
}

static void test_many(void)
{
    struct buf table = {0}, signing = {0};
    int keys_seen = 0, files_seen = 0;
    struct keys *keys;

    for (int i = 0; i < 5000; i++) {
        buf_addf(&table, "k%d d%d.example:s:keys/ed\n", i, i);
        buf_addf(&signing, "d%d.example k%d\n", i, i);
    }
    tap_file("KeyTable", buf_text(&table));
    tap_file("SigningTable", buf_text(&signing));
    keys = load("key_table = KeyTable\nsigning_table = SigningTable\n");
    tap_is(said(), "", "5,000 domains");
    tap_is(chosen(keys, "x@d4711.example"), "d4711.example:s", "one of them");
    keys_each(keys, count, &keys_seen);
    keys_each_file(keys, count_file, &files_seen);
    tap_is_int(keys_seen, 5000, "each key");
    tap_is_int(files_seen, 3, "but three files");
    unload(keys);
    buf_free(&table);
    buf_free(&signing);
}

static bool has_users(const char *passwd)
{
    FILE *in = fmemopen((void *)(uintptr_t)passwd, strlen(passwd), "r");
    bool found = keys_check_users(in, 1001);

    fclose(in);
    return found;
}

static const char *socket_warning(const char *conf_text, bool users)
{
    struct keys *keys = load(conf_text);
    const char *text;

    keys_check_socket(keys, settings, users, &problems);
    text = said();
    unload(keys);
    return text;
}

static void test_socket(void)
{
    tap_ok(!has_users("root:x:0:0::/root:/bin/bash\nmail:x:8:8::/:/bin/sh\n"
                      "nobody:x:65534:65534::/:/bin/sh\njob:x:1005:1005::/:/usr/sbin/nologin\n"
                      "tamis:x:1001:1001::/:/bin/sh\n"), "nobody can log in");
    tap_ok(has_users("root:x:0:0::/root:/bin/bash\njoe:x:1000:1000::/:/bin/zsh\n"),
           "joe can");
    tap_ok(has_users("joe:x:1000:1000::/:\n"), "with the usual shell");
    tap_is(socket_warning("socket = inet:8894@127.0.0.1\nsigning_key = d.example:s:keys/ed\n", true),
           "milter.conf:1: warning: socket = inet:8894@127.0.0.1: this host has local users, and "
           "any of them could ask for a signature with the keys: unix:PATH is the answer\n",
           "an inet socket and local users");
    tap_is(socket_warning("socket = inet:8894@127.0.0.1\nsigning_key = d.example:s:keys/ed\n",
                          false), "", "an inet socket without local users");
    tap_is(socket_warning("socket = inet6:8894@[::1]\nsigning_key = d.example:s:keys/ed\n",
                          false), "", "the same with IPv6");
    tap_is(socket_warning("socket = inet:8894\nsigning_key = d.example:s:keys/ed\n", false),
           "milter.conf:1: warning: socket = inet:8894: whoever reaches it could ask for a "
           "signature with the keys: unix:PATH is the answer\n", "every address");
    tap_is(socket_warning("socket = unix:/s\nsigning_key = d.example:s:keys/ed\n", true), "",
           "a unix socket");
    tap_is(socket_warning("socket = inet:8894\n", true), "", "no keys");
}

static const char *joined(const char *const *names)
{
    const char *out = "";

    for (; *names != NULL; names++)
        out = arena_printf(arena, "%s%s%s", out, out[0] ? "," : "", *names);
    return out;
}

static void test_names(void)
{
    static const char preset[] =
        "From,Reply-To,Subject,Date,To,Cc,Message-ID,Sender,In-Reply-To,References,MIME-Version,"
        "Content-Type,Content-Transfer-Encoding,Content-ID,Content-Description,Resent-Date,"
        "Resent-From,Resent-Sender,Resent-To,Resent-Cc,Resent-Message-ID,List-Id,List-Help,"
        "List-Unsubscribe,List-Unsubscribe-Post,List-Subscribe,List-Post,List-Owner,List-Archive,"
        "Feedback-ID";
    struct keys *keys = load("");
    struct sign_fields *fields = sign_names_read(settings, arena, &problems);

    tap_is(joined(fields->sign), preset, "what is signed");
    tap_is(joined(fields->oversign),
           "From,To,Cc,Subject,Date,Message-ID,Reply-To,MIME-Version,Content-Type",
           "and once more");
    unload(keys);
    keys = load("dkim_sign_headers = Subject,subject, X-Own\ndkim_oversign_headers = From,To\n");
    fields = sign_names_read(settings, arena, &problems);
    tap_is(joined(fields->sign), "From,Subject,X-Own,To", "names; From and what is oversigned");
    unload(keys);
    keys = load("dkim_sign_headers = *,+X-Own,-Feedback-ID\ndkim_oversign_headers =\n");
    fields = sign_names_read(settings, arena, &problems);
    tap_is(joined(fields->sign) + strlen(preset) - strlen(",Feedback-ID"), ",X-Own",
           "OpenDKIM's changes");
    tap_is(joined(fields->oversign), "", "nothing oversigned");
    unload(keys);
    keys = load("dkim_sign_headers = +X;, -From, Received\n");
    sign_names_read(settings, arena, &problems);
    tap_is(said(),
           "milter.conf:1: error: \"X;\" is no name of a header field: separate names by commas\n"
           "milter.conf:1: warning: From is always signed (RFC 6376, 5.4): remove -From\n"
           "milter.conf:1: warning: Received changes on the way, and is left out: remove it "
           "(RFC 6376, 5.4)\n", "what cannot be");
    unload(keys);
}

int main(void)
{
    struct dkim_key *rsa;

    tap_start(120);
    umask(022);
    arena = arena_new();
    rsa = dkim_key_generate(DKIM_RSA_SHA256, 2048, NULL);
    rsa_pem = dkim_key_pem(rsa, NULL);
    mkdir(path("keys"), 0700);
    key("keys/rsa", rsa_pem);
    key("keys/rsa.pem", rsa_pem);
    key("keys/ed", ed_seed);
    test_file();
    test_refile();
    test_percent();
    test_key_list();
    test_plain();
    test_problems();
    test_rights();
    test_many();
    test_socket();
    test_names();
    dkim_key_free(rsa);
    dkim_secret_free(rsa_pem);
    arena_free(arena);
    return tap_done();
}
