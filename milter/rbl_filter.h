/* rbl_filter - which answers of a block list count: d.d.d.d with numbers, [n;n..m] */
/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TAMIS_RBL_FILTER_H
#define TAMIS_RBL_FILTER_H

#include "net.h"

/* For each octet of an IPv4 address the values that it may have, one bit each. */
struct rbl_filter {
    uint32_t octets[4][8];
};

/* Reads a filter as postconf(5), reject_rbl_client, has it: four fields with dots between, each a
 * number from 0 to 255 or [ ] around numbers and ranges n..m with `;` between; [ ] around the whole
 * is allowed. False with err set, which shows where. Any thread. */
bool rbl_filter_parse(struct slice text, struct rbl_filter *filter, struct err *err);

/* False for what is no IPv4 address. */
bool rbl_filter_matches(const struct rbl_filter *filter, const struct addr *addr);

#endif
