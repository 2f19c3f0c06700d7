/* advice_services - services of master.cf that run milters twice, without tamis, or in a chroot */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "advice.h"

#include <string.h>

static const struct where nowhere;

static bool is_command(const struct postfix_service *service, const char *command)
{
    return strcmp(service->command, command) == 0;
}

/* A filter is named as TRANSPORT:DESTINATION, a proxy filter as HOST:PORT; both empty for none. */
static bool filters(const struct advice *advice, const struct postfix_service *service)
{
    return *postfix_effective(advice->postfix, service, "content_filter") != '\0' ||
           *postfix_effective(advice->postfix, service, "smtpd_proxy_filter") != '\0';
}

static bool somebody_filters(const struct advice *advice)
{
    for (const struct postfix_service *s = advice->postfix->services; s != NULL; s = s->next)
        if (is_command(s, "smtpd") && filters(advice, s))
            return true;
    return false;
}

static bool listens_on_loopback(const struct postfix_service *service)
{
    static const char *const heads[] = {"127.", "localhost:", "[::1]:", "::1:", "[127."};

    if (strcmp(service->type, "unix") == 0)
        return true;
    for (size_t i = 0; i < ARRAY_LEN(heads); i++)
        if (strncmp(service->name, heads[i], strlen(heads[i])) == 0)
            return true;
    return false;
}

static const char *port_of(const struct postfix_service *service)
{
    const char *colon = strrchr(service->name, ':');

    return colon != NULL ? colon + 1 : service->name;
}

/* Where users or other servers deliver, whatever its options. */
static bool is_public_port(const char *port)
{
    static const char *const ports[] = {"25",         "smtp", "465",        "smtps",
                                        "submission", "587",  "submissions"};

    for (size_t i = 0; i < ARRAY_LEN(ports); i++)
        if (strcmp(port, ports[i]) == 0)
            return true;
    return false;
}

static bool skips_checks(const struct advice *advice, const struct postfix_service *service)
{
    const char *options = postfix_override(advice->postfix, service, "receive_override_options");

    return options != NULL && (strstr(options, "no_unknown_recipient_checks") != NULL ||
                               strstr(options, "no_milters") != NULL ||
                               strstr(options, "no_header_body_checks") != NULL);
}

/* Does a content filter give mail back here? No single sign is sure; two are. */
static bool takes_mail_back(const struct advice *advice, const struct postfix_service *service)
{
    const char *port = port_of(service);
    long number = 0;
    int signs = 0;

    if (is_public_port(port) || filters(advice, service))
        return false;
    signs += listens_on_loopback(service);
    signs += parse_long(slice_of(port), 10020, 10039, &number);
    signs += somebody_filters(advice);
    signs += skips_checks(advice, service);
    signs += postfix_override(advice->postfix, service, "smtpd_authorized_xforward_hosts") != NULL;
    return signs >= 2;
}

static bool calls_no_milters(const struct advice *advice, const struct postfix_service *service)
{
    return strstr(postfix_effective(advice->postfix, service, "receive_override_options"),
                  "no_milters") != NULL;
}

static void judge_returning(struct advice *advice, const struct postfix_service *service)
{
    const char *own = postfix_override(advice->postfix, service, "smtpd_milters");
    const char *others;

    if (calls_no_milters(advice, service) || (own != NULL && advice_count(advice, own) == 0))
        return;
    others =
        advice_list_without(advice, postfix_effective(advice->postfix, service, "smtpd_milters"));
    advice_master(
        advice, service, "smtpd_milters", others,
        "takes back what a content filter has seen: that mail has passed tamis before and "
        "would be judged and logged a second time");
    problems_add(advice->problems, SEV_WARNING, nowhere,
                 "master.cf: %s %s takes mail back from a content filter and %s: the filter would "
                 "run twice. Give it its own smtpd_milters, as printed",
                 service->name, service->type,
                 own != NULL ? "names tamis in its smtpd_milters"
                             : "inherits smtpd_milters from main.cf");
    if (*others != '\0')
        problems_add(advice->problems, SEV_NOTE, nowhere,
                     "master.cf: %s %s keeps %s, which already sees such mail twice: leave it out, "
                     "too, unless that is wanted",
                     service->name, service->type, others);
}

