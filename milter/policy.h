/* policy - one complete reading of milter.conf, rules and site facts; immutable once published */
/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TAMIS_POLICY_H
#define TAMIS_POLICY_H

#include "check_authres.h"
#include "check_headers.h"
#include "dkim_canon.h"
#include "keys.h"
#include "problems.h"
#include "rbl.h"
#include "settings.h"
#include "site.h"

struct directions;
struct sign_fields;
struct restriction_classes;
struct spf_exempt;

struct policy {
    struct arena *arena;
    struct settings *settings; /* typed parameters and where they came from */
    struct site *site;         /* facts, most of them Postfix's */
    struct tables *tables;
    const struct steps *lists[DIR_COUNT][LIST_COUNT]; /* never NULL */
    const struct checks *checks[DIR_COUNT][CHECKS_COUNT]; /* never NULL */
    struct authres_policy authres;
    bool may_edit; /* some header may be changed */
    bool asks[DIR_COUNT]; /* some restriction may ask the world */
    const struct restriction_classes *classes;
    struct spf_exempt *spf_exempt; /* never NULL */
    const struct directions *directions;
    const struct rbl *rbl; /* the parameters of block lists */
    const char *const *evidence; /* fields that the log keeps for replays; ended by NULL */
    bool wants_evidence; /* so much that headers are asked for, whatever the rules need */
    const char *hash; /* of all texts that it was read from; NULL until policy_record */
    struct keys *keys; /* never NULL; keys_are_empty: nothing is signed */
    const struct table *signing_senders; /* NULL: not set */
    const struct sign_fields *sign_fields;
    enum dkim_canon sign_header, sign_body;
    bool verifies_dkim; /* somebody wants to know what the signatures of incoming mail are worth */
    struct policy *shadow; /* shadow_config, held; NULL: none (shadow.h) */
    bool shadow_same_content; /* its rules for the content are these */
    bool shadow_headers;      /* it wants to see headers */
    unsigned generation; /* counts the publications, from 1 */
    int64_t loaded_at;   /* seconds since 1970 */
    int holders;         /* known to policy_acquire and policy_release alone */
    struct policy *next; /* among those that wait for policy_reap */
};

/* Where a policy comes from; kept for reloads. */
struct policy_source {
    const char *path;             /* milter.conf; NULL: presets only */
    const char *const *overrides; /* -o name=value … */
    size_t override_count;
};

/* Reads everything, with the rights that the caller has. Every problem is in `problems`; NULL when
 * one of them is an error, and then the files that it names, missing ones too, are there as well.
 * The caller owns the policy. May block on the file system. */
struct policy *policy_load(const struct policy_source *source, struct problems *problems);

/* Frees a policy that is not to be used; what policy_load says of its files. Always NULL. */
struct policy *policy_refuse(struct policy *policy, struct problems *problems);
void policy_free(struct policy *policy); /* one that nobody holds; NULL is allowed */

/* Makes it the current one (NULL at shutdown); the one before lives until its last holder releases
 * it. Takes over the caller's ownership. */
void policy_publish(struct policy *policy);

/* The current policy, counted; NULL before the first publication. policy_release gives it back: a
 * replaced policy that nobody holds any more waits for policy_reap, so that releasing never takes
 * long. Any thread. */
struct policy *policy_acquire(void);
void policy_hold(struct policy *policy); /* once more, what the caller holds already */
void policy_release(struct policy *policy);
/* Gives back policy_hold of one that is not published yet, and stays its only owner's. */
void policy_unhold(struct policy *policy);

/* Frees the policies that nobody holds any more; for the maintenance thread. */
void policy_reap(void);

/* The files whose change calls for a reload: milter.conf, main.cf, the tables, the keys. */
void policy_each_file(const struct policy *policy, void (*visit)(const char *path, void *arg),
                      void *arg);

/* What the front end must ask the MTA for: the union of both directions. */
struct policy_needs {
    bool headers;     /* header events */
    bool body;        /* body events */
    bool edits;       /* headers may be changed */
    bool early_reply; /* delay_reject = no: CONNECT, HELO, MAIL are answered */
    bool mta_rejects; /* log_mta_rejects */
};
struct policy_needs policy_needs(const struct policy *policy);

/* The restriction list in an access table's value; NULL when it holds what nobody knows, or a
 * table. */
const struct steps *policy_parse_value(const struct policy *policy, const char *text,
                                       enum list_id list, struct arena *arena);

#endif
