/* dkim_result - what is known about each DKIM signature of a mail, and about the mail */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "dkim_result.h"

const char *dkim_result_name(enum dkim_result result)
{
    static const char *const names[] = {"none",    "pass",      "fail",     "policy",
                                        "neutral", "temperror", "permerror"};

    return names[result];
}

enum dkim_result dkim_result_of(const struct dkim_signature *signature, size_t count)
{
    static const enum dkim_result order[] = {DKIM_PASS,   DKIM_TEMPERROR, DKIM_FAIL,
                                             DKIM_POLICY, DKIM_PERMERROR, DKIM_NEUTRAL};

    for (size_t o = 0; o < ARRAY_LEN(order); o++)
        for (size_t i = 0; i < count; i++)
            if (signature[i].result == order[o] && !signature[i].capped)
                return order[o];
    return DKIM_NONE;
}
