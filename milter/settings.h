/* settings - every parameter of milter.conf, typed, with where each came from */
/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TAMIS_SETTINGS_H
#define TAMIS_SETTINGS_H

#include "conf.h"
#include "message.h"
#include "interfaces.h"
#include "param.h"
#include "problems.h"

enum mode { MODE_OBSERVE, MODE_ANNOTATE, MODE_ENFORCE };
enum partial_body { PARTIAL_POLICY, PARTIAL_ACCEPT };
enum hide_client { HIDE_NO, HIDE_YES, HIDE_RULES };
enum tempfail { TEMPFAIL_DEFER_IF_PERMIT, TEMPFAIL_DEFER };
enum log_sync { LOG_SYNC_BATCH, LOG_SYNC_MESSAGE };
/* Header/body; alone it is the header's, with the body simple (RFC 6376, 3.5). */
enum canonicalization {
    CANON_RELAXED_RELAXED,
    CANON_RELAXED_SIMPLE,
    CANON_SIMPLE_RELAXED,
    CANON_SIMPLE_SIMPLE,
    CANON_RELAXED,
    CANON_SIMPLE,
};
enum part_prepend { PART_PREPEND_PRIMARY, PART_PREPEND_OFF };

/* One value with its origin. */
struct setting_source {
    const struct param *row;  /* NULL: a restriction class, or a name made up for $name */
    bool is_class;
    const char *name;         /* as given; the row's name for presets */
    const char *raw;          /* before $ expansion */
    struct param_text text;  /* after (not of made up names), with its place; file NULL: preset */
    bool given;               /* in milter.conf or on the command line */
};

/* One complete reading of milter.conf and the command line. Immutable once loaded. Texts are never
 * NULL; times are microseconds, sizes bytes; arrays are indexed by enum direction. */
struct settings {
    const char *file; /* the configuration file; NULL: presets only */
    struct arena *arena;
    struct conf *conf, *main_conf; /* what the texts point into */

    /* the service */
    int mode; /* enum mode */
    const char *socket, *control_socket, *pid_file, *user;
    const char *state_directory, *run_directory;
    int64_t drain_time_limit, stage_time_limit, rbl_rest_time;
    bool reload_on_change, strict, strict_tables;

    /* the rules */
    struct param_text client_restrictions[DIR_COUNT], helo_restrictions[DIR_COUNT];
    struct param_text sender_restrictions[DIR_COUNT], relay_restrictions[DIR_COUNT];
    struct param_text recipient_restrictions[DIR_COUNT], data_restrictions[DIR_COUNT];
    struct param_text end_of_data_restrictions[DIR_COUNT];
    struct param_text restriction_classes; /* names; their definitions: settings_class */
    struct param_text outgoing;
    bool delay_reject, helo_required, strict_rfc821_envelopes;
    struct param_text header_checks[DIR_COUNT], mime_header_checks[DIR_COUNT];
    struct param_text nested_header_checks[DIR_COUNT], body_checks[DIR_COUNT];
    int part_prepend; /* enum part_prepend */
    int outgoing_hide_client; /* enum hide_client */
    int64_t body_checks_size_limit, header_size_limit;
    long max_recipients; /* a transaction; more than these are tempfailed */
    long pcre_match_limit, pcre_depth_limit;
    int64_t pcre_heap_limit, regexp_text_limit;

    /* the answers */
    long access_map_reject_code, access_map_defer_code, reject_code, defer_code;
    long invalid_hostname_reject_code, non_fqdn_reject_code, relay_domains_reject_code;
    long multi_recipient_bounce_reject_code, plaintext_reject_code;
    long unknown_client_reject_code, unknown_hostname_reject_code, unknown_address_reject_code;
    int reject_tempfail_action; /* enum tempfail, as all of them */
    int unknown_helo_hostname_tempfail_action, unknown_address_tempfail_action;
    struct param_text policy_tests; /* patterns of file names: rule_tests.h */
    const char *shadow_config;      /* "": none */

