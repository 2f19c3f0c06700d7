/* 2-advice - which lines and findings tamis postfix has for which Postfix */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "advice.h"
#include "buf.h"
#include "tap.h"

#include <stdlib.h>
#include <string.h>

#define ITEM "{ inet:localhost:8894, default_action=tempfail, command_timeout=30s }"
#define BOUNCE "main.cf: internal_mail_filter_classes = bounce\n"
#define BOTH "main.cf: non_smtpd_milters = $smtpd_milters\n"
#define SMTP "smtp inet n - y - - smtpd\n"
#define GOOD                                                                                       \
    "smtpd_milters = " ITEM "\nnon_smtpd_milters = " ITEM                                          \
    "\ninternal_mail_filter_classes = bounce\n"

/* `find` is a part of a finding that must be there ("warning: …"); NULL: no findings at all. */
struct row {
    const char *name;
    const char *params, *services, *overrides, *ours;
    const char *lines; /* "FILE: TEXT" each */
    const char *find;
};

static const struct row rows[] = {
    {"a Postfix that has no milters", "", SMTP, "", "",
     "main.cf: smtpd_milters = " ITEM "\n" BOTH BOUNCE, NULL},
    {"everything is there", GOOD, SMTP, "", "", "", NULL},
    {"another milter is kept, tamis is the last", "smtpd_milters = inet:127.0.0.1:8891\n", SMTP, "",
     "",
     "main.cf: smtpd_milters = inet:127.0.0.1:8891, " ITEM "\nmain.cf: non_smtpd_milters = " ITEM
     "\n" BOUNCE,
     "note: main.cf: Postfix recodes 8-bit mail"},
    {"tamis is not the last",
     "smtpd_milters = inet:127.0.0.1:8894, inet:localhost:1\nnon_smtpd_milters = " ITEM
     "\ninternal_mail_filter_classes = notify bounce\n",
     SMTP, "", "", "main.cf: smtpd_milters = inet:localhost:1, " ITEM "\n",
     "warning: main.cf: in smtpd_milters other milters come after tamis"},
    {"tamis stands there twice",
     "smtpd_milters = inet:127.0.0.1:8894 inet:localhost:8894\nnon_smtpd_milters = " ITEM
     "\ninternal_mail_filter_classes = bounce\n",
     SMTP, "", "", "main.cf: smtpd_milters = " ITEM "\n",
     "warning: main.cf: tamis stands 2 times in smtpd_milters"},
    {"non_smtpd_milters is missing",
     "smtpd_milters = " ITEM "\ninternal_mail_filter_classes = bounce\n", SMTP, "", "", BOTH,
     "warning: main.cf: non_smtpd_milters is not set"},
    {"other classes are kept",
     "smtpd_milters = " ITEM "\nnon_smtpd_milters = " ITEM
     "\ninternal_mail_filter_classes = notify\n",
     SMTP, "", "", "main.cf: internal_mail_filter_classes = notify, bounce\n", NULL},
    {"a fault lets mail through",
     "smtpd_milters = inet:localhost:8894\nmilter_default_action = accept\nnon_smtpd_milters "
     "= " ITEM "\ninternal_mail_filter_classes = bounce\n",
     SMTP, "", "", "main.cf: smtpd_milters = " ITEM "\n",
     "warning: main.cf: smtpd_milters lets mail through unfiltered"},
    {"accept is right while tamis observes",
     "smtpd_milters = inet:localhost:8894\nmilter_default_action = accept\nnon_smtpd_milters "
     "= " ITEM "\ninternal_mail_filter_classes = bounce\n",
     SMTP, "", "mode=observe", "", "note: main.cf: smtpd_milters has default_action = accept"},
    {"what is printed while tamis observes", "", SMTP, "", "mode=observe",
     "main.cf: smtpd_milters = { inet:localhost:8894, default_action=accept, command_timeout=30s "
     "}\n" BOTH BOUNCE, NULL},
    {"the administrator's own options stay",
     "smtpd_milters = { inet:localhost:8894, default_action=quarantine } inet:h:1\n"
     "non_smtpd_milters = " ITEM "\ninternal_mail_filter_classes = bounce\n",
     SMTP, "", "",
     "main.cf: smtpd_milters = inet:h:1, { inet:localhost:8894, default_action=quarantine }\n",
     "warning: main.cf: in smtpd_milters other"},
    {"an old Postfix knows no braces", "mail_version = 2.11.3\n", SMTP, "", "",
     "main.cf: smtpd_milters = inet:localhost:8894\n" BOTH BOUNCE, NULL},
    {"amavis returns mail to 10025", GOOD "content_filter = smtp-amavis:[127.0.0.1]:10024\n",
     SMTP "127.0.0.1:10025 inet n - n - - smtpd -o content_filter= -o mynetworks=127.0.0.0/8\n",
     "127.0.0.1:10025/inet/content_filter =\n127.0.0.1:10025/inet/mynetworks = 127.0.0.0/8\n", "",
     "master.cf: 127.0.0.1:10025 inet n - n - - smtpd\n    -o content_filter=\n"
     "    -o mynetworks=127.0.0.0/8\n    -o smtpd_milters=\n",
     "warning: master.cf: 127.0.0.1:10025 inet takes mail back from a content filter and inherits"},
    {"the filter stands in front of one service only, the way back has any port", GOOD,
     "smtp inet n - n - - smtpd -o content_filter=scan:localhost:20125\n"
     "submission inet n - n - - smtpd\nlocalhost:20126 inet n - n - - smtpd\n",
     "smtp/inet/content_filter = scan:localhost:20125\n", "",
     "master.cf: localhost:20126 inet n - n - - smtpd\n    -o smtpd_milters=\n",
     "warning: master.cf: localhost:20126 inet takes mail back"},
    {"other milters stay on the way back",
     "smtpd_milters = inet:localhost:1, " ITEM "\nnon_smtpd_milters = " ITEM
     "\ninternal_mail_filter_classes = bounce\ncontent_filter = scan:127.0.0.1:10024\n",
     SMTP "127.0.0.1:10025 inet n - n - - smtpd -o content_filter=\n",
     "127.0.0.1:10025/inet/content_filter =\n", "",
     "master.cf: 127.0.0.1:10025 inet n - n - - smtpd\n    -o content_filter=\n"
     "    -o smtpd_milters=inet:localhost:1\n",
     "note: master.cf: 127.0.0.1:10025 inet keeps inet:localhost:1"},
    {"the way back is in order", GOOD "content_filter = scan:127.0.0.1:10024\n",
     SMTP "127.0.0.1:10025 inet n - n - - smtpd -o content_filter= -o smtpd_milters=\n"
          "127.0.0.1:10027 inet n - n - - smtpd -o content_filter= "
          "-o receive_override_options=no_milters\n",
     "127.0.0.1:10025/inet/content_filter =\n127.0.0.1:10025/inet/smtpd_milters =\n"
     "127.0.0.1:10027/inet/content_filter =\n"
     "127.0.0.1:10027/inet/receive_override_options = no_milters\n",
     "", "", NULL},
    {"a submission service without filter is no way back",
     GOOD "content_filter = scan:127.0.0.1:10024\n",
     SMTP "127.0.0.1:submission inet n - n - - smtpd -o content_filter=\n",
     "127.0.0.1:submission/inet/content_filter =\n", "", "", NULL},
    {"a filter run by pipe comes back through sendmail", "smtpd_milters = " ITEM "\n",
     "smtp inet n - n - - smtpd -o content_filter=filter:dummy\n"
     "filter unix - n n - 10 pipe user=filter argv=/f\n",
     "smtp/inet/content_filter = filter:dummy\n", "", "",
     "note: master.cf: a content filter is run by pipe(8)"},
    {"and then tamis must not be in non_smtpd_milters",
     "smtpd_milters = " ITEM "\nnon_smtpd_milters = inet:h:1, " ITEM "\n",
     "smtp inet n - n - - smtpd -o content_filter=filter:dummy\n"
     "filter unix - n n - 10 pipe user=filter argv=/f\n",
     "smtp/inet/content_filter = filter:dummy\n", "", "main.cf: non_smtpd_milters = inet:h:1\n",
     "warning: main.cf: non_smtpd_milters holds tamis, and a content filter returns"},
    {"a service with milters of its own", GOOD,
     SMTP "submission inet n - n - - smtpd -o smtpd_milters=inet:localhost:8891\n",
     "submission/inet/smtpd_milters = inet:localhost:8891\n", "",
     "master.cf: submission inet n - n - - smtpd\n    -o { smtpd_milters = "
     "inet:localhost:8891, " ITEM " }\n",
     "warning: master.cf: submission inet has its own smtpd_milters, and tamis is not among them"},
    {"a service without milters is left alone", GOOD,
     SMTP "submission inet n - n - - smtpd -o smtpd_milters=\n",
     "submission/inet/smtpd_milters =\n", "", "",
     "note: master.cf: submission inet has an empty smtpd_milters"},
    {"a before-queue filter", GOOD,
     "smtp inet n - n - - smtpd -o smtpd_proxy_filter=127.0.0.1:10024\n",
     "smtp/inet/smtpd_proxy_filter = 127.0.0.1:10024\n", "", "",
     "warning: master.cf: smtp inet has smtpd_proxy_filter"},
    {"no_milters everywhere", GOOD "receive_override_options = no_milters,no_address_mappings\n",
     SMTP, "", "", "", "warning: main.cf: receive_override_options has no_milters"},
    {"smtpd_milter_maps", GOOD "smtpd_milter_maps = cidr:/etc/x\n", SMTP, "", "", "",
     "note: main.cf: smtpd_milter_maps = cidr:/etc/x"},
    {"an old protocol", GOOD "milter_protocol = 2\n", SMTP, "", "", "",
     "warning: main.cf: milter_protocol = 2"},
    {"bounces stay away from the checks of main.cf",
     "smtpd_milters = " ITEM "\nnon_smtpd_milters = " ITEM "\nnested_header_checks = regexp:/r\n", SMTP,
     "", "", "",
     "note: main.cf: bounces that Postfix makes reach no milter, and so no log; it is left so, because "
     "with internal_mail_filter_classes = bounce they would pass nested_header_checks, too"},
    {"a path that a chroot hides", "", SMTP, "", "socket=unix:/run/tamis/s",
     "main.cf: smtpd_milters = { unix:/run/tamis/s, default_action=tempfail, command_timeout=30s "
     "}\n" BOTH BOUNCE,
     "warning: master.cf: smtp inet (smtpd) runs in a chroot and cannot see /run/tamis/s. In "
     "milter.conf write socket = unix:/var/spool/postfix/tamis/tamis.sock"},
    {"a path below the queue directory", "", SMTP, "", "socket=/var/spool/postfix/tamis/s",
     "main.cf: smtpd_milters = { unix:tamis/s, default_action=tempfail, command_timeout=30s "
     "}\n" BOTH BOUNCE,
     NULL},
    {"a path without a chroot", "compatibility_level = 3.6\n", "smtp inet n - - - - smtpd\n", "",
     "socket=/run/s",
     "main.cf: smtpd_milters = { unix:/run/s, default_action=tempfail, command_timeout=30s }\n" BOTH
         BOUNCE,
     NULL},
    {"a descriptor", "", SMTP, "", "socket=fd:3", "main.cf: smtpd_milters = " ITEM "\n" BOTH BOUNCE,
     "note: milter.conf: socket = fd:3"},
    {"the same header checks on both sides", GOOD "header_checks = pcre:/etc/postfix/hc\n", SMTP,
     "", "header_checks=pcre:/etc/postfix/hc", "",
     "warning: main.cf: header_checks has pcre:/etc/postfix/hc, and so has tamis"},
    {"header checks of a cleanup service of its own", GOOD,
     SMTP "subclean unix n - y - 0 cleanup -o header_checks=pcre:/etc/postfix/out\n",
     "subclean/unix/header_checks = pcre:/etc/postfix/out\n", "header_checks=pcre:/etc/postfix/out",
     "",
     "warning: master.cf: subclean unix: header_checks has pcre:/etc/postfix/out, and so has tamis: "
     "PREPEND would add its field twice, WARN would log twice. Take it out of master.cf"},
    {"a restriction of a service", GOOD,
     SMTP "submission inet n - y - - smtpd -o smtpd_sender_restrictions=check_sender_access,h:/x\n",
     "submission/inet/smtpd_sender_restrictions = check_sender_access,h:/x\n",
     "sender_restrictions=check_sender_access h:/x", "",
     "warning: master.cf: submission inet: smtpd_sender_restrictions has h:/x, and so has tamis"},
    {"the same restriction on both sides",
     GOOD "smtpd_recipient_restrictions = permit_mynetworks, reject_unauth_destination, "
          "check_sender_access proxy:hash:/etc/x\n",
     SMTP, "",
     "recipient_restrictions=permit_mynetworks, reject_unauth_destination, check_sender_access "
     "hash:/etc/x",
     "", "warning: main.cf: smtpd_recipient_restrictions has proxy:hash:/etc/x, and so has tamis"},
    {"several restrictions of a list are told together",
     GOOD "smtpd_helo_restrictions = permit_mynetworks, check_helo_access hash:/etc/x, "
          "reject_invalid_helo_hostname, reject_unknown_helo_hostname\n",
     SMTP, "",
     "helo_restrictions=check_helo_access hash:/etc/x, reject_invalid_helo_hostname", "",
     "warning: main.cf: smtpd_helo_restrictions has hash:/etc/x, reject_invalid_helo_hostname, and "
     "so has tamis"},
    {"what tamis leaves to Postfix is no double",
     GOOD "smtpd_recipient_restrictions = permit_mynetworks, reject_unverified_recipient, "
          "check_policy_service inet:127.0.0.1:10023, check_policy_service { inet:127.0.0.1:1, "
          "default_action=DUNNO }\n",
     SMTP, "",
     "recipient_restrictions=permit_mynetworks, reject_unverified_recipient, check_policy_service "
     "inet:127.0.0.1:10023, check_policy_service { inet:127.0.0.1:1, default_action=DUNNO }",
     "", NULL},
    {"and does not go with its list",
     GOOD "smtpd_recipient_restrictions = permit_mynetworks, check_policy_service "
          "inet:127.0.0.1:10023, reject_unlisted_sender, reject_non_fqdn_sender\n",
     SMTP, "", "recipient_restrictions=reject_non_fqdn_sender", "",
     "has reject_non_fqdn_sender, and so has tamis: Postfix decides first, so what it refuses is "
     "missing from tamis's log. Move the list whole: take it out of main.cf, leave "
     "permit_mynetworks, permit_sasl_authenticated and reject_unauth_destination; and "
     "check_policy_service, reject_unlisted_sender, which tamis does not do\n"},
    {"while tamis observes the list stays in main.cf",
     "smtpd_milters = { inet:localhost:8894, default_action=accept }\nnon_smtpd_milters = "
     "$smtpd_milters\nnon_smtpd_milters = { inet:localhost:8894, default_action=accept }\n"
     "internal_mail_filter_classes = bounce\nsmtpd_helo_restrictions = check_helo_access "
     "hash:/etc/x\n",
     SMTP, "", "helo_restrictions=check_helo_access hash:/etc/x\nmode=observe", "",
     "note: main.cf: smtpd_helo_restrictions has hash:/etc/x, and so has tamis: Postfix decides "
     "first, so what it refuses is missing from tamis's log. That is right while tamis does not "
     "enforce; with mode = enforce move the list whole: take it out of main.cf"},
    {"a socket that tamis had before",
     "smtpd_milters = inet:h:1, { inet:127.0.0.1:8894, default_action=accept }\n"
     "non_smtpd_milters = unix:tamis/old.sock, { unix:tamis/s, default_action=tempfail }\n"
     "internal_mail_filter_classes = bounce\n",
     SMTP, "", "socket=/var/spool/postfix/tamis/s",
     "main.cf: smtpd_milters = inet:h:1, { unix:tamis/s, default_action=tempfail, "
     "command_timeout=30s }\nmain.cf: non_smtpd_milters = { unix:tamis/s, "
     "default_action=tempfail }\n",
     "warning: main.cf: smtpd_milters has inet:127.0.0.1:8894, which looks like a former socket of "
     "tamis (now it is unix:tamis/s): leave it out, as printed, unless another tamis listens "
     "there\n"
     "warning: main.cf: non_smtpd_milters has unix:tamis/old.sock, which"},
    {"permits and the relay guard stand on both sides",
     GOOD "smtpd_relay_restrictions = permit_mynetworks, permit_sasl_authenticated, "
          "reject_unauth_destination\n",
     SMTP, "",
     "smtpd_relay_restrictions=permit_mynetworks, permit_sasl_authenticated, "
     "reject_unauth_destination",
     "", NULL},
    {"a policy service that tamis replaces",
     GOOD "smtpd_recipient_restrictions = check_policy_service unix:private/policyd-spf\n", SMTP,
     "", "recipient_restrictions=reject_spf_fail", "",
     "warning: main.cf: smtpd_recipient_restrictions has check_policy_service "
     "unix:private/policyd-spf, whose work (SPF) tamis does, too: take it out of main.cf, and its "
     "entry out of master.cf, and policyd-spf_time_limit, where it is set, out of main.cf\n"},
    {"a policy service at a port has no time limit in main.cf",
     GOOD "smtpd_recipient_restrictions = check_policy_service inet:spf.example:10023\n", SMTP,
     "", "recipient_restrictions=reject_spf_fail", "",
     "whose work (SPF) tamis does, too: take it out of main.cf, and its entry out of "
     "master.cf\n"},
    {"greylisting, which tamis leaves to who does it, whatever a list or class is called",
     GOOD "smtpd_recipient_restrictions = check_policy_service inet:127.0.0.1:10023, "
          "check_policy_service unix:private/postgrey\n",
     SMTP, "", "recipient_restrictions=greylist", "", NULL},
    {"a policy service that tamis does not replace",
     GOOD "smtpd_recipient_restrictions = check_policy_service unix:private/policyd-spf\n", SMTP,
     "", "", "", NULL},
    {"OpenDKIM signs while tamis observes",
     "smtpd_milters = inet:localhost:8891, { inet:localhost:8894, default_action=accept }\n"
     "non_smtpd_milters = { inet:localhost:8894, default_action=accept }\n"
     "internal_mail_filter_classes = bounce\n",
     SMTP, "", "signing_key=example.org:s:/k\nmode=observe", "",
     "note: main.cf: smtpd_milters has inet:localhost:8891, which looks like OpenDKIM; it signs, "
     "and tamis does not, as long as mode = observe: take it out together with mode = annotate"},
    {"OpenDKIM beside a tamis that signs",
     "smtpd_milters = inet:localhost:8891, " ITEM "\nnon_smtpd_milters = inet:localhost:8891, " ITEM
     "\ninternal_mail_filter_classes = bounce\n",
     SMTP, "", "signing_table=refile:/s", "",
     "warning: main.cf: smtpd_milters has inet:localhost:8891, which looks like OpenDKIM, and tamis "
     "has keys: mail would be signed twice. Take it out; or, if it shall go on to verify, say Mode v "
     "in opendkim.conf and keep_authres_from_milters = yes in milter.conf\n"},
    {"OpenDKIM for mail of sendmail alone",
     "smtpd_milters = " ITEM "\nnon_smtpd_milters = unix:opendkim/sock, " ITEM
     "\ninternal_mail_filter_classes = bounce\n",
     SMTP, "", "signing_key=example.org:s:/k", "",
     "warning: main.cf: non_smtpd_milters has unix:opendkim/sock, which looks like OpenDKIM"},
    {"OpenDKIM at the submission service",
     GOOD, SMTP "submission inet n - n - - smtpd -o { smtpd_milters = inet:localhost:8891, " ITEM " }\n",
     "submission/inet/smtpd_milters = inet:localhost:8891, " ITEM "\n", "key_list=/k", "",
     "warning: master.cf: submission inet: smtpd_milters has inet:localhost:8891, which looks"},
    {"OpenDKIM beside a tamis without keys is another filter",
     "smtpd_milters = inet:localhost:8891, " ITEM "\nnon_smtpd_milters = inet:localhost:8891, " ITEM
     "\ninternal_mail_filter_classes = bounce\ndisable_mime_output_conversion = yes\n"
     "smtp_line_length_limit = 0\n",
     SMTP, "", "", "", NULL},
    {"signed mail in front of a content filter",
     GOOD "always_add_missing_headers = yes\ndisable_mime_output_conversion = yes\n",
     "smtp inet n - n - - smtpd -o content_filter=scan:localhost:10024\n",
     "smtp/inet/content_filter = scan:localhost:10024\n", "signing_key=example.org:s:/k", "",
     "note: master.cf: the content filter gets mail that tamis has signed"},
    {"fields that are missing when it is signed",
     GOOD "disable_mime_output_conversion = yes\n", SMTP, "", "signing_key=example.org:s:/k", "",
     "note: main.cf: a user's mail without Date or Message-ID is signed as it is"},
    {"signed mail that is recoded",
     GOOD "always_add_missing_headers = yes\n", SMTP, "", "signing_key=example.org:s:/k", "",
     "note: main.cf: Postfix recodes 8-bit mail"},
    {"all is well for signing",
     GOOD "local_header_rewrite_clients = permit_inet_interfaces, permit_sasl_authenticated\n"
          "disable_mime_output_conversion = yes\nsmtp_line_length_limit = 0\n",
     SMTP, "", "signing_key=example.org:s:/k", "", NULL},
    {"signed lines that are broken",
     GOOD "always_add_missing_headers = yes\ndisable_mime_output_conversion = yes\n"
          "smtp_line_length_limit = 2048\n",
     SMTP "smtp unix - - y - - smtp\n", "", "signing_key=example.org:s:/k", "",
     "note: main.cf: smtp(8) breaks lines of more than 998 characters, which mail programs write now "
     "and then, and with them DKIM signatures: smtp_line_length_limit = 0\n"},
    {"signed lines that one service breaks",
     GOOD "always_add_missing_headers = yes\ndisable_mime_output_conversion = yes\n",
     SMTP "smtp unix - - y - - smtp -o smtp_line_length_limit=0\nrelay unix - - y - - smtp\n",
     "smtp/unix/smtp_line_length_limit = 0\n", "signing_key=example.org:s:/k", "",
     "note: main.cf: smtp(8) breaks lines"},
    {"signed lines that no service breaks",
     GOOD "always_add_missing_headers = yes\ndisable_mime_output_conversion = yes\n",
     SMTP "smtp unix - - y - - smtp -o smtp_line_length_limit=0\n",
     "smtp/unix/smtp_line_length_limit = 0\n", "signing_key=example.org:s:/k", "", NULL},
    {"headers changed behind the milters", GOOD "smtp_header_checks = pcre:/x\n", SMTP, "", "", "",
     "note: main.cf: smtp_header_checks changes mail after all milters"},
};

