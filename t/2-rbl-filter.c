/* 2-rbl-filter - filters of block lists: what they let through, what is no filter */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "rbl_filter.h"
#include "tap.h"

#include <string.h>

static bool matches(const char *filter, const char *address)
{
    struct rbl_filter f;
    struct addr addr;
    struct err err;

    addr_parse(slice_of(address), &addr);
    return rbl_filter_parse(slice_of(filter), &f, &err) && rbl_filter_matches(&f, &addr);
}

static void test_matches(void)
{
    static const struct {
        const char *filter, *address;
        bool want;
    } rows[] = {
        {"127.0.0.2", "127.0.0.2", true},
        {"127.0.0.2", "127.0.0.3", false},
        {"127.0.0.2", "127.0.1.2", false},
        {"127.0.0.[2;4..11]", "127.0.0.2", true},
        {"127.0.0.[2;4..11]", "127.0.0.3", false},
        {"127.0.0.[2;4..11]", "127.0.0.4", true},
        {"127.0.0.[2;4..11]", "127.0.0.11", true},
        {"127.0.0.[2;4..11]", "127.0.0.12", false},
        {"127.0.[0;2].[0..255]", "127.0.2.255", true},
        {"127.0.[0;2].[0..255]", "127.0.1.255", false},
        {"127.[0..255].[0..255].0", "127.63.64.0", true},
        {"127.[0..255].[0..255].0", "127.63.64.1", false},
        {"[127.0.0.[2;3]]", "127.0.0.3", true},
        {"[127.0.0.2]", "127.0.0.2", true},
        {"[127;128].0.0.[2]", "128.0.0.2", true},
        {"127.0.0.[31..32]", "127.0.0.31", true},
        {"127.0.0.[31..32]", "127.0.0.32", true},
        {"127.0.0.[31..32]", "127.0.0.33", false},
        {"127.000.0.002", "127.0.0.2", true},
        {"127.0.0.[3..3]", "127.0.0.3", true},
        {"127.0.0.[0..255]", "::1", false},
        {"255.255.255.255", "255.255.255.255", true},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        tap_is_int(matches(rows[i].filter, rows[i].address), rows[i].want, "%s and %s",
                   rows[i].filter, rows[i].address);
}

static void test_errors(void)
{
    static const struct {
        const char *filter, *want;
    } rows[] = {
        {"", "a number from 0 to 255, or [, is expected at \">>>\""},
        {"[]", "a number from 0 to 255, or [, is expected at \"[>>>\""},
        {"127", "a \".\" is expected at \"127>>>\""},
        {"127.0.0", "a \".\" is expected at \"127.0.0>>>\""},
        {"127.0.0.", "a number from 0 to 255, or [, is expected at \"127.0.0.>>>\""},
        {"127.0.0.2.3", "four fields are enough at \"127.0.0.2>>>.3\""},
        {"127.0.0.2x", "four fields are enough at \"127.0.0.2>>>x\""},
        {"127.0.0.2[3]", "four fields are enough at \"127.0.0.2>>>[3]\""},
        {"127.0.0.256", "a number from 0 to 255, or [, is expected at \"127.0.0.>>>256\""},
        {"127.0.0.99999999999999999999",
         "a number from 0 to 255, or [, is expected at \"127.0.0.>>>99999999999999999999\""},
        {"127.0.0.-1", "a number from 0 to 255, or [, is expected at \"127.0.0.>>>-1\""},
        {"127.0.0.[", "a number from 0 to 255 is expected at \"127.0.0.[>>>\""},
        {"127.0.0.[]", "a number from 0 to 255 is expected at \"127.0.0.[>>>]\""},
        {"127.0.0.[2", "\";\", \"..\" or \"]\" is expected at \"127.0.0.[2>>>\""},
        {"127.0.0.[2,3]", "\";\", \"..\" or \"]\" is expected at \"127.0.0.[2>>>,3]\""},
        {"127.0.0.[2;]", "a number from 0 to 255 is expected at \"127.0.0.[2;>>>]\""},
        {"127.0.0.[2..]", "a number from 0 to 255 is expected at \"127.0.0.[2..>>>]\""},
        {"127.0.0.[2.3]", "\";\", \"..\" or \"]\" is expected at \"127.0.0.[2>>>.3]\""},
        {"127.0.0.[4..2]",
         "the end of a range is less than its beginning at \"127.0.0.[4..2>>>]\""},
        {"127.0.[0.2]", "\";\", \"..\" or \"]\" is expected at \"127.0.[0>>>.2]\""},
        {"[127.0.0.2", "the ] is missing at \">>>[127.0.0.2\""},
        {"[1;2]", "a \".\" is expected at \"[1>>>;2\""},
        {"a.b.c.d", "a number from 0 to 255, or [, is expected at \">>>a.b.c.d\""},
    };
    struct rbl_filter filter;

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct err err = {""};
        bool good = rbl_filter_parse(slice_of(rows[i].filter), &filter, &err);

        tap_is(good ? "(taken)" : err.text, rows[i].want, "no filter: %s", rows[i].filter);
    }
}

int main(void)
{
    tap_start(30);
    test_matches();
    test_errors();
    return tap_done();
}
