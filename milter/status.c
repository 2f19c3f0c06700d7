/* status - how the running filter is, for `tamis status` */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "status.h"

#include "config.h"
#include "counters.h"
#include "front_milter.h"
#include "maintain.h"
#include "status_keys.h"
#include "world_dns.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* Read once, then rendered. */
struct facts {
    const struct status_source *source;
    struct reload_report reload;
    struct journal_status journal;
    struct dns_stats dns;
    struct status_keys keys;
    const char *mode;
    char shadow[256]; /* its file; "": none is wanted */
    bool has_shadow;
    bool observes;
    unsigned generation;
    int64_t loaded_at, now;
};

/* An uint64_t of a struct, as both forms show it: its member in JSON is named as it is in C. */
struct number {
    const char *name;
    size_t offset;
    const char *text; /* behind the number; NULL: for JSON alone */
};

#define DNS(member, text) {#member, offsetof(struct dns_stats, member), text}
#define LOG(member, text) {#member, offsetof(struct journal_status, member), text}

static const struct number dns_numbers[] = {
    DNS(sent, " asked, "),
    DNS(shared, " shared, "),
    DNS(cached, " remembered, "),
    DNS(refused, " refused, "),
    DNS(timeouts, " too late; "),
    DNS(under_way, " under way, "),
    DNS(entries, " answers in "),
    DNS(bytes, " bytes\n"),
    {0},
};

static const struct number log_numbers[] = {
    LOG(offered, NULL),
    LOG(written, " written, "),
    LOG(queued, " waiting, "),
    LOG(dropped, " dropped, "),
    LOG(details_dropped, NULL),
    LOG(errors, " errors, "),
    LOG(file_bytes, NULL),
    LOG(wal_bytes, NULL),
    {0},
};

static const char *const mode_names[] = {"observe", "annotate", "enforce"};

static void read_facts(const struct status_source *source, struct facts *facts)
{
    struct policy *policy = policy_acquire();

    memset(facts, 0, sizeof(*facts));
    facts->source = source;
    facts->now = (int64_t)time(NULL);
    facts->mode = "unknown";
    facts->journal.healthy = true;
    if (policy != NULL) {
        facts->mode = mode_names[policy->settings->mode];
        facts->observes = policy->settings->mode == MODE_OBSERVE;
        facts->generation = policy->generation;
        snprintf(facts->shadow, sizeof(facts->shadow), "%.255s", policy->settings->shadow_config);
        facts->has_shadow = policy->shadow != NULL;
        facts->loaded_at = policy->loaded_at;
        if (source->world != NULL)
            status_keys_read(&facts->keys, source->world->keys, policy->keys, facts->now);
        policy_release(policy);
    }
    maintain_report(&facts->reload);
    if (source->journal != NULL)
        journal_read_status(source->journal, &facts->journal);
    if (source->world != NULL)
        world_dns_stats(source->world, &facts->dns);
}

static int64_t uptime(const struct facts *facts)
{
    return facts->now - facts->source->started_at;
}

/* Before the first write nothing is known of the log, which is fine. */
static bool has_log_trouble(const struct facts *facts)
{
    return !facts->journal.healthy && facts->journal.errors > 0;
}

static int state_of(const struct facts *facts)
{
    return facts->reload.refused || has_log_trouble(facts) || facts->journal.dropped > 0 ||
                   facts->keys.troubles > 0
               ? STATUS_DEGRADED
               : STATUS_FINE;
}

static void add_time(struct buf *out, int64_t seconds)
{
    char text[32];
    struct tm tm;
    time_t when = (time_t)seconds;

    strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S", localtime_r(&when, &tm));
    buf_adds(out, text);
}

static void add_duration(struct buf *out, int64_t seconds)
{
    if (seconds >= 86400)
        buf_addf(out, "%lldd ", (long long)(seconds / 86400));
    buf_addf(out, "%02lld:%02lld:%02lld", (long long)(seconds / 3600 % 24),
             (long long)(seconds / 60 % 60), (long long)(seconds % 60));
}

static void add_reasons(struct buf *out, const struct facts *facts)
{
    if (facts->reload.refused) {
        buf_addf(out, "  the reload of ");
        add_time(out, facts->reload.at);
        buf_addf(out, " was refused (%zu error%s), first: %s\n", facts->reload.errors,
                 facts->reload.errors == 1 ? "" : "s", facts->reload.first_error);
    }
    if (has_log_trouble(facts))
        buf_addf(out, "  the log cannot be written: %s\n", facts->journal.last_error);
    if (facts->journal.dropped) {
        buf_addf(out, "  the log lost %llu transactions\n",
                 (unsigned long long)facts->journal.dropped);
    }
    status_keys_reasons(&facts->keys, out);
}

static void add_counters(struct buf *out, enum counter from, enum counter to)
{
    for (enum counter c = from; c <= to; c++)
        buf_addf(out, ",\"%s\":%llu", counter_name(c), (unsigned long long)counter_read(c));
}

static unsigned long long number_of(const struct number *number, const void *from)
{
    uint64_t value;

    memcpy(&value, (const char *)from + number->offset, sizeof(value));
    return value;
}

static void add_numbers(struct buf *out, const struct number *numbers, const void *from)
{
    for (const struct number *n = numbers; n->name != NULL; n++)
        if (n->text != NULL)
            buf_addf(out, "%llu%s", number_of(n, from), n->text);
}

