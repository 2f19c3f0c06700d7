/* message - a client and one mail transaction of it: what is known, asked, to be done */
/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TAMIS_MESSAGE_H
#define TAMIS_MESSAGE_H

#include "arena.h"
#include "net.h"
#include "verdict.h"

enum direction { DIR_INCOMING, DIR_OUTGOING };
enum { DIR_COUNT = 2 };

const char *direction_name(enum direction direction); /* "incoming", "outgoing" */

enum { CLIENT_TEXTS = 14 };

/* What CONNECT and HELO told; texts are never NULL unless it says so, and free of control
 * characters. They live in the session's arena, or, in a copy by client_copy, in that arena. */
struct client {
    union {
        struct {
            const char *name;      /* verified host name, else "unknown" */
            const char *ptr;       /* {client_ptr}: unverified reverse name; else `name` */
            const char *resolve;   /* {client_resolve}: OK, FAIL, FORGED, TEMP; NULL: not told */
            const char *addr_text; /* "192.0.2.1", or what was given when it is no address */
            const char *daemon_name, *daemon_addr; /* of the MTA's listener; NULL: not told */
            const char *mta_version; /* macro v, "Postfix 3.7.11"; NULL: not told */
            const char *mta_host;    /* macro j: the MTA's own name */
            const char *helo;        /* NULL before HELO */
            const char *tls_version, *cipher, *cipher_bits; /* NULL: no TLS */
            const char *cert_subject, *cert_issuer;         /* likewise */
        };
        const char *texts[CLIENT_TEXTS]; /* all of the above, for client_copy */
    };
    struct addr addr;
    int port;        /* of the client; -1: not told */
    int daemon_port; /* -1: not told */
    bool local;      /* local submission by sendmail(1): not an SMTP client */
};

/* Is the MTA Sendmail? Its macro v is a version alone (8.17.1); Postfix's begins with its name. Of
 * Sendmail are not to be had: resolved addresses ({mail_addr}, {rcpt_addr} are what its mailer
 * gets: of a local recipient the user alone), and places of fields counted from the top (its own
 * fields that may be missing count, too: edits.c). */
bool client_is_sendmail(const struct client *client);

/* `to` becomes a copy of all of it, texts included, in `arena`. */
void client_copy(struct client *to, const struct client *from, struct arena *arena);

/* An envelope address. `key` is what tables are asked for: resolved as Postfix's trivial-rewrite
 * does (source route, quotes and comments gone, $myorigin added, lower case); "" for the null
 * sender. */
struct address {
    const char *arg;  /* as the MTA passed it, with or without <>: what smfi_delrcpt needs */
    const char *text; /* as typed by the client, without <>, quotes, route: for replies and log */
    const char *key;
};

struct recipient {
    struct recipient *next;
    int number; /* from 1 in the transaction */
    struct address address;
    struct verdict verdict;
    bool refused_by_mta; /* seen only thanks to log_mta_rejects; never answered */
};

/* One restriction that was judged, for the log. */
struct check_record {
    struct check_record *next;
    int recipient;           /* number, 0: none */
    const char *restriction; /* as written: "check_client_access hash:rules/client" */
    const char *question; /* canonical text, "table hash:rules/client mail.example"; NULL: none */
    const char *answer;      /* raw; NULL: none */
    const char *result;      /* act_name, "warn:reject" under warn_if_reject */
    struct rule_ref rule;
    unsigned us;
};

struct dns_answer;

/* The answer to one question of the world; kept on the message, logged. */
enum finding_state { FINDING_FOUND, FINDING_NONE, FINDING_TEMPERROR };
enum { FINDING_BUCKETS = 64 };

struct finding {
    struct finding *next;
    const char *question;
    enum finding_state state;
    const char *answer; /* raw; canonical text of the question's kind */
    unsigned us;
    bool idle;      /* asked by a step that decides nothing, whatever the answer */
    bool forgotten; /* stands for an answer that nobody has, and goes with that step */

    /* What check_dns made of it: made once, however many recipients ask. NULL: nobody has yet. */
    const struct dns_answer *read;
    struct finding *beside; /* in the same bucket */
};

/* A header field as the MTA passed it; its own Received is not among them. */
struct header {
    struct header *next;
    const char *name;
    const char *value; /* with the blanks behind the colon and the folds, "\n " */
    int index;         /* from 0, in the order of the mail */
};

/* Where a field is put that a PREPEND or, for EDIT_OWN, a REPLACE adds. */
enum edit_place {
    EDIT_TOP,    /* above all, the MTA's own Received, too: access(5) */
    EDIT_HEADER, /* right above `header`: header_checks(5) */
    EDIT_BOTTOM, /* below the last one: a rule for a part's headers */
    EDIT_OWN,    /* ACT_REPLACE: in place of the MTA's own Received, the topmost field */
};

/* Decided when a rule fires, performed at end of message. */
struct edit {
    struct edit *next;
    enum act act; /* HOLD, REDIRECT, BCC, PREPEND, REPLACE, IGNORE or STRIP */
    const char *text;            /* reason, address, or "Name: value" */
    const struct header *header; /* the one that is meant; NULL for what concerns none */
    enum edit_place place;
    struct rule_ref rule;
    bool annotates; /* part of Authentication-Results, and performed in annotate mode, too */
};

/* A DKIM signature that was put on the message. */
struct made_signature {
    struct made_signature *next;
    const char *domain, *selector, *algorithm; /* d=, s=, a= */
    unsigned bits;                             /* of the key */
};

struct dkim_verdict; /* dkim_result.h */

