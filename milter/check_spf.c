/* check_spf - SPF by libspf2, which reads only what spf_walk writes for it */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "spf_walk.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <string.h>

/* spf_dns.h needs these before it. */
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/types.h>

#include <arpa/nameser.h>
#include <spf2/spf.h>

/* More than the library will count: the limits are ours. */
enum { LIBRARY_LIMIT = 10000 };

/* The name of the first record, which is nobody's. */
#define FIRST_NAME "first.x"

struct run {
    struct spf_walk walk;
    const char *first; /* the first record, rewritten */
    unsigned char mask;
};

/* The library lets every client of the loopback networks pass, unasked. Such a client and what it
 * is compared with are both moved elsewhere, which leaves the comparison as it is. */
static unsigned char loopback_mask(const struct addr *client)
{
    static const unsigned char loopback6[16] = {[15] = 1};
    bool loopback = client->family == AF_INET ? client->bytes[0] == 127
                                              : memcmp(client->bytes, loopback6, 16) == 0;

    return loopback ? 0x80 : 0;
}

static void rr_set(SPF_dns_rr_t *rr, int i, const void *data, size_t len)
{
    if (SPF_dns_rr_buf_realloc(rr, i, len) != SPF_E_SUCCESS)
        die("SPF: no memory");
    memcpy(rr->rr[i], data, len);
    rr->num_rr = i + 1;
}

static void rr_add(SPF_dns_rr_t *rr, const struct spf_rr *from, unsigned char mask)
{
    unsigned char bytes[16];

    memcpy(bytes, from->addr.bytes, sizeof(bytes));
    bytes[0] ^= mask;
    if (rr->rr_type == ns_t_mx)
        rr_set(rr, rr->num_rr, from->text.ptr, from->text.len + 1);
    else if (rr->rr_type == ns_t_a && from->addr.family == AF_INET)
        rr_set(rr, rr->num_rr, bytes, sizeof(struct in_addr));
    else if (rr->rr_type == ns_t_aaaa && from->addr.family == AF_INET6)
        rr_set(rr, rr->num_rr, bytes, sizeof(struct in6_addr));
}

static SPF_dns_rr_t *on_lookup(SPF_dns_server_t *server, const char *name, ns_type type, int cache)
{
    static const int herrnos[] = {[SPF_DNS_OK] = NETDB_SUCCESS,
                                  [SPF_DNS_NODATA] = NO_DATA,
                                  [SPF_DNS_NXDOMAIN] = HOST_NOT_FOUND,
                                  [SPF_DNS_TEMPERROR] = TRY_AGAIN};
    struct run *run = server->hook;
    SPF_dns_rr_t *rr;
    struct spf_rrs rrs;

    (void)cache;
    rr = SPF_dns_rr_new_init(server, name, type, 0,
                             herrnos[spf_walk_lookup(&run->walk, name, &rrs)]);
    if (rr == NULL)
        die("SPF: no memory");
    for (size_t i = 0; i < rrs.count; i++)
        rr_add(rr, &rrs.rr[i], run->mask);
    return rr;
}

static SPF_errcode_t on_record(SPF_server_t *server, SPF_request_t *request,
                               SPF_response_t *response, SPF_record_t **record)
{
    struct run *run = server->resolver->hook;
    int slot = spf_walk_slot(&run->walk, request->cur_dom);
    const char *text = slot < 0 ? run->first : spf_walk_record(&run->walk, slot);

    *record = NULL;
    if (text == NULL)
        return SPF_E_DNS_ERROR;
    return SPF_record_compile(server, response, record, text);
}

/* Explanations are ours. */
static SPF_errcode_t on_explanation(SPF_server_t *server, const char *name, char **text,
                                    size_t *size)
{
    (void)server;
    (void)name;
    if (*size == 0) {
        *text = xcalloc(1, 1);
        *size = 1;
    }
    **text = '\0';
    return SPF_E_SUCCESS;
}

static void request_address(SPF_request_t *request, const struct run *run)
{
    struct addr client = run->walk.q->client;
    struct in6_addr in6;
    struct in_addr in;

    client.bytes[0] ^= run->mask;
    memcpy(&in, client.bytes, sizeof(in));
    memcpy(&in6, client.bytes, sizeof(in6));
    if (client.family == AF_INET)
        SPF_request_set_ipv4(request, in);
    else
        SPF_request_set_ipv6(request, in6);
}

/* A result counts, whatever was returned; without one the return code says what went wrong. */
static void take_result(struct run *run, SPF_errcode_t code, SPF_response_t *response)
{
    static const struct {
        SPF_result_t theirs;
        enum spf_result ours;
    } results[] = {{SPF_RESULT_NEUTRAL, SPF_NEUTRAL},
                   {SPF_RESULT_PASS, SPF_PASS},
                   {SPF_RESULT_FAIL, SPF_FAIL},
                   {SPF_RESULT_SOFTFAIL, SPF_SOFTFAIL}};

    for (size_t i = 0; i < ARRAY_LEN(results); i++)
        if (response != NULL && SPF_response_result(response) == results[i].theirs) {
            spf_walk_end(&run->walk, results[i].ours);
            return;
        }
    spf_walk_stop(&run->walk,
                  code == SPF_E_DNS_ERROR || code == SPF_E_NO_MEMORY ? SPF_TEMPERROR
                                                                     : SPF_PERMERROR,
                  "the record cannot be evaluated: %s", SPF_strerror(code));
}

static void run_library(struct run *run)
{
    SPF_dns_server_t dns = {.lookup = on_lookup, .get_spf = on_record, .get_exp = on_explanation};
    SPF_server_t *server;
    SPF_request_t *request;
    SPF_response_t *response = NULL;
    SPF_errcode_t code;

    dns.name = "tamis";
    dns.hook = run;
    server = SPF_server_new_dns(&dns, 0);
    if (server == NULL || (request = SPF_request_new(server)) == NULL)
        die("SPF: no memory");
    SPF_server_set_rec_dom(server, "x");
    SPF_server_set_max_dns_mech(server, LIBRARY_LIMIT);
    SPF_server_set_max_dns_ptr(server, LIBRARY_LIMIT);
    SPF_server_set_max_dns_mx(server, LIBRARY_LIMIT);
    request_address(request, run);
    SPF_request_set_helo_dom(request, FIRST_NAME);
    SPF_request_set_env_from(request, "x@" FIRST_NAME);
    code = SPF_request_query_mailfrom(request, &response);
    take_result(run, code, response);
    if (response != NULL)
        SPF_response_free(response);
    SPF_request_free(request);
    SPF_server_free(server);
}

void spf_evaluate(const struct spf_question *q, const struct spf_dns *dns, struct arena *arena,
                  struct spf_answer *a)
{
    struct run *run = arena_alloc(arena, sizeof(*run));

    if (!spf_walk_start(&run->walk, q, dns, arena, a))
        return;
    run->mask = loopback_mask(&q->client);
    run->first = spf_walk_record(&run->walk, -1);
    if (run->first != NULL)
        run_library(run);
}

const char *spf_result_name(enum spf_result result)
{
    static const char *const names[] = {"none",     "neutral",   "pass",     "fail",
                                        "softfail", "temperror", "permerror"};

    return names[result];
}
