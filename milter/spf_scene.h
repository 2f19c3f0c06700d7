/* spf_scene - what SPF says of a sender or a HELO name, and whom it is not asked about */
/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TAMIS_SPF_SCENE_H
#define TAMIS_SPF_SCENE_H

#include "check.h"
#include "match.h"
#include "problems.h"
#include "settings.h"
#include "spf.h"

/* spf_exempt_networks and spf_exempt_domains. Part of a policy: immutable. */
struct spf_exempt {
    struct match_list *networks, *domains;
};

/* Never NULL; what is wrong is in `problems`. The caller owns it; its tables belong to `tables`. */
struct spf_exempt *spf_exempt_new(const struct settings *settings, struct tables *tables,
                                  struct problems *problems);
void spf_exempt_free(struct spf_exempt *exempt); /* NULL is allowed */
/* The files named inside the lists. */
void spf_exempt_each_file(const struct spf_exempt *exempt,
                          void (*visit)(const char *path, void *arg), void *arg);

/* One identity's answer. Texts are in the scene's arena, or static. */
struct spf_opinion {
    bool exempt; /* nothing was asked, nothing is known: no restriction applies. The result is none,
                  * and why says what the exemption is */
    struct spf_answer answer; /* domain and why are never NULL */
    const char *question, *raw; /* for the log: what was asked; if exempt "exempt" and why */
};

/* Exempt is what does not come from outside (loopback, mynetworks, who has logged in, outgoing
 * mail), what has no address, SPF_MAILFROM before MAIL, SPF_HELO before HELO, and who is in the
 * lists above. SPF_MAILFROM of the null sender is about postmaster at the HELO name (RFC 7208,
 * 2.4). False: *need is what the judge is to return. Pure. */
bool spf_judge(const struct scene *scene, enum spf_identity identity, struct spf_opinion *opinion,
               struct outcome *need);

/* The answer in a finding; one that cannot be read is SPF_TEMPERROR, which says why. */
void spf_answer_of_finding(const struct finding *finding, struct arena *arena,
                           struct spf_answer *answer);

/* What the result means, one sentence without a dot: "192.0.2.1 is not allowed to send for
 * d.example"; of none and the errors it is the reason. `client` is the address as text. */
const char *spf_sentence(const struct spf_answer *answer, const char *client, struct arena *arena);

#endif
