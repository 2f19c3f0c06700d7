/* settings - the rows: every parameter of this release, with its preset, limits and help */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "settings.h"

#include <stdlib.h>
#include <string.h>

#define FLAGGED(type_, name_, preset_, flags_, help_)                                              \
    {.name = #name_, .type = type_, .offset = offsetof(struct settings, name_),                    \
     .preset = preset_, .flags = flags_, .help = help_}
#define ROW(type_, name_, preset_, help_) FLAGGED(type_, name_, preset_, 0, help_)
#define NUMBER(type_, name_, preset_, min_, max_, help_)                                           \
    {.name = #name_, .type = type_, .offset = offsetof(struct settings, name_),                    \
     .preset = preset_, .min = min_, .max = max_, .help = help_}
#define WORDS(name_, preset_, words_, flags_, help_)                                               \
    {.name = #name_, .type = PARAM_ENUM, .offset = offsetof(struct settings, name_),               \
     .preset = preset_, .words = words_, .flags = flags_, .help = help_}
#define RULES(name_, help_) FLAGGED(PARAM_LIST, name_, "", PARAM_DIRECTED | PARAM_SMTPD, help_)
#define CHECKS(name_, fallback_, help_)                                                            \
    {.name = #name_, .type = PARAM_LIST, .offset = offsetof(struct settings, name_),               \
     .preset = fallback_ == NULL ? "" : "$header_checks", .flags = PARAM_DIRECTED,                 \
     .fallback = fallback_, .help = help_}
#define CODE(name_, preset_, help_) NUMBER(PARAM_INT, name_, preset_, 400, 599, help_)
#define DEFER_CODE(name_, preset_, help_) NUMBER(PARAM_INT, name_, preset_, 400, 499, help_)
#define TEMPFAIL(name_, preset_, help_)                                                            \
    WORDS(name_, preset_, "defer_if_permit defer", 0, help_)
#define FACT(type_, name_, preset_, help_) FLAGGED(type_, name_, preset_, PARAM_FACT, help_)

/* RFC 6376, 5.4.1: what a reader sees and what makes the mail; nothing that is changed on the
 * way. */
#define SIGN_HEADERS                                                                               \
    "From, Reply-To, Subject, Date, To, Cc, Message-ID, Sender, In-Reply-To, References, "         \
    "MIME-Version, Content-Type, Content-Transfer-Encoding, Content-ID, Content-Description, "     \
    "Resent-Date, Resent-From, Resent-Sender, Resent-To, Resent-Cc, Resent-Message-ID, "           \
    "List-Id, List-Help, List-Unsubscribe, List-Unsubscribe-Post, List-Subscribe, List-Post, "     \
    "List-Owner, List-Archive, Feedback-ID"
#define OVERSIGN_HEADERS                                                                           \
    "From, To, Cc, Subject, Date, Message-ID, Reply-To, MIME-Version, Content-Type"

enum { DAY = 24 * 60 * 60 };

