/* check_authres - what Authentication-Results says of a message */
/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TAMIS_CHECK_AUTHRES_H
#define TAMIS_CHECK_AUTHRES_H

#include "authres.h"
#include "check.h"
#include "problems.h"
#include "settings.h"

/* authserv_id and authentication_results. Part of a policy: immutable. */
struct authres_policy {
    const char *id; /* A-labels; NULL: no field is added, and none removed */
    struct where where; /* of authentication_results */
    bool iprev, spf, dkim;
};

/* Texts are in the arena. An authserv-id that is no full domain name is an error; when it is the
 * host's own name, a warning, and there is no field. */
struct authres_policy authres_policy_read(const struct settings *settings, struct arena *arena,
                                          struct problems *problems);

/* The value of the field for what is known at scene->stage, as authres_build writes it. NULL, with
 * need->need NULL: none is wanted (outgoing mail, sendmail(1)). NULL and need->need: ask, and come
 * again. Pure; the text is in the scene's arena. */
const char *authres_judge(const struct scene *scene, struct outcome *need);

/* The field and Received-SPF as a step that asks: for engine_learn, and early. It decides
 * nothing. */
extern const struct step authres_step;

#endif