/* A DKIM signature, judged or made here, as the log has it. Texts live as long as the entry. */
struct logged_signature {
    struct logged_signature *next;
    const char *domain, *selector;  /* NULL: unknown */
    const char *algorithm;          /* "rsa-sha256"; NULL: unknown */
    const char *canonicalization;   /* "relaxed/simple"; NULL: unknown */
    const char *identity;           /* i=; NULL: @domain */
    const char *result, *reason;    /* of RFC 8601; reason may be NULL */
    unsigned bits;                  /* of the key; 0: unknown */
    bool made;                      /* here */
};

/* A token that ended a reply (token.h). */
struct reply_token {
    struct reply_token *next;
    int recipient; /* number, 0: none */
    const char *text;
};

struct message {
    struct arena *arena; /* everything below lives in it */
    int64_t time_us;     /* wall clock when it began, microseconds since 1970 */
    uint64_t begun_us;   /* monotonic */
    int64_t mail_us;     /* wall clock when MAIL came */
    enum direction direction;
    const char *queue_id;   /* "" until known */
    const char *message_id; /* of the Message-ID field, with <>; "" until known */
    bool has_mail;          /* MAIL was seen */
    bool smtputf8;          /* MAIL had the SMTPUTF8 parameter (RFC 6531) */
    const char *esmtp;      /* all its parameters, blanks between; "" */
    int64_t size;           /* that it announced (RFC 1870); 0: none */
    struct address sender;
    const char *login;       /* {auth_authen}; "" when not authenticated */
    const char *auth_method; /* {auth_type}; "" */
    struct recipient *recipients, **recipients_tail;
    int recipient_count; /* seen */
    int accepted_count;  /* not refused, by nobody */
    struct check_record *checks, **checks_tail;
    struct finding *findings, **findings_tail;
    struct finding *finding_buckets[FINDING_BUCKETS];
    struct edit *edits, **edits_tail;
    size_t edits_left_out; /* decided, too, but not kept: told by the log alone */
    struct logged_signature *logged_signatures, **logged_signatures_tail;
    struct reply_token *tokens;
    bool keeps_evidence; /* the log shall hold what a replay needs */
    struct header *evidence, **evidence_tail; /* fields for it */
    size_t evidence_bytes;
    struct header *parts, **parts_tail; /* of MIME parts, whole fields as values, names "" */
    int part_count;
    bool parts_whole; /* every header that mime_header_checks is asked about is evidence */
    struct edit *header_edit; /* the last one of a header that came; NULL: none */
    const struct dkim_verdict *dkim; /* of the signatures that it came with; NULL: not verified */
    struct made_signature *signatures;
    struct header *headers, **headers_tail; /* kept when a rule may edit one */
    int header_count;
    uint64_t stage_us[STAGE_EOM + 1]; /* the slowest answer of each stage; 0: none was judged */
    struct verdict verdict; /* the last refusal, or discard, or how the transaction ended */
};

/* Incoming, all texts "", no recipients; verdicts start as ACT_DUNNO, enforced. Lives in its own
 * arena, and ends with it. */
struct message *message_new(int64_t time_us);
void message_free(struct message *message); /* NULL is allowed */

/* Appends; numbers it. The address's texts must live in the message's arena. */
struct recipient *message_add_recipient(struct message *message, const struct address *address);

/* Appends a zeroed record; the caller fills it in. */
struct check_record *message_add_check(struct message *message);

/* Appends copies of both texts. */
const struct header *message_add_header(struct message *message, const char *name,
                                        const char *value);

/* Notes an edit once a rule and text (a rule that fires for each recipient counts once); texts are
 * copied. False when it was there already; a REDIRECT is then the last one again, which is what
 * counts. */
bool message_add_edit(struct message *message, enum act act, const char *text,
                      const struct rule_ref *rule);
/* Appends what a rule wants with a header; the caller sees to it that there is one a header. The
 * text is copied (NULL: none), the rule's must live as long as the policy. */
struct edit *message_edit_header(struct message *message, enum act act,
                                 const struct header *header, enum edit_place place,
                                 const char *text, const struct rule_ref *rule);
/* A field above all others, those that rules put on top (EDIT_TOP) so far, too. */
struct edit *message_edit_top(struct message *message, const char *text,
                              const struct rule_ref *rule);
/* "Name: value" of what is put in; the name of what goes; what a HOLD, REDIRECT or BCC says. */
void edit_split(const struct edit *edit, struct slice *field, struct slice *value);
/* The last one of that kind, or NULL. */
const struct edit *message_last_edit(const struct message *message, enum act act);

/* Appends a finding for a copy of the question: FINDING_TEMPERROR, "" until the world fills it
 * in. */
struct finding *message_add_finding(struct message *message, const char *question);

/* Takes out those with this answer: the pointer is compared. */
void message_drop_findings(struct message *message, const char *answer);

/* Takes out those that are to be forgotten. */
void message_forget_findings(struct message *message);

/* Puts a zeroed one in front; the caller fills it in. */
struct made_signature *message_add_signature(struct message *message);

struct finding *message_find(const struct message *message, const char *question); /* or NULL */

/* Appends a zeroed record; the caller fills it in. */
struct logged_signature *message_log_signature(struct message *message);

/* Appends copies, cut; what would be too much is left out. */
void message_add_evidence(struct message *message, const char *name, const char *value);

/* The same for the header of a part, "Name:value"; false when it is cut, or left out. */
bool message_add_part(struct message *message, struct slice text);

/* A copy of the token; `recipient` 0: none. */
const char *message_add_token(struct message *message, int recipient, const char *token);

/* Would somebody receive it? False when every recipient was refused, in earnest or not. */
bool message_has_permitted(const struct message *message);

#endif
