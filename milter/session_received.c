/* session_received - the client in the MTA's own Received field: outgoing_hide_client */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "session_received.h"

#include "log.h"
#include "received.h"

/* The field of sendmail(1)'s mail names no client. */
static bool is_wanted(const struct content_scene *scene, enum hide_client hide)
{
    if (hide == HIDE_NO || scene->message->direction != DIR_OUTGOING)
        return false;
    return hide == HIDE_RULES || !scene->client->local;
}

static void log_other_mta(const struct content_scene *scene)
{
    static struct log_limit limit;
    const char *version = scene->client->mta_version;

    if (!scene->quiet && scene->enforce)
        log_limited(&limit, LOG_WARNING,
                    "outgoing_hide_client works with Postfix only, and the MTA calls itself \"%s\" "
                    "(macro v): its Received fields stay", version != NULL ? version : "");
}

void received_handle(const struct content_scene *scene, struct content *content)
{
    enum hide_client hide = (enum hide_client)scene->policy->settings->outgoing_hide_client;
    struct message *m = scene->message;
    struct rule_ref none = {0};
    const char *text;

    if (!is_wanted(scene, hide))
        return;
    if (!received_is_postfix(scene->client)) {
        log_other_mta(scene);
        return;
    }
    text = received_text(scene->client, m, hide == HIDE_YES, m->arena);
    if (hide == HIDE_RULES)
        content_own_received(content, text);
    else
        message_edit_header(m, ACT_REPLACE, NULL, EDIT_OWN, text, &none);
}
