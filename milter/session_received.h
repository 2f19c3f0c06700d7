/* session_received - the client in the MTA's own Received field: outgoing_hide_client */
/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TAMIS_SESSION_RECEIVED_H
#define TAMIS_SESSION_RECEIVED_H

#include "session_content.h"

/* Once a message, when its recipients and queue id are known and before its first header: notes on
 * an outgoing message that Postfix's Received field is to be replaced, or shows it to the rules of
 * `content` (NULL: there are none). Another MTA's field stays, which is logged. Never blocks. */
void received_handle(const struct content_scene *scene, struct content *content);

#endif