/* `ours` is one name=value. */
static const char *setting(void *arg, const char *name)
{
    size_t len = strlen(name);

    for (const char *ours = arg; ours != NULL; ours = strchr(ours, '\n')) {
        ours += *ours == '\n';
        if (strncmp(ours, name, len) == 0 && ours[len] == '=')
            return ours + len + 1;
    }
    return NULL;
}

static void check_findings(const struct row *row, const struct problems *problems)
{
    struct buf all = {0};

    for (size_t i = 0; i < problems->count; i++) {
        char *text = problem_text(&problems->list[i]);

        buf_addf(&all, "%s\n", text);
        free(text);
    }
    if (row->find == NULL)
        tap_is(buf_text(&all), "", "%s: no findings", row->name);
    else if (!tap_ok(strstr(buf_text(&all), row->find) != NULL, "%s: finding", row->name))
        tap_diag("found:\n%s", buf_text(&all));
    buf_free(&all);
}

static void check_row(const struct row *row)
{
    struct postfix postfix = {.arena = arena_new()};
    struct advice_side side = {
        .socket = "inet:8894@localhost", .enforces = true, .setting = setting,
        .arg = xstrdup(row->ours),
    };
    struct problems problems = {0};
    struct buf lines = {0};
    struct advice advice;

    if (setting(side.arg, "socket") != NULL)
        side.socket = setting(side.arg, "socket");
    if (setting(side.arg, "mode") != NULL)
        side.enforces = false;
    postfix_read_params(&postfix, "queue_directory = /var/spool/postfix\n");
    postfix_read_params(&postfix, "milter_default_action = tempfail\n");
    postfix_read_params(&postfix, row->params);
    postfix_read_services(&postfix, row->services);
    postfix_read_overrides(&postfix, row->overrides);
    advice_give(&advice, &postfix, &side, &problems);
    for (const struct advice_line *l = advice.lines; l != NULL; l = l->next)
        buf_addf(&lines, "%s: %s\n", l->file, l->text);
    tap_is(buf_text(&lines), row->lines, "%s: lines", row->name);
    check_findings(row, &problems);
    buf_free(&lines);
    problems_free(&problems);
    free(side.arg);
    arena_free(postfix.arena);
}

int main(void)
{
    tap_start(20);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        check_row(&rows[i]);
    return tap_done();
}
