/* session_message - a session's message: its headers, its body, its end, what is done to it */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "session_parts.h"

#include "decision.h"
#include "session_received.h"

/* For the lists of this message's direction; what is to be discarded is not looked at. */
static struct content *content_of(struct session *s)
{
    if (!s->has_content && s->discard.act == ACT_DUNNO) {
        struct content_scene scene = {s->policy, &s->client, s->message, s->enforce,
                                      s->engine.quiet, session_log_of(s)};

        s->content = content_new(&scene);
        received_handle(&scene, s->content);
    }
    s->has_content = true;
    return s->content;
}

void session_header(struct session *s, const char *name, const char *value)
{
    struct message *m = s->message;
    struct content *content = content_of(s);
    struct session_log log = session_log_of(s);
    const struct header *header = content_keep(s->policy, m, name, value);

    content_header(content, header, name, value);
    if (header != NULL) {
        annotation_header(&s->annotation, header);
        inspection_header(&s->inspection, header->name, header->value);
    } else {
        inspection_cut(&s->inspection);
    }
    session_log_header(&log, m, name, value);
}

void session_part(struct session *s, const char *text)
{
    content_part(content_of(s), text);
}

bool session_body(struct session *s, const char *data, size_t len)
{
    bool checks = content_body(content_of(s), data, len);
    bool verifies = inspection_body(&s->inspection, data, len);
    bool signs = sealing_body(&s->sealing, data, len);

    return checks || verifies || signs;
}

/* A refusal of the lists at end of data goes before what was found in the content, as in Postfix,
 * whose cleanup(8) is asked last. The latter was logged when it was found. */
static const struct verdict *conclude_content(struct session *s)
{
    struct verdict v = content_end(content_of(s));

    v.enforced = s->enforce && v.act != ACT_DUNNO;
    if (v.act != ACT_DUNNO)
        s->message->verdict = v;
    s->answer = v;
    return &s->answer;
}

static const struct verdict *end_of_message(struct session *s)
{
    struct message *m = s->message;
    struct verdict v;

    if (s->discard.act == ACT_DISCARD && s->discard.enforced) {
        m->verdict = s->discard; /* whatever befell recipients since */
        s->answer = s->discard;
        return &s->answer;
    }
    inspection_end(&s->inspection);
    v = session_run(s, STAGE_EOM, NULL);
    if (v.act != ACT_DUNNO)
        return session_conclude(s, v, NULL);
    if (conclude_content(s)->act == ACT_DUNNO && m->verdict.act != ACT_DISCARD &&
        message_has_permitted(m)) {
        m->verdict = v;
        m->verdict.enforced = s->enforce;
        if (!s->engine.quiet)
            decision_log("accept", STAGE_EOM, &s->client, m, m->recipients, "250 2.0.0 Ok", NULL);
    }
    return &s->answer;
}

const struct verdict *session_eom(struct session *s, const struct macros *macros)
{
    const struct verdict *answer;
    uint64_t begun = now_us();

    session_note_queue_id(s, macros);
    session_begin_stage(s);
    answer = end_of_message(s);
    if (answer->act == ACT_DUNNO || !answer->enforced) {
        annotation_end(&s->annotation);
        sealing_end(&s->sealing, session_edits(s));
    }
    session_note_stage(s, STAGE_EOM, begun);
    return answer;
}

const struct edit *session_edits(const struct session *s)
{
    if (s->annotates)
        return annotation_edits(&s->annotation);
    return s->enforce && !verdict_refuses(&s->answer) ? s->message->edits : NULL;
}
