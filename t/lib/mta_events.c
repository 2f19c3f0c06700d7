/* mta_events - the events of an SMTP session as milter packets */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "buf.h"
#include "mta.h"

#include <libmilter/mfdef.h>
#include <string.h>

static const struct mta_reply *say(struct mta *m, char event, const void *data, size_t len)
{
    mta_put(m, event, data, len);
    return mta_wait(m);
}

static const struct mta_reply *say_buf(struct mta *m, char event, struct buf *data)
{
    const struct mta_reply *reply = say(m, event, data->ptr, data->len);

    buf_free(data);
    return reply;
}

static void add_text(struct buf *b, const char *text)
{
    buf_add(b, text, strlen(text) + 1);
}

const struct mta_reply *mta_connect(struct mta *m, const char *name, char family, unsigned port,
                                    const char *addr)
{
    struct buf data = {0};

    add_text(&data, name);
    buf_addc(&data, family);
    if (family != SMFIA_UNKNOWN) {
        buf_addc(&data, (char)(port >> 8));
        buf_addc(&data, (char)port);
        add_text(&data, addr);
    }
    return say_buf(m, SMFIC_CONNECT, &data);
}

const struct mta_reply *mta_helo(struct mta *m, const char *name)
{
    return say(m, SMFIC_HELO, name, strlen(name) + 1);
}

static const struct mta_reply *say_list(struct mta *m, char event, const char *const *args)
{
    struct buf data = {0};

    for (; *args != NULL; args++)
        add_text(&data, *args);
    return say_buf(m, event, &data);
}

const struct mta_reply *mta_mail(struct mta *m, const char *const *args)
{
    return say_list(m, SMFIC_MAIL, args);
}

const struct mta_reply *mta_rcpt(struct mta *m, const char *const *args)
{
    return say_list(m, SMFIC_RCPT, args);
}

const struct mta_reply *mta_data(struct mta *m)
{
    return say(m, SMFIC_DATA, NULL, 0);
}

/* One blank after the colon is eaten unless the filter asked for all of them. */
const struct mta_reply *mta_header(struct mta *m, const char *name, const char *value)
{
    struct buf data = {0};

    if ((mta_terms(m)->steps & SMFIP_HDR_LEADSPC) == 0 && value[0] == ' ')
        value++;
    add_text(&data, name);
    add_text(&data, value);
    return say_buf(m, SMFIC_HEADER, &data);
}

const struct mta_reply *mta_eoh(struct mta *m)
{
    return say(m, SMFIC_EOH, NULL, 0);
}

const struct mta_reply *mta_body(struct mta *m, const void *data, size_t len)
{
    const struct mta_reply *reply;
    const char *at = data;
    size_t piece;

    do {
        piece = len < MILTER_CHUNK_SIZE ? len : MILTER_CHUNK_SIZE;
        reply = say(m, SMFIC_BODY, at, piece);
        at += piece;
        len -= piece;
    } while (len > 0 && (reply->action == MTA_CONTINUE || reply->action == MTA_NONE));
    return reply;
}

const struct mta_reply *mta_eom(struct mta *m)
{
    return say(m, SMFIC_BODYEOB, NULL, 0);
}

const struct mta_reply *mta_unknown(struct mta *m, const char *command)
{
    return say(m, SMFIC_UNKNOWN, command, strlen(command) + 1);
}
