/* replay - a logged transaction judged again, under any policy, on the answers of its time */
/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TAMIS_REPLAY_H
#define TAMIS_REPLAY_H

#include "journal.h"
#include "overlay.h"
#include "policy.h"
#include "world.h"

/* One transaction: what a session knew of it, what it was answered, and how it ended. Made from the
 * log by replay_read.h, or by hand from a live one. Whoever made it keeps everything. */
struct replay_facts {
    const struct message *message; /* with findings, checks, headers, verdicts as they were */
    const struct client *client;
    enum entry_action action;
    uint64_t duration_us;
    int64_t id;     /* in the log; 0: live */
    int64_t policy; /* in the log's table policy; 0: not known */
    bool arguments_unknown; /* how addresses were written in MAIL and RCPT was not recorded */
    const char *const *recorded_headers; /* names whose fields are all in message->headers, ended by
                                          * NULL; NULL: every field is there */
};

/* How one recipient (number 0: the transaction, when it had none) comes out. */
enum replay_change {
    REPLAY_SAME,
    REPLAY_CHANGED, /* another action, another reply, or the mail goes another way */
    REPLAY_UNKNOWN, /* something was needed that nobody recorded */
};

struct replay_outcome {
    struct replay_outcome *next;
    int number;
    const char *address;         /* "" for number 0 */
    enum replay_change change;
    enum entry_action was, now;  /* ENTRY_ABORTED: taken, as far as was seen */
    struct verdict recorded;     /* ACT_DUNNO: not refused */
    struct verdict verdict;      /* of this policy */
    const char *fate;            /* of a mail that both take: "held", "no longer redirected" …;
                                  * NULL: it goes where it went */
    bool as_far_as_seen;         /* not refused, but the log knows no more of it: it was refused
                                  * before its content came, or the client went away */
    bool asked_now;              /* answers of today, not of then, were used for the message */
    const char *unknown;         /* REPLAY_UNKNOWN: a question ("rbl …"), or "header Subject",
                                  * "body"; else NULL */
    const char *parameter;       /* what would record it: "evidence_headers = … Subject"; NULL: no
                                  * parameter can */
};

/* Something that is done to a mail, and was not, or was, and is not. */
struct replay_edit {
    struct replay_edit *next;
    bool added;
    enum act act;          /* HOLD, REDIRECT, BCC, PREPEND, REPLACE, IGNORE, STRIP */
    const char *field;     /* NULL: of none */
    struct rule_ref rule;
};

struct replay_result {
    struct replay_outcome *outcomes; /* never NULL */
    struct replay_edit *edits;       /* that differ, as far as can be told; no verdict changes by
                                      * them. Only of mail that both take */
    enum direction direction;        /* under this policy */
    /* everything that was judged, its checks and findings; lives until the next replay_judge */
    const struct message *message;
};

/* Judges under one policy, one transaction after the other. One thread. */
struct replay;

/* The policy must be held by the caller (policy_hold) beyond replay_free. Its mode is not looked
 * at: what counts is whether the recorded answers were given in earnest. `ask_now` answers what
 * the record does not (NULL: nobody does). */
struct replay *replay_new(struct policy *policy, struct world *ask_now);
void replay_free(struct replay *replay);

/* Would this policy's content rules find what those of the facts' own policy did (content_is_same
 * in replay_content.h)? Then the
 * record is taken for header_checks and body_checks, and nothing in them is unknown. Preset:
 * false. For the facts that follow. */
void replay_set_same_content(struct replay *replay, bool same);

/* Never fails, waits only with ask_now. The result's texts live until the next call, in the policy,
 * or in the facts. */
const struct replay_result *replay_judge(struct replay *replay, const struct replay_facts *facts);

/* Loads a policy that signs nothing, looks up nothing early, and nothing for
 * Authentication-Results (`whole`: that, too), as it would be if files held what the overlay
 * says, one rule left out if the overlay says so (overlay.h): exact by construction. NULL with
 * problems, one of which is that no rule was left out that should have been. The policy is held:
 * policy_release, then policy_reap. */
struct policy *replay_load(const struct policy_source *source, const struct overlay *overlay,
                           struct problems *problems);
struct policy *replay_load_whole(const struct policy_source *source, const struct overlay *overlay,
                                 struct problems *problems);

const char *replay_change_name(enum replay_change change); /* "same", "changed", "unknown" */

#endif