    /* the log */
    const char *log_file;
    long log_queue_limit;
    int64_t log_queue_size, log_size_limit;
    int64_t log_retention, evidence_retention, log_rollup_retention; /* 0: for ever */
    int log_sync; /* enum log_sync */
    int64_t log_sync_time_limit;
    long log_node;
    const char *evidence_headers; /* field names */
    bool reject_token;
    bool log_message_id, log_mta_rejects;
    int syslog_facility; /* LOG_MAIL and the like */
    const char *syslog_name;

    /* the DNS */
    struct param_text dns_servers; /* dns_options.h reads them */
    bool dns_recursion, early_lookups;
    const char *dns_trust_anchor;
    int64_t dns_cache_size, dns_timeout, dns_max_ttl, dns_max_negative_ttl;
    long dns_lookup_limit;

    /* block lists */
    const char *default_rbl_reply; /* a template */
    struct param_text rbl_reply_maps, maps_rbl_domains, rbl_score_sites;
    long maps_rbl_reject_code, rbl_score_threshold;

    /* SPF */
    struct param_text spf_exempt_networks, spf_exempt_domains;
    bool received_spf_header;
    const char *authserv_id;
    struct param_text authentication_results; /* check_authres.h reads it */
    bool keep_authres_from_milters;

    /* DKIM: who signs what */
    struct param_text key_table, signing_table, key_list, signing_key; /* keys.h reads them */
    struct param_text signing_senders; /* TYPE:TABLE of logins, or empty */
    struct param_text dkim_sign_headers, dkim_oversign_headers; /* sign_fields.h reads them */
    bool multiple_signatures;
    int dkim_canonicalization; /* enum canonicalization */
    int64_t dkim_signature_ttl;

    /* DKIM: what others have signed */
    long dkim_minimum_key_bits, dkim_max_signatures;
    int dkim_partial_body; /* enum partial_body */

    /* site facts */
    const char *postfix_config_directory; /* "": no Postfix */
    const char *myhostname, *mydomain, *myorigin, *recipient_delimiter, *null_access_lookup_key;
    struct param_text mynetworks, inet_interfaces, proxy_interfaces, mydestination, relay_domains;
    struct param_text virtual_alias_domains, virtual_alias_maps;
    struct param_text virtual_mailbox_domains, virtual_mailbox_maps;
    struct param_text parent_domain_matches_subdomains;
    int mynetworks_style; /* enum network_style */
    const char *inet_protocols, *compatibility_level;
    bool smtputf8_enable;

    /* where it all came from: the rows in their order, classes, names made up for $name */
    struct setting_source *sources;
    size_t source_count;
    const char *main_cf; /* the file that the site facts came from; NULL: none was read */
    const char *queue_directory; /* Postfix's: where its daemons run */
};

/* Reads everything into fresh settings: `file` (NULL: presets only) and what `assignments` holds
 * (-o options), then the site facts of main.cf. Every problem that there is comes back in
 * `problems`, placed, with its mend. Never NULL; what could not be used has its preset, and
 * problems->errors says whether to go on. The caller frees the result. Blocks for files and
 * interface lists, and for DNS if inet_interfaces holds names. */
struct settings *settings_load(const char *file, const char *const *assignments, size_t count,
                               struct problems *problems);
void settings_free(struct settings *settings); /* NULL is allowed */

/* The same over assignments that were read already, which are taken over. */
struct settings *settings_of_conf(struct conf *conf, const char *file, struct problems *problems);

/* The restriction list that restriction_classes and NAME = … define; NULL if it is no class. */
const struct param_text *settings_class(const struct settings *settings, const char *name);

/* Where the parameter of this name was set; file NULL: it has its preset. */
struct where settings_place(const struct settings *settings, const char *name);

/* The directory that relative names in a text given at this place belong to: of the file that holds
 * it; for what Postfix's main.cf says and for its presets, Postfix's queue directory, where its
 * daemons run. Allocates from the settings' arena: while loading only. */
const char *settings_dir(const struct settings *settings, struct where where);

/* The rows: NULL name at the end. */
extern const struct param settings_rows[];

/* The row that a spelling means: X, smtpd_X, incoming_X, outgoing_X. *direction is -1 or that of
 * the prefix. NULL when there is none. */
const struct param *settings_row(const char *name, int *direction);

#endif
