/* check - what a restriction is given and what it answers */
/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TAMIS_CHECK_H
#define TAMIS_CHECK_H

#include "dns.h"
#include "message.h"
#include "table.h"

struct policy;
struct restriction;
struct steps;

/* Postfix's restriction lists, in the order in which they are evaluated. */
enum list_id {
    LIST_CLIENT,
    LIST_HELO,
    LIST_SENDER,
    LIST_RELAY,
    LIST_RECIPIENT,
    LIST_DATA,
    LIST_END_OF_DATA,
};
enum { LIST_COUNT = LIST_END_OF_DATA + 1 };

/* Whose name a reply bears: "<NAME>: CLASS rejected: text". The class also chooses how enhanced
 * status codes x.1.N are mapped (Postfix's smtpd_dsn_fix). */
struct subject {
    const char *name;
    const char *class; /* "Client host", "Sender address" … */
};

/* One restriction of a list as the administrator wrote it. */
struct step {
    const struct restriction *row;
    const char *text;          /* with its argument, for log and messages */
    struct where where;        /* of the parameter that it stands in */
    bool warn_only;            /* warn_if_reject stood in front */
    const struct table *table; /* the argument, for rows that take a table */
    const void *data;          /* the argument as the row's `parse` read it; else NULL */
    const struct restriction_class *class; /* for a restriction class's name */
};

struct steps {
    const struct step *list;
    size_t count;
    const char *skipped; /* the first name that was left to Postfix; NULL: none */
};

/* What a judge may see: nothing here may be changed. Judges are pure. */
struct scene {
    const struct policy *policy;
    const struct client *client;
    const struct message *message;
    const struct recipient *recipient; /* the current one; NULL before RCPT, and at DATA and end of
                                        * data when there are several */
    enum stage stage;
    enum list_id list;
    struct subject subject; /* of the list, or of the access rule whose value is being evaluated */
    struct arena *arena;    /* the message's */
};

/* A list that the administrator named in restriction_classes; parsed once for each list that it may
 * be used in, because a bare TYPE:TABLE means another check in each. */
struct restriction_class {
    const char *name;
    struct where where;
    const struct steps *steps[LIST_COUNT]; /* NULL: cannot be read for this list */
    bool is_read[LIST_COUNT];              /* while loading */
};

/* What becomes of a permission, where Postfix does not let a table give one. */
enum permission {
    PERMISSION_GRANTED,
    PERMISSION_IGNORED,   /* is DUNNO: a recipient with an untrusted route */
    PERMISSION_FORBIDDEN, /* is a configuration error: names that anybody can forge */
};

/* What a judge answers. Exactly one of: act alone (ACT_DUNNO … ACT_INFO), need, list, steps. */
struct outcome {
    enum act act;
    int code;             /* for refusals, DEFER_IF_x: the reply */
    const char *dsn;
    const char *text;     /* the reply, or an edit's text, or what WARN and INFO say */
    const char *need;     /* a question that must be answered first; the judge is called again */
    const char *const *also; /* with need: questions that will be asked next in any case, so that
                              * they are sent side by side; ended by NULL; or NULL */
    const char *list;     /* a table's value that is a restriction list, under `subject` */
    const struct steps *steps; /* or the list itself (a restriction class) */
    struct subject subject;    /* with list and steps */
    enum permission permission;
    bool unconditional; /* a configuration error: warn_if_reject does not soften it */
    struct rule_ref rule;      /* the table's rule that fired; none: the step itself */
    const char *question, *answer; /* what was looked up, for the log; NULL: nothing */
};

typedef struct outcome judge_fn(const struct step *step, const struct scene *scene);

/* The answers that judges build. Texts are formatted into the scene's arena, control characters
 * become blanks, and the reply is cut at 510 bytes as Postfix does. `class` words: see subject. */
struct outcome outcome_dunno(void);
struct outcome outcome_permit(void);

/* "<NAME>: CLASS rejected: TEXT", 4xx or 5xx as code says; dsn's class digit is made to fit and
 * x.1.N codes are mapped by the subject's class. */
struct outcome outcome_refuse(const struct scene *scene, const struct subject *subject, int code,
                              const char *dsn, const char *fmt, ...) PRINTF_LIKE(5, 6);

/* The whole text as given, without "rejected:". */
struct outcome outcome_reply(const struct scene *scene, int code, const char *dsn, const char *fmt,
                             ...) PRINTF_LIKE(4, 5);

/* 451 4.3.5 Server configuration error, as Postfix answers when a table or value is unusable. */
struct outcome outcome_config_error(const struct scene *scene);

/* What is known about a question: NULL, and *need is what the judge is to return, until the world
 * has been asked. */
const struct finding *check_finding(const struct scene *scene, const char *question,
                                    struct outcome *need);

/* The same for the DNS. False: *need. A name that cannot be in the DNS is DNS_NXDOMAIN, unasked; an
 * answer in the log that cannot be read is DNS_TEMPERROR. `name` as people write it (U-labels
 * allowed). */
bool check_dns(const struct scene *scene, const char *name, enum dns_type type,
               struct dns_answer *answer, struct outcome *need);
/* The text of that question, for outcome.also; NULL for a name that cannot be in the DNS. */
const char *check_dns_question(const struct scene *scene, const char *name, enum dns_type type);

/* The outcome with what the DNS was asked and said, for the log; NULL, or not asked: as it is. */
struct outcome outcome_because(const struct scene *scene, struct outcome o, const char *question);

/* permit_auth_destination: a permission when mail for the current recipient ends here or is
 * relayed, a refusal when that cannot be known, else ACT_DUNNO. */
struct outcome check_auth_destination(const struct scene *scene);

/* Logs, rarely enough, a pattern that ran into its limit in this lookup: it decided nothing, and
 * its owner should know. */
void check_report_undecided(const struct hit *hit);

/* The subjects of client, HELO, sender, recipient … in replies. */
struct subject subject_client(const struct scene *scene);
struct subject subject_helo(const struct scene *scene);
struct subject subject_sender(const struct scene *scene);
struct subject subject_recipient(const struct scene *scene);
struct subject subject_of_list(const struct scene *scene); /* of scene->list */

#endif
