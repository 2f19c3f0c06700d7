/* front_terms - what is negotiated with the MTA: events, replies, actions, macros */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "front_terms.h"

#include "reply.h"

unsigned terms_needed(const struct policy_needs *needs)
{
    return TERM_KNOWN | (needs->headers ? TERM_HEADERS : 0) | (needs->body ? TERM_BODY : 0) |
           (needs->early_reply ? TERM_EARLY : 0) | (needs->mta_rejects ? TERM_REJECTS : 0) |
           (needs->edits ? TERM_EDITS : 0);
}

unsigned long terms_actions(const struct policy_needs *needs)
{
    return needs->edits ? TERMS_ALL_ACTIONS : TERMS_ACTIONS;
}

unsigned long terms_steps(const struct policy_needs *needs)
{
    unsigned long steps =
        SMFIP_NOUNKNOWN | SMFIP_NR_HDR | SMFIP_NR_EOH | SMFIP_SKIP | SMFIP_HDR_LEADSPC;

    /* Who wants headers needs their end, too: in a mail without any, libmilter would take the body
     * for out of order, and never answer. */
    steps |= needs->headers ? 0 : SMFIP_NOHDRS | SMFIP_NOEOH;
    steps |= needs->body ? 0 : SMFIP_NOBODY;
    steps |= needs->early_reply ? 0 : SMFIP_NR_CONN | SMFIP_NR_HELO | SMFIP_NR_MAIL;
    steps |= needs->mta_rejects ? SMFIP_RCPT_REJ : 0;
    return steps;
}

void terms_ask_for_macros(SMFICTX *ctx)
{
    static const struct {
        int stage;
        const char *names;
    } lists[] = {
        {SMFIM_CONNECT, "j i v _ {daemon_name} {daemon_addr} {daemon_port} {client_addr} "
                        "{client_name} {client_ptr} {client_port} {client_resolve} "
                        "{client_connections}"},
        {SMFIM_HELO, "{tls_version} {cipher} {cipher_bits} {cert_subject} {cert_issuer}"},
        {SMFIM_ENVFROM, "i {auth_type} {auth_authen} {auth_author} {mail_addr} {mail_host} "
                        "{mail_mailer}"},
        {SMFIM_ENVRCPT, "i {rcpt_addr} {rcpt_host} {rcpt_mailer}"},
        {SMFIM_DATA, "i"},
        {SMFIM_EOM, "i"},
    };

    for (size_t i = 0; i < ARRAY_LEN(lists); i++)
        smfi_setsymlist(ctx, lists[i].stage, MUTABLE(lists[i].names));
}