const struct param settings_rows[] = {
    /* the service */
    WORDS(mode, "enforce", "observe annotate enforce", 0,
          "observe: log only; annotate: add headers, too; enforce: all"),
    ROW(PARAM_STRING, socket, "inet:8894@localhost",
        "where the MTA connects: inet:PORT@HOST, inet6:PORT@HOST, unix:PATH, fd:N"),
    ROW(PARAM_PATH, state_directory, "${system_installation?{" LOCALSTATEDIR "/lib/tamis}:{./var}}",
        "directory of what must survive a restart"),
    ROW(PARAM_PATH, run_directory, "${system_installation?{/run/tamis}:{./var}}",
        "directory of the control socket"),
    ROW(PARAM_PATH, control_socket, "$run_directory/control",
        "where tamis reload and tamis status talk to the filter"),
    ROW(PARAM_PATH, pid_file, "", "file for the number of the process; empty: none"),
    ROW(PARAM_STRING, user, "", "who the filter becomes when started by root; empty: stays"),
    NUMBER(PARAM_TIME, drain_time_limit, "10s", 0, 3600,
           "how long messages under way may take to finish when the filter stops"),
    NUMBER(PARAM_TIME, stage_time_limit, "10s", 1, 300,
           "how long all that is slow may take before one answer to the MTA"),
    ROW(PARAM_BOOL, reload_on_change, "yes", "reload when a policy file has changed"),
    ROW(PARAM_BOOL, strict, "no", "restrictions that stay in Postfix are errors"),
    ROW(PARAM_BOOL, strict_tables, "no", "table lines that Postfix would skip are errors"),

    /* the rules */
    RULES(client_restrictions, "restrictions on the client"),
    RULES(helo_restrictions, "restrictions on the HELO command"),
    RULES(sender_restrictions, "restrictions on the MAIL FROM address"),
    RULES(relay_restrictions, "restrictions on relaying, judged before recipient_restrictions"),
    RULES(recipient_restrictions, "restrictions on the RCPT TO address"),
    RULES(data_restrictions, "restrictions at the DATA command"),
    RULES(end_of_data_restrictions, "restrictions at the end of the message"),
    FLAGGED(PARAM_LIST, restriction_classes, "", PARAM_SMTPD,
            "names of restriction lists of your own, each defined by NAME = LIST"),
    ROW(PARAM_LIST, outgoing, "sasl_authenticated, mynetworks, local_submission",
        "what makes a message outgoing; also daemon_name:NAME, daemon_port:N, !NETWORK"),
    FLAGGED(PARAM_BOOL, delay_reject, "yes", PARAM_SMTPD,
            "judge client, HELO and sender only at RCPT TO"),
    FLAGGED(PARAM_BOOL, helo_required, "no", PARAM_SMTPD, "refuse MAIL before HELO or EHLO"),
    ROW(PARAM_BOOL, strict_rfc821_envelopes, "no", "refuse envelope addresses without <>"),
    CHECKS(header_checks, NULL, "tables for the message headers"),
    CHECKS(mime_header_checks, "header_checks", "tables for the headers of MIME parts"),
    CHECKS(nested_header_checks, "header_checks", "tables for the headers of attached messages"),
    CHECKS(body_checks, NULL, "tables for the lines of the body"),
    WORDS(
        part_prepend, "primary", "primary off", 0,
        "where PREPEND for a MIME part's header puts its field: primary (the message's own); off"),
    WORDS(outgoing_hide_client, "no", "no yes rules", 0,
          "replace the client in Postfix's own Received field of outgoing mail; rules: as "
          "outgoing_header_checks say"),
    NUMBER(PARAM_SIZE, body_checks_size_limit, "51200", 0, INT32_MAX,
           "how much of each body part body_checks reads; 0: all"),
    NUMBER(PARAM_SIZE, header_size_limit, "102400", 1000, INT32_MAX,
           "how much of a header is kept"),
    NUMBER(PARAM_INT, max_recipients, "10000", 1, 1000000,
           "recipients of one transaction; one more is answered with 452"),
    NUMBER(PARAM_INT, pcre_match_limit, "1000000", 1000, UINT32_MAX,
           "PCRE2's match limit, against patterns that explode"),
    NUMBER(PARAM_INT, pcre_depth_limit, "250000", 100, UINT32_MAX, "PCRE2's depth limit"),
    NUMBER(PARAM_SIZE, pcre_heap_limit, "32M", 64 * 1024, (int64_t)4 << 30, "PCRE2's heap limit"),
    NUMBER(PARAM_SIZE, regexp_text_limit, "8192", 256, 1024 * 1024,
           "how much of a text regexp: tables look at"),

    /* the answers */
    CODE(access_map_reject_code, "554", "reply code of REJECT in an access table"),
    DEFER_CODE(access_map_defer_code, "450", "reply code of DEFER in an access table"),
    CODE(reject_code, "554", "reply code of reject"),
    DEFER_CODE(defer_code, "450", "reply code of defer"),
    CODE(invalid_hostname_reject_code, "501", "reply code of reject_invalid_helo_hostname"),
    CODE(non_fqdn_reject_code, "504", "reply code of reject_non_fqdn_…"),
    CODE(relay_domains_reject_code, "554", "reply code of reject_unauth_destination"),
    CODE(multi_recipient_bounce_reject_code, "550", "reply code of reject_multi_recipient_bounce"),
    CODE(plaintext_reject_code, "450", "reply code of reject_plaintext_session"),
    CODE(unknown_client_reject_code, "450", "reply code of reject_unknown_…client_hostname"),
    CODE(unknown_hostname_reject_code, "450", "reply code of reject_unknown_helo_hostname"),
    CODE(unknown_address_reject_code, "450",
         "reply code of reject_unknown_sender_domain and reject_unknown_recipient_domain"),
    TEMPFAIL(reject_tempfail_action, "defer_if_permit",
             "when the DNS has no answer: defer at once, or defer_if_permit"),
    TEMPFAIL(unknown_helo_hostname_tempfail_action, "$reject_tempfail_action",
             "the same for reject_unknown_helo_hostname"),
    TEMPFAIL(unknown_address_tempfail_action, "$reject_tempfail_action",
             "the same for reject_unknown_sender_domain and reject_unknown_recipient_domain"),
    ROW(PARAM_LIST, policy_tests, "",
        "scripts with the replies that the rules must give, or nothing is loaded"),
    ROW(PARAM_PATH, shadow_config, "",
        "a second configuration that judges live mail for the log, and never answers"),

    /* the log */
    ROW(PARAM_PATH, log_file, "$state_directory/log.db",
        "the SQLite file with every decision; empty: none"),
    NUMBER(PARAM_INT, log_queue_limit, "10000", 10, 10000000,
           "decisions that may wait to be written"),
    NUMBER(PARAM_SIZE, log_queue_size, "32M", 64 * 1024, (int64_t)4 << 30,
           "memory that they may take"),
    NUMBER(PARAM_SIZE, log_size_limit, "1G", 0, (int64_t)1 << 50,
           "size at which the oldest decisions are dropped; 0: never"),
    NUMBER(PARAM_TIME, log_retention, "30d", 0, 10000L * DAY,
           "how long decisions are kept; 0: for ever"),
    NUMBER(PARAM_TIME, evidence_retention, "7d", 0, 10000L * DAY,
           "how long what a replay needs is kept; 0: for ever"),
    NUMBER(PARAM_TIME, log_rollup_retention, "400d", 0, 10000L * DAY,
           "how long the counters by hours are kept; 0: for ever"),
    WORDS(
        log_sync, "batch", "batch message", 0,
        "batch: no answer waits for the log; message: mail is taken only when its row is on disk"),
    NUMBER(PARAM_TIME, log_sync_time_limit, "5s", 1, 60,
           "with log_sync = message: how long an answer waits before it is 451"),
    NUMBER(PARAM_INT, log_node, "0", 0, 1023, "number of this filter among several, in each id"),
    ROW(PARAM_STRING, evidence_headers,
        "From To Cc Reply-To Sender Message-ID Date List-Id Content-Type MIME-Version X-Mailer"
        " User-Agent",
        "header fields that are kept for replays; empty: no evidence"),
    ROW(PARAM_BOOL, reject_token, "no", "end each refusal with a token that the log knows"),
    ROW(PARAM_BOOL, log_message_id, "no", "ask the MTA for headers to log the Message-ID"),
    ROW(PARAM_BOOL, log_mta_rejects, "no", "log recipients that the MTA itself refused, too"),
    WORDS(syslog_facility, "mail",
          "mail daemon user auth local0 local1 local2 local3 local4 local5 local6 local7", 0,
          "facility for syslog(3)"),
    ROW(PARAM_STRING, syslog_name, "tamis", "name in syslog lines"),

    /* the DNS */
    ROW(PARAM_LIST, dns_servers, "",
        "name servers to ask, ADDRESS or ADDRESS@PORT; empty: those of /etc/resolv.conf"),
    ROW(PARAM_BOOL, dns_recursion, "no",
        "ask each zone's own servers, as block lists want, and no other name server"),
    ROW(PARAM_PATH, dns_trust_anchor, "", "file with the keys of the DNS root; empty: no DNSSEC"),
    NUMBER(PARAM_SIZE, dns_cache_size, "32M", 1024 * 1024, (int64_t)4 << 30,
           "memory for answers of the DNS"),
    NUMBER(PARAM_TIME, dns_timeout, "5s", 1, 60, "how long one lookup may take"),
    ROW(PARAM_BOOL, early_lookups, "yes",
        "ask the DNS as soon as a question is known, all questions side by side"),
    NUMBER(PARAM_TIME, rbl_rest_time, "15m", 60, DAY,
           "how long a block list that answers with an error is not asked"),
    NUMBER(PARAM_TIME, dns_max_ttl, "1h", 1, DAY, "how long an answer is remembered at most"),
    NUMBER(PARAM_TIME, dns_max_negative_ttl, "5m", 1, DAY,
           "how long it is remembered that there is none"),
    NUMBER(PARAM_INT, dns_lookup_limit, "1000", 10, 10000,
           "lookups under way; more are answered as if they had failed"),

    /* block lists */
    FLAGGED(PARAM_STRING, default_rbl_reply,
            "$rbl_code Service unavailable; $rbl_class [$rbl_what] blocked using "
            "$rbl_domain${rbl_reason?; $rbl_reason}",
            PARAM_RAW, "reply to what a block list holds, a template"),
    ROW(PARAM_LIST, rbl_reply_maps, "", "tables of such templates, by ZONE or ZONE=FILTER"),
    CODE(maps_rbl_reject_code, "554", "$rbl_code: reply code of reject_rbl_… and reject_rhsbl_…"),
    ROW(PARAM_LIST, maps_rbl_domains, "", "lists of reject_maps_rbl (obsolete)"),
    ROW(PARAM_LIST, rbl_score_sites, "",
        "lists of reject_rbl_score: ZONE[=FILTER][*WEIGHT], as in postscreen_dnsbl_sites"),
    NUMBER(PARAM_INT, rbl_score_threshold, "1", 1, INT32_MAX,
           "sum of weights from which reject_rbl_score rejects"),

    /* SPF */
    ROW(PARAM_LIST, spf_exempt_networks, "",
        "clients that SPF is not asked about: forwarders, as in mynetworks"),
    ROW(PARAM_LIST, spf_exempt_domains, "",
        "domains of senders and HELO names that SPF is not asked about"),
    ROW(PARAM_BOOL, received_spf_header, "no", "put a Received-SPF field on incoming mail"),
    ROW(PARAM_LIST, authentication_results, "iprev, spf, dkim",
        "what the Authentication-Results field of incoming mail tells; empty: there is none"),
    ROW(PARAM_STRING, authserv_id, "$myhostname", "whose field it is: a full domain name"),
    ROW(PARAM_BOOL, keep_authres_from_milters, "no",
        "leave fields with our authserv_id: a filter before tamis adds them"),

    /* DKIM: who signs what */
    ROW(PARAM_LIST, key_table, "",
        "OpenDKIM's KeyTable, names of keys: FILE, file:FILE, or csl:NAME=DOMAIN:SELECTOR:PATH"),
    ROW(PARAM_LIST, signing_table, "",
        "OpenDKIM's SigningTable, whose mail they sign: FILE, file:FILE, refile:FILE, csl:…"),
    ROW(PARAM_LIST, key_list, "", "dkim-filter's KeyList: a file of PATTERN:DOMAIN:PATH"),
    ROW(PARAM_LIST, signing_key, "",
        "DOMAIN:SELECTOR:PATH, …: the keys of a site with few domains"),
    ROW(PARAM_BOOL, multiple_signatures, "no",
        "sign by all rows that match a sender, not only by those with the first one's pattern"),
    ROW(PARAM_LIST, signing_senders, "",
        "TYPE:TABLE from addresses to the logins that may sign for them"),
    WORDS(dkim_canonicalization, "relaxed/relaxed",
          "relaxed/relaxed relaxed/simple simple/relaxed simple/simple relaxed simple", 0,
          "how header and body are made equal before they are signed"),
    ROW(PARAM_LIST, dkim_sign_headers, SIGN_HEADERS,
        "fields that are signed; *,+FIELD,-FIELD changes the preset"),
    ROW(PARAM_LIST, dkim_oversign_headers, OVERSIGN_HEADERS,
        "fields of which nobody can add another to a signed mail"),
    NUMBER(PARAM_TIME, dkim_signature_ttl, "0", 0, 365 * DAY,
           "how long a signature is good for; 0: for ever"),

    /* DKIM: what others have signed */
    NUMBER(PARAM_INT, dkim_minimum_key_bits, "1024", 1024, 4096,
           "signatures of smaller RSA keys have the result policy"),
    NUMBER(PARAM_INT, dkim_max_signatures, "8", 1, 50,
           "signatures of one mail that are verified, those of its From domain first"),
    WORDS(dkim_partial_body, "policy", "policy accept", 0,
          "a good signature over a part of the body (l=): the result policy, or pass"),

    /* site facts */
    ROW(PARAM_PATH, postfix_config_directory, "/etc/postfix",
        "where main.cf is, for the facts below; empty: no Postfix here"),
    FACT(PARAM_STRING, myhostname, NULL, "the full name of this host"),
    FACT(PARAM_STRING, mydomain, NULL, "the domain of this host"),
    FACT(PARAM_STRING, myorigin, "$myhostname",
         "domain of addresses without one; /FILE: its first line"),
    FACT(PARAM_LIST, mynetworks, NULL, "clients that are ours"),
    WORDS(mynetworks_style, "${{$compatibility_level} <level {2} ? {subnet} : {host}}",
          "host subnet class", PARAM_FACT, "how mynetworks follows from the interfaces"),
    FACT(PARAM_LIST, inet_interfaces, "all", "addresses that this host receives mail on"),
    FACT(PARAM_LIST, proxy_interfaces, "", "more such addresses, of a proxy or NAT in front"),
    FACT(PARAM_STRING, inet_protocols, "all", "ipv4, ipv6, or all"),
    FACT(PARAM_LIST, mydestination, "$myhostname, localhost.$mydomain, localhost",
         "domains delivered on this host"),
    FACT(PARAM_LIST, relay_domains, "${{$compatibility_level} <level {2} ? {$mydestination} : {}}",
         "domains that this host relays to"),
    FACT(PARAM_LIST, virtual_alias_domains, "$virtual_alias_maps", "domains with aliases only"),
    FACT(PARAM_LIST, virtual_alias_maps, "$virtual_maps", "tables of aliases"),
    FACT(PARAM_LIST, virtual_mailbox_domains, "$virtual_mailbox_maps",
         "domains with mailboxes that are no system accounts"),
    FACT(PARAM_LIST, virtual_mailbox_maps, "", "tables of these mailboxes"),
    FACT(PARAM_STRING, recipient_delimiter, "", "what separates user from extension"),
    FACT(PARAM_LIST, parent_domain_matches_subdomains,
         "debug_peer_list,fast_flush_domains,mynetworks,permit_mx_backup_networks,"
         "qmqpd_authorized_clients,relay_domains,smtpd_access_maps",
         "lists in which a domain stands for its subdomains, too"),
    FLAGGED(PARAM_STRING, null_access_lookup_key, "<>", PARAM_FACT | PARAM_SMTPD,
            "key of the null sender in access tables"),
    FACT(PARAM_BOOL, smtputf8_enable, "${{$compatibility_level} <level {1} ? {no} : {yes}}",
         "Postfix accepts SMTPUTF8"),
    FACT(PARAM_STRING, compatibility_level, "0", "Postfix's level of presets"),
    {.name = NULL},
};

