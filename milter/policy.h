/* policy - one complete reading of milter.conf, rules and site facts; immutable once published */
/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TAMIS_POLICY_H
#define TAMIS_POLICY_H

#include "check.h"
#include "conf.h"
#include "problems.h"
#include "settings.h"
#include "site.h"

struct policy {
    struct arena *arena;
    struct conf *conf;               /* the assignments as read, for `tamis conf` and messages */
    const struct settings *settings; /* typed */
    const struct site *site;         /* facts, most of them Postfix's */
    struct tables *tables;
    const struct steps *lists[DIR_COUNT][LIST_COUNT]; /* never NULL */
    const struct class_list *classes; /* restriction_classes */
    unsigned generation;              /* counts the publications, from 1 */
    int64_t loaded_at;                /* seconds since 1970 */
};

/* Where a policy comes from; kept for reloads. */
struct policy_source {
    const char *path;              /* milter.conf; NULL: presets only */
    const char *const *overrides;  /* -o name=value … */
    size_t override_count;
};

/* Reads everything, with the rights that the caller has. Every problem is in `problems`; NULL when
 * one of them is an error. The caller owns the policy. May block on the file system. */
struct policy *policy_load(const struct policy_source *source, struct problems *problems);
void policy_free(struct policy *policy); /* an unpublished one, or one nobody holds */

/* Makes it the current one (NULL at shutdown); the one before lives until its last holder releases it. */
void policy_publish(struct policy *policy);

/* The current policy, counted; NULL before the first publication. policy_release gives it back; the
 * last release of a replaced policy hands it to policy_reap's caller and never frees by itself. */
struct policy *policy_acquire(void);
void policy_release(struct policy *policy);

/* Frees the policies that nobody holds any more; for the maintenance thread. */
void policy_reap(void);

/* The files whose change calls for a reload. */
void policy_each_file(const struct policy *policy, void (*visit)(const char *path, void *arg),
                      void *arg);

/* What the front end must ask the MTA for: the union of both directions. */
struct policy_needs {
    bool headers; /* header events (NR) */
    bool body;
    bool early_reply; /* delay_reject = no: CONNECT, HELO, MAIL are answered */
    bool mta_rejects; /* log_mta_rejects */
};
struct policy_needs policy_needs(const struct policy *policy);

/* Parses a restriction list. `nested`: the text is an access table's value, in which tables cannot be
 * named. NULL and problems when it holds what nobody knows. The result is in `arena`. */
const struct steps *policy_parse_list(const struct policy *policy, const char *text, enum list_id list,
                                      struct where at, bool nested, struct arena *arena,
                                      struct problems *problems);

#endif
