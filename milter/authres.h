/* authres - the Authentication-Results field: built, and recognised as bearing our name */
/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TAMIS_AUTHRES_H
#define TAMIS_AUTHRES_H

#include "arena.h"

/* RFC 8601. Everything here is pure; any thread. */

enum {
    AUTHRES_VALUE_MAX = 320,  /* of a property; what is longer is left out */
    AUTHRES_REASON_MAX = 200, /* what is longer is cut */
    AUTHRES_FIELD_MAX = 4000, /* clauses that would make a longer field are left out */
};

/* "smtp.mailfrom=d.example (remark)". ptype and property are ours; value and remark may be a
 * stranger's, and hold any bytes. NULL: none. */
struct authres_property {
    const char *ptype, *property;
    const char *value;
    const char *remark;
};

/* "spf=fail reason=\"why\" (remark) smtp.mailfrom=d.example". method and result are ours. */
struct authres_clause {
    const char *method, *result;
    const char *reason; /* of strangers, too; NULL: none */
    const char *remark;
    const struct authres_property *properties;
    size_t property_count;
};

/* What stands behind the colon, its blank included: the id, and a line for each clause, or "none"
 * when there is none; lines end in "\n". A value that is a word or an address of plain characters
 * is written as it is; one of other harmless printable ASCII in quotes; any other is left out with
 * its property. In reasons and remarks each byte that could mean something is a question mark. The
 * result is in the arena. */
const char *authres_build(const char *id, const struct authres_clause *clauses, size_t count,
                          struct arena *arena);

/* Is it the name of such a field? Blanks behind it do not matter, nor does case. */
bool authres_is_field(const char *name);

/* Does the value of such a field (all that stands behind the colon, any bytes) name `id` as its
 * authserv-id? The id alone decides, whatever follows it: in any case, behind comments and folds,
 * quoted, with its labels apart, as U-labels, with a dot at the end. When quotes or a comment that
 * never end leave open what the id is, the field is ours if it holds our id anywhere. Takes time in
 * proportion to the length of the value. `id`: ASCII (A-labels). RFC 8601, sections 2.2, 2.5, 5. */
bool authres_is_ours(const char *value, const char *id);

/* Can this be an authserv-id of ours? A full domain name of ASCII letters, digits and hyphens. */
bool authres_is_id(const char *id);

#endif
