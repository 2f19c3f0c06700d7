/* session_syntax - what is refused by its form alone, before any list is judged */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "session_syntax.h"

#include "address.h"

struct verdict syntax_of_mail(const struct settings *settings, const struct client *client,
                              const struct message *message)
{
    struct verdict v = {.act = ACT_REJECT, .stage = STAGE_MAIL};

    if (settings->helo_required && client->helo == NULL) {
        v.code = 503;
        v.dsn = "5.5.1";
        v.text = "Error: send HELO/EHLO first";
    } else if (settings->strict_rfc821_envelopes && !address_is_strict(&message->sender)) {
        v.code = 501;
        v.dsn = "5.1.7";
        v.text = "Bad sender address syntax";
    } else {
        v.act = ACT_DUNNO;
    }
    return v;
}

struct verdict syntax_of_rcpt(const struct settings *settings, const struct recipient *recipient)
{
    struct verdict v = {.act = ACT_DUNNO, .stage = STAGE_RCPT};

    if (settings->strict_rfc821_envelopes && !address_is_strict(&recipient->address))
        v = (struct verdict){.act = ACT_REJECT, .stage = STAGE_RCPT, .code = 501, .dsn = "5.1.3",
                             .text = "Bad recipient address syntax"};
    return v;
}

struct verdict syntax_too_many_recipients(void)
{
    return (struct verdict){.act = ACT_DEFER, .stage = STAGE_RCPT, .code = 452, .dsn = "4.5.3",
                            .text = "Error: too many recipients"};
}

bool syntax_has_parameter(const char *const *argv, const char *name)
{
    for (size_t i = 1; argv[0] != NULL && argv[i] != NULL; i++)
        if (slice_is_nocase(slice_of(argv[i]), name))
            return true;
    return false;
}
