/* mta - plays the mail server's side of the milter protocol (version 6), as Postfix does */
/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TAMIS_T_MTA_H
#define TAMIS_T_MTA_H

#include "base.h"

/* What the server offers in the negotiation. */
struct mta_offer {
    uint32_t version, actions, steps;
};

extern const struct mta_offer mta_postfix; /* 6, 0x1ff, 0x1fffff */

enum mta_stage {
    MTA_AT_CONNECT,
    MTA_AT_HELO,
    MTA_AT_MAIL,
    MTA_AT_RCPT,
    MTA_AT_DATA,
    MTA_AT_EOM,
    MTA_AT_EOH,
    MTA_STAGES
};

/* What the filter answered to the offer. symbols: NULL where it named none (Postfix's own are
 * sent then); else the names as it wrote them. */
struct mta_terms {
    uint32_t version, actions, steps;
    char *symbols[MTA_STAGES];
};

enum mta_action {
    MTA_NONE,       /* no answer, as negotiated, or the event was not sent at all */
    MTA_NEGOTIATED, /* the answer to the offer came: mta_terms */
    MTA_CONTINUE,
    MTA_ACCEPT,
    MTA_REJECT,
    MTA_TEMPFAIL,
    MTA_DISCARD,
    MTA_SKIP,
    MTA_REPLYCODE, /* text is the reply */
    MTA_SHUTDOWN,
    MTA_CONN_FAIL,
    /* From here on the connection is of no use any more. */
    MTA_CLOSED,  /* the filter closed it */
    MTA_TIMEOUT, /* no answer in time */
    MTA_BROKEN,  /* the filter broke the protocol: text says how */
};

/* One edit: op is the protocol's letter: h (add header), i (insert header), m (change header), +
 * (add recipient), 2 (add recipient with arguments in value), - (delete recipient), e (change
 * sender, arguments in value), q (quarantine, reason in name), b (body chunk in value).
 * Texts are NUL-terminated; value_len counts a body chunk's bytes. */
struct mta_mod {
    char op;
    uint32_t index;
    char *name, *value;
    size_t value_len;
};

/* text of MTA_REPLYCODE: what an SMTP client would see (Postfix halves %% and drops a lone %). */
struct mta_reply {
    enum mta_action action;
    char *text;
    struct mta_mod *mods;
    size_t mod_count;
    unsigned progress; /* how many times the filter asked for patience */
};

/* One milter connection. No global state; one thread at a time. Replies belong to the mta and are
 * valid until its next event. */
struct mta;

/* Connects and negotiates; waits at most timeout_ms for that and, later, for each reply.
 * offer NULL means mta_postfix. NULL with *err when the filter is not there or does not agree. */
struct mta *mta_open(const char *socket_name, const struct mta_offer *offer, unsigned timeout_ms,
                     struct err *err);
void mta_close(struct mta *m); /* without QUIT; NULL is allowed */

const struct mta_terms *mta_terms(const struct mta *m);
const char *mta_action_name(enum mta_action action);

/* Sets a macro for all stages to come; it is sent where the stage's list names it. Names longer
 * than one letter have braces: "{auth_authen}". value NULL: unset. Copies both. */
void mta_macro(struct mta *m, const char *name, const char *value);

/* Events, each waiting for its reply if there will be one. Arguments of MAIL and RCPT are lists
 * that end with NULL, the address first, as typed. family: '4', '6', 'L' or 'U'. A header's value
 * is what follows the colon, its leading blank included. A body longer than 65,535 bytes is sent
 * in pieces. Sent exactly when Postfix would: not what the filter negotiated away, skips or has
 * accepted. */
const struct mta_reply *mta_connect(struct mta *m, const char *name, char family, unsigned port,
                                    const char *addr);
const struct mta_reply *mta_helo(struct mta *m, const char *name);
const struct mta_reply *mta_mail(struct mta *m, const char *const *args);
const struct mta_reply *mta_rcpt(struct mta *m, const char *const *args);
const struct mta_reply *mta_data(struct mta *m);
const struct mta_reply *mta_header(struct mta *m, const char *name, const char *value);
const struct mta_reply *mta_eoh(struct mta *m);
const struct mta_reply *mta_body(struct mta *m, const void *data, size_t len);
const struct mta_reply *mta_eom(struct mta *m);
const struct mta_reply *mta_unknown(struct mta *m, const char *command);

/* No reply exists for these. mta_abort is sent together with what follows it, as Postfix does.
 * After mta_quit the connection is closed, after mta_quit_nc it can begin with mta_connect again;
 * they return false when the filter is gone. */
void mta_abort(struct mta *m);
bool mta_quit(struct mta *m);
bool mta_quit_nc(struct mta *m);

/* Bytes as they are, sent at once; mta_wait then gives whatever the filter answers. */
bool mta_raw(struct mta *m, const void *data, size_t len);
const struct mta_reply *mta_wait(struct mta *m);

/* For a loop over many connections, nothing here blocks (but a unix socket's full backlog):
 * mta_start connects and queues the offer; mta_put queues one event (the protocol's letter and its
 * packet's data) and says whether a reply will come; mta_poll sends and reads what it can and
 * returns NULL as long as the reply is not there. The caller polls mta_fd for reading, and for
 * writing while mta_wants_write. */
struct mta *mta_start(const char *socket_name, const struct mta_offer *offer, unsigned timeout_ms,
                      struct err *err);
bool mta_put(struct mta *m, char event, const void *data, size_t len);
const struct mta_reply *mta_poll(struct mta *m);
int mta_fd(const struct mta *m);
bool mta_wants_write(const struct mta *m);

#endif