static bool take_prefix(const char **name, const char *prefix)
{
    size_t len = strlen(prefix);

    if (strncmp(*name, prefix, len) != 0)
        return false;
    *name += len;
    return true;
}

static const struct param *row_of(const char *name)
{
    for (const struct param *row = settings_rows; row->name != NULL; row++)
        if (strcmp(row->name, name) == 0)
            return row;
    return NULL;
}

/* A whole name first: one may begin like a direction. */
const struct param *settings_row(const char *name, int *direction)
{
    const struct param *row = row_of(name);
    bool smtpd;

    *direction = -1;
    if (row != NULL)
        return row;
    *direction = take_prefix(&name, "incoming_")   ? DIR_INCOMING
                 : take_prefix(&name, "outgoing_") ? DIR_OUTGOING
                                                   : -1;
    smtpd = take_prefix(&name, "smtpd_");
    row = row_of(name);
    return row != NULL && smtpd && !(row->flags & PARAM_SMTPD) ? NULL : row;
}

const char *settings_dir(const struct settings *settings, struct where where)
{
    if (where.file == NULL ||
        (settings->main_cf != NULL && strcmp(where.file, settings->main_cf) == 0))
        return settings->queue_directory;
    return conf_dir(where, settings->arena);
}

const struct param_text *settings_class(const struct settings *settings, const char *name)
{
    for (size_t i = 0; i < settings->source_count; i++) {
        const struct setting_source *source = &settings->sources[i];

        if (source->is_class && strcmp(source->name, name) == 0)
            return &source->text;
    }
    return NULL;
}

struct where settings_place(const struct settings *settings, const char *name)
{
    for (size_t i = 0; i < settings->source_count; i++) {
        const struct setting_source *source = &settings->sources[i];

        if (source->row != NULL && strcmp(source->row->name, name) == 0)
            return source->text.where;
    }
    return (struct where){NULL, 0};
}

void settings_free(struct settings *settings)
{
    if (settings == NULL)
        return;
    conf_free(settings->conf);
    conf_free(settings->main_conf);
    free(settings->sources);
    arena_free(settings->arena);
    free(settings);
}