static void add_numbers_json(struct buf *out, const struct number *numbers, const void *from)
{
    for (const struct number *n = numbers; n->name != NULL; n++)
        buf_addf(out, "%s\"%s\":%llu", n > numbers ? "," : "", n->name, number_of(n, from));
}

static void render_shadow_text(const struct facts *facts, struct buf *out)
{
    if (facts->shadow[0] == '\0')
        return;
    buf_addf(out, "shadow      %s%s:", facts->shadow, facts->has_shadow ? "" : " cannot be used");
    for (enum counter c = COUNT_SHADOW_SAME; c <= COUNT_SHADOW_UNKNOWN; c++)
        buf_addf(out, " %llu %s,", (unsigned long long)counter_read(c), counter_name(c));
    buf_addf(out, " %llu messages not judged\n",
             (unsigned long long)counter_read(COUNT_SHADOW_DROPPED));
}

static void render_text(const struct facts *facts, struct buf *out)
{
    const struct journal_status *journal = &facts->journal;

    buf_addf(out, "%s: tamis %s, process %ld, up ",
             state_of(facts) == STATUS_FINE ? "fine" : "degraded", PACKAGE_VERSION, (long)getpid());
    add_duration(out, uptime(facts));
    buf_adds(out, "\n");
    add_reasons(out, facts);
    buf_addf(out, "socket      %s\n", facts->source->socket);
    buf_addf(out, "mode        %s\n", facts->mode);
    buf_addf(out, "policy      generation %u of ", facts->generation);
    add_time(out, facts->loaded_at);
    buf_addf(out, ", %zu files\n", facts->reload.files);
    buf_addf(out, "connections %u now, %llu since the start\n", front_connections(),
             (unsigned long long)counter_read(COUNT_CONNECTIONS));
    buf_addf(out, "messages    %u under way", front_messages());
    for (enum counter c = COUNT_ACCEPT; c <= COUNT_ABORTED; c++)
        buf_addf(out, ", %llu %s", (unsigned long long)counter_read(c), counter_name(c));
    buf_adds(out, "\nlog         ");
    add_numbers(out, log_numbers, journal);
    buf_addf(out, "%llu bytes\n", (unsigned long long)(journal->file_bytes + journal->wal_bytes));
    render_shadow_text(facts, out);
    buf_adds(out, "DNS         ");
    add_numbers(out, dns_numbers, &facts->dns);
    status_keys_text(&facts->keys, facts->now, facts->observes, out);
}

static void render_journal(const struct journal_status *journal, struct buf *out)
{
    buf_addf(out, "\"log\":{\"healthy\":%s,",
             journal->healthy || !journal->errors ? "true" : "false");
    add_numbers_json(out, log_numbers, journal);
    buf_addc(out, ',');
    buf_add_member(out, "last_error", journal->last_error);
    buf_addc(out, '}');
}

static void render_shadow(const struct facts *facts, struct buf *out)
{
    buf_addf(out, "\"shadow\":{\"judging\":%s,", facts->has_shadow ? "true" : "false");
    buf_add_member(out, "file", facts->shadow);
    add_counters(out, COUNT_SHADOW_SAME, COUNT_SHADOW_DROPPED);
    buf_adds(out, "},");
}

static void render_json(const struct facts *facts, struct buf *out)
{
    const struct reload_report *reload = &facts->reload;

    buf_addf(out, "{\"state\":\"%s\",\"version\":\"%s\",\"pid\":%ld,\"uptime\":%lld,",
             state_of(facts) == STATUS_FINE ? "fine" : "degraded", PACKAGE_VERSION, (long)getpid(),
             (long long)uptime(facts));
    buf_add_member(out, "socket", facts->source->socket);
    buf_addf(out,
             ",\"mode\":\"%s\",\"policy\":{\"generation\":%u,\"loaded_at\":%lld,\"files\":%zu},",
             facts->mode, facts->generation, (long long)facts->loaded_at, reload->files);
    buf_addf(out, "\"reload\":{\"refused\":%s,\"at\":%lld,\"errors\":%zu,\"warnings\":%zu,",
             reload->refused ? "true" : "false", (long long)reload->at, reload->errors,
             reload->warnings);
    buf_add_member(out, "first_error", reload->first_error);
    buf_addf(out, "},\"connections\":{\"now\":%u", front_connections());
    add_counters(out, COUNT_CONNECTIONS, COUNT_REFUSED);
    buf_addf(out, "},\"messages\":{\"under_way\":%u", front_messages());
    add_counters(out, COUNT_ACCEPT, COUNT_ABORTED);
    buf_adds(out, "},\"counters\":{");
    buf_addf(out, "\"since\":%lld", (long long)facts->source->started_at);
    add_counters(out, COUNT_MTA_FAILURES, COUNT_RELOADS_REFUSED);
    buf_adds(out, "},");
    render_shadow(facts, out);
    buf_adds(out, "\"dns\":{");
    add_numbers_json(out, dns_numbers, &facts->dns);
    buf_adds(out, "},");
    status_keys_json(&facts->keys, out);
    render_journal(&facts->journal, out);
    buf_adds(out, "}\n");
}

int status_render(const struct status_source *source, bool json, struct buf *out)
{
    struct facts facts;
    int status;

    read_facts(source, &facts);
    if (json)
        render_json(&facts, out);
    else
        render_text(&facts, out);
    free(facts.reload.problems);
    status = state_of(&facts);
    status_keys_free(&facts.keys);
    return status;
}