static void judge_front(struct advice *advice, const struct postfix_service *service)
{
    const char *own = postfix_override(advice->postfix, service, "smtpd_milters");
    const char *options = postfix_override(advice->postfix, service, "receive_override_options");

    if (options != NULL && strstr(options, "no_milters") != NULL) {
        problems_add(advice->problems, SEV_NOTE, nowhere,
                     "master.cf: %s %s has no_milters: its mail does not reach tamis",
                     service->name, service->type);
    } else if (own != NULL && *own == '\0') {
        problems_add(advice->problems, SEV_NOTE, nowhere,
                     "master.cf: %s %s has an empty smtpd_milters: its mail does not reach tamis",
                     service->name, service->type);
    } else if (own != NULL && !advice_is_last(advice, own)) {
        problems_add(
            advice->problems, SEV_WARNING, nowhere,
            "master.cf: %s %s has its own smtpd_milters, and tamis %s. Replace the entry as "
            "printed",
            service->name, service->type,
            advice_count(advice, own) > 0 ? "is not the last of them"
                                          : "is not among them: its mail is not judged");
        advice_master(advice, service, "smtpd_milters", advice_list_with(advice, own),
                      "its own smtpd_milters hide those of main.cf; they stay, tamis is the last");
    }
}

static bool is_chrooted(const struct advice *advice, const struct postfix_service *service)
{
    const char *level = postfix_param(advice->postfix, "compatibility_level");

    /* Before level 1 a dash means yes. */
    return service->chroot == 'y' ||
           (service->chroot == '-' && (*level == '\0' || strcmp(level, "0") == 0));
}

/* A path that is not below the queue directory does not exist for a chrooted service. */
static void judge_chroot(struct advice *advice)
{
    const struct postfix *postfix = advice->postfix;

    if (strncmp(advice->address, "unix:/", 6) != 0)
        return;
    for (const struct postfix_service *s = postfix->services; s != NULL; s = s->next) {
        if ((is_command(s, "smtpd") || is_command(s, "cleanup")) && is_chrooted(advice, s)) {
            problems_add(advice->problems, SEV_WARNING, nowhere,
                         "master.cf: %s %s (%s) runs in a chroot and cannot see %s. In milter.conf "
                         "write socket = unix:%s/tamis/tamis.sock, or use inet:localhost:8894",
                         s->name, s->type, s->command, advice->address + 5,
                         postfix_param(postfix, "queue_directory"));
            return;
        }
    }
}

/* Is the transport of this filter run by pipe(8)? Then nobody but its script knows the way back. */
static bool is_piped(const struct advice *advice, const char *filter)
{
    size_t len = strcspn(filter, ":");

    for (const struct postfix_service *s = advice->postfix->services; s != NULL; s = s->next)
        if (len > 0 && strlen(s->name) == len && strncmp(s->name, filter, len) == 0 &&
            strcmp(s->type, "unix") == 0)
            return is_command(s, "pipe");
    return false;
}

static bool some_filter_is_piped(const struct advice *advice)
{
    for (const struct postfix_service *s = advice->postfix->services; s != NULL; s = s->next)
        if (is_command(s, "smtpd") &&
            is_piped(advice, postfix_effective(advice->postfix, s, "content_filter")))
            return true;
    return false;
}

static void judge_pipe(struct advice *advice, bool returns_over_smtp)
{
    if (!some_filter_is_piped(advice) || returns_over_smtp)
        return;
    advice->filter_returns_locally = true;
    problems_add(
        advice->problems, SEV_NOTE, nowhere,
        "master.cf: a content filter is run by pipe(8), and no service takes mail back over "
        "SMTP, so it comes back through sendmail(1). Therefore tamis is left out of "
        "non_smtpd_milters: other mail from sendmail(1) does not reach it either");
}

static void judge_proxy(struct advice *advice)
{
    for (const struct postfix_service *s = advice->postfix->services; s != NULL; s = s->next) {
        const char *proxy = postfix_effective(advice->postfix, s, "smtpd_proxy_filter");

        if (!is_command(s, "smtpd") || *proxy == '\0')
            continue;
        problems_add(
            advice->problems, SEV_WARNING, nowhere,
            "master.cf: %s %s has smtpd_proxy_filter = %s: Postfix shows milters the "
            "commands there, but no header and no body, and lets them change nothing: HOLD, "
            "REDIRECT, BCC, PREPEND and header checks need content_filter instead",
            s->name, s->type, proxy);
        return;
    }
}

void advice_services(struct advice *advice)
{
    bool returns_over_smtp = false;

    for (const struct postfix_service *s = advice->postfix->services; s != NULL; s = s->next) {
        if (!is_command(s, "smtpd"))
            continue;
        if (takes_mail_back(advice, s)) {
            returns_over_smtp = true;
            judge_returning(advice, s);
        } else {
            judge_front(advice, s);
        }
    }
    judge_pipe(advice, returns_over_smtp);
    judge_proxy(advice);
    judge_chroot(advice);
}
