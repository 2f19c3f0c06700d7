/* 1-dkim-key - private keys in all forms, and their public halves */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "dkim_base64.h"
#include "dkim_key.h"
#include "tap.h"

#include <stdlib.h>
#include <string.h>

/* The keys of RFC 8463, appendix A, in several forms. */
static const char rsa_pkcs1[] =
    "-----BEGIN RSA PRIVATE KEY-----\n"
    "MIICXQIBAAKBgQDkHlOQoBTzWRiGs5V6NpP3idY6Wk08a5qhdR6wy5bdOKb2jLQi\n"
    "Y/J16JYi0Qvx/byYzCNb3W91y3FutACDfzwQ/BC/e/8uBsCR+yz1Lxj+PL6lHvqM\n"
    "KrM3rG4hstT5QjvHO9PzoxZyVYLzBfO2EeC3Ip3G+2kryOTIKT+l/K4w3QIDAQAB\n"
    "AoGAH0cxOhFZDgzXWhDhnAJDw5s4roOXN4OhjiXa8W7Y3rhX3FJqmJSPuC8N9vQm\n"
    "6SVbaLAE4SG5mLMueHlh4KXffEpuLEiNp9Ss3O4YfLiQpbRqE7Tm5SxKjvvQoZZe\n"
    "zHorimOaChRL2it47iuWxzxSiRMv4c+j70GiWdxXnxe4UoECQQDzJB/0U58W7RZy\n"
    "6enGVj2kWF732CoWFZWzi1FicudrBFoy63QwcowpoCazKtvZGMNlPWnC7x/6o8Gc\n"
    "uSe0ga2xAkEA8C7PipPm1/1fTRQvj1o/dDmZp243044ZNyxjg+/OPN0oWCbXIGxy\n"
    "WvmZbXriOWoSALJTjExEgraHEgnXssuk7QJBALl5ICsYMu6hMxO73gnfNayNgPxd\n"
    "WFV6Z7ULnKyV7HSVYF0hgYOHjeYe9gaMtiJYoo0zGN+L3AAtNP9huqkWlzECQE1a\n"
    "licIeVlo1e+qJ6Mgqr0Q7Aa7falZ448ccbSFYEPD6oFxiOl9Y9se9iYHZKKfIcst\n"
    "o7DUw1/hz2Ck4N5JrgUCQQCyKveNvjzkkd8HjYs0SwM0fPjK16//5qDZ2UiDGnOe\n"
    "uEzxBDAr518Z8VFbR41in3W4Y3yCDgQlLlcETrS+zYcL\n"
    "-----END RSA PRIVATE KEY-----\n";
static const char rsa_pkcs8[] =
    "-----BEGIN PRIVATE KEY-----\n"
    "MIICdwIBADANBgkqhkiG9w0BAQEFAASCAmEwggJdAgEAAoGBAOQeU5CgFPNZGIaz\n"
    "lXo2k/eJ1jpaTTxrmqF1HrDLlt04pvaMtCJj8nXoliLRC/H9vJjMI1vdb3XLcW60\n"
    "AIN/PBD8EL97/y4GwJH7LPUvGP48vqUe+owqszesbiGy1PlCO8c70/OjFnJVgvMF\n"
    "87YR4Lcincb7aSvI5MgpP6X8rjDdAgMBAAECgYAfRzE6EVkODNdaEOGcAkPDmziu\n"
    "g5c3g6GOJdrxbtjeuFfcUmqYlI+4Lw329CbpJVtosAThIbmYsy54eWHgpd98Sm4s\n"
    "SI2n1Kzc7hh8uJCltGoTtOblLEqO+9Chll7MeiuKY5oKFEvaK3juK5bHPFKJEy/h\n"
    "z6PvQaJZ3FefF7hSgQJBAPMkH/RTnxbtFnLp6cZWPaRYXvfYKhYVlbOLUWJy52sE\n"
    "WjLrdDByjCmgJrMq29kYw2U9acLvH/qjwZy5J7SBrbECQQDwLs+Kk+bX/V9NFC+P\n"
    "Wj90OZmnbjfTjhk3LGOD78483ShYJtcgbHJa+ZlteuI5ahIAslOMTESCtocSCdey\n"
    "y6TtAkEAuXkgKxgy7qEzE7veCd81rI2A/F1YVXpntQucrJXsdJVgXSGBg4eN5h72\n"
    "Boy2IliijTMY34vcAC00/2G6qRaXMQJATVqWJwh5WWjV76onoyCqvRDsBrt9qVnj\n"
    "jxxxtIVgQ8PqgXGI6X1j2x72Jgdkop8hyy2jsNTDX+HPYKTg3kmuBQJBALIq942+\n"
    "POSR3weNizRLAzR8+MrXr//moNnZSIMac564TPEEMCvnXxnxUVtHjWKfdbhjfIIO\n"
    "BCUuVwROtL7Nhws=\n"
    "-----END PRIVATE KEY-----\n";
#define RSA_BARE                                                                                  \
    "MIGJAoGBAOQeU5CgFPNZGIazlXo2k/eJ1jpaTTxrmqF1HrDLlt04pvaMtCJj8nXoliLRC/H9vJjMI1vdb3XLcW60AIN/" \
    "PBD8EL97/y4GwJH7LPUvGP48vqUe+owqszesbiGy1PlCO8c70/OjFnJVgvMF87YR4Lcincb7aSvI5MgpP6X8rjDdAgMB" \
    "AAE="
#define RSA_P                                                                                     \
    "MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDkHlOQoBTzWRiGs5V6NpP3idY6Wk08a5qhdR6wy5bdOKb2jLQiY/J1" \
    "6JYi0Qvx/byYzCNb3W91y3FutACDfzwQ/BC/e/8uBsCR+yz1Lxj+PL6lHvqMKrM3rG4hstT5QjvHO9PzoxZyVYLzBfO2" \
    "EeC3Ip3G+2kryOTIKT+l/K4w3QIDAQAB"
#define ED_SEED "nWGxne/9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A="
#define ED_P "11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="
#define ED_DER "MC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMRESccVpezJpGXA7rAMcrn9g"
static const char ed_pkcs8[] = "-----BEGIN PRIVATE KEY-----\n"
                               "MC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g\n"
                               "-----END PRIVATE KEY-----\n";

/* What nobody can sign with. */
static const char rsa_512[] =
    "-----BEGIN RSA PRIVATE KEY-----\n"
    "MIIBOQIBAAJBANeS3LeXIAhJl9RUsjJVXusHvXjucN/CZ8Gkawv54+IDVw/1AUxf\n"
    "pK7Tik5i2seu2q7ODE4gOKJR/3HAR/X+TIkCAwEAAQJAKlLwOK9YH6hrQcnbLpyq\n"
    "RRTA83RE/vmJK3Cff7txLVdEOtNXcnh4ZOBf4S/Fa5AaPn/KDnVxDb61xb4MQseu\n"
    "AQIhAPO3WHUXCc7oAEewJpO1qS2xD8+2qFWuYGdXEAGPKOVBAiEA4nBlRYWoET0N\n"
    "EAMD0izzZTHozYIXGlbZydW7rN5orUkCICTUoFmRkbni9affxvSrj1WIXItXXzkT\n"
    "kR4M2i5iJBwBAiB3Uc6rkcB8RPVrKIuM5s7i1ifckt5lrLpaltusPg5esQIgFoRA\n"
    "MaEq4/AAXjo2ybK6CGB2vC1d/DOe2QQm4KA8ksE=\n"
    "-----END RSA PRIVATE KEY-----\n";
static const char elliptic[] = "-----BEGIN EC PRIVATE KEY-----\n"
                               "MHcCAQEEIAmpNdqHOYeuoToX4cupK9rD7YVjvHA2OjAzNMlDnY6yoAoGCCqGSM49\n"
                               "AwEHoUQDQgAEEmSNn25YWKnnwTXYvSv1AxHWAm8HyiDJmAvsLyAsqCLOD2ixVpdH\n"
                               "42SYO/kdFCn4bc3v+FbtCNwXpelBGnfNug==\n"
                               "-----END EC PRIVATE KEY-----\n";
static const char encrypted[] =
    "-----BEGIN ENCRYPTED PRIVATE KEY-----\n"
    "MIGbMFcGCSqGSIb3DQEFDTBKMCkGCSqGSIb3DQEFDDAcBAheZVMlTSp03wICCAAw\n"
    "DAYIKoZIhvcNAgkFADAdBglghkgBZQMEASoEEG0+U3wSdPPrN+rvqvvjZxgEQKz1\n"
    "0MaxaWGjqKlB66Iz2FWVqjglwPRZ0k+kScAo2VNOoq5chGeVnSaHCMXCMY/XDJQL\n"
    "ldT9glavtz81MtVeEH4=\n"
    "-----END ENCRYPTED PRIVATE KEY-----\n";
static const char public_only[] = "-----BEGIN PUBLIC KEY-----\n"
                                  "MCowBQYDK2VwAyEA1QEjGD3VeA43o4cE7ti+PIDisVHNcR0w5QJ4th6jgZM=\n"
                                  "-----END PUBLIC KEY-----\n";

static struct dkim_key *parse(const char *text)
{
    struct err err = {{0}};
    struct dkim_key *key = dkim_key_parse(text, strlen(text), &err);

    if (key == NULL)
        tap_diag("%s", err.text);
    return key;
}

static void good(const char *text, enum dkim_algorithm algorithm, unsigned bits, const char *public,
                 const char *name)
{
    struct dkim_key *key = parse(text);

    if (tap_ok(key != NULL, "%s is a key", name)) {
        tap_is_int(dkim_key_algorithm(key), algorithm, "%s: algorithm", name);
        tap_is_int(dkim_key_bits(key), bits, "%s: bits", name);
        tap_is(dkim_key_public(key), public, "%s: p=", name);
    }
    dkim_key_free(key);
}

static char *bare(const char *pem)
{
    const char *start = strchr(pem, '\n') + 1, *end = strstr(start, "-----");

    return xstrndup(start, (size_t)(end - start));
}

static void forms(void)
{
    char *text = bare(rsa_pkcs1);

    good(rsa_pkcs1, DKIM_RSA_SHA256, 1024, RSA_P, "PKCS#1");
    good(rsa_pkcs8, DKIM_RSA_SHA256, 1024, RSA_P, "PKCS#8");
    good(text, DKIM_RSA_SHA256, 1024, RSA_P, "bare PKCS#1");
    free(text);
    text = bare(rsa_pkcs8);
    good(text, DKIM_RSA_SHA256, 1024, RSA_P, "bare PKCS#8");
    free(text);
    good(ed_pkcs8, DKIM_ED25519_SHA256, 256, ED_P, "Ed25519 in PKCS#8");
    text = bare(ed_pkcs8);
    good(text, DKIM_ED25519_SHA256, 256, ED_P, "bare Ed25519");
    free(text);
    good(ED_SEED, DKIM_ED25519_SHA256, 256, ED_P, "a seed");
    good(" " ED_SEED "\r\n", DKIM_ED25519_SHA256, 256, ED_P, "a seed with white space around");
    text = xasprintf("key of example.org:\r\n\r\n%s\nend\n", ed_pkcs8);
    good(text, DKIM_ED25519_SHA256, 256, ED_P, "PEM with text around");
    free(text);
}

static void bad(const char *text, const char *want, const char *name)
{
    struct err err = {{0}};
    struct dkim_key *key = dkim_key_parse(text, strlen(text), &err);

    tap_is(key == NULL ? err.text : "a key", want, "%s", name);
    dkim_key_free(key);
}

static void refused(void)
{
    static const char none[] =
        "no private key: neither DER nor the 32 bytes of an Ed25519 seed in Base64";
    char *text = xstrdup(rsa_pkcs1), *large = xmalloc(70001);

    bad("", "empty: no private key", "nothing");
    bad(" \r\n", "empty: no private key", "white space");
    bad("$ecret!", "neither PEM nor Base64", "no key at all");
    bad("nWGxne/9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2", "neither PEM nor Base64", "a cut seed");
    bad("nWGxne/9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyu", none, "a short seed");
    bad(ED_DER, "neither PEM nor Base64", "DER with a character too many");
    bad("MIIBOQIBAAJBANeS", none, "cut DER");
    bad(rsa_512, "an RSA key of 512 bits: verifiers refuse less than 1024; make a new one of 2048",
        "512 bits");
    bad(elliptic, "a key of type EC: DKIM knows RSA and Ed25519", "an elliptic curve");
    bad(encrypted,
        "the key is encrypted, and nobody is there to give the passphrase; decrypt it: openssl "
        "pkey -in FILE -out NEWFILE", "an encrypted key");
    bad(public_only, "a public key; the private one is wanted here", "a public key");
    bad("-----BEGIN RSA PRIVATE KEY-----\nMIIC\n", "no private key can be read from this PEM file",
        "a cut PEM file");
    memset(large, 'A', 70000);
    large[70000] = '\0';
    bad(large, "no private key: larger than 65536 bytes", "a large file");
    /* another private exponent, whole and reduced: the halves do not fit together */
    memcpy(strstr(text, "AoGAH0cx"), "AoGAH0cy", 8);
    memcpy(strstr(text, "ALl5ICsY"), "ALl5ICsZ", 8);
    tap_ok(dkim_key_parse(text, strlen(text), NULL) == NULL, "halves that do not fit");
    free(text);
    free(large);
}

static void compare(void)
{
    struct dkim_key *rsa = parse(rsa_pkcs1), *ed = parse(ED_SEED);
    struct {
        const struct dkim_key *key;
        const char *p;
        enum dkim_key_match want;
        const char *name;
    } rows[] = {
        {rsa, RSA_P, DKIM_KEY_MATCHES, "the same"},
        {ed, ED_P, DKIM_KEY_MATCHES, "the same, Ed25519"},
        {ed, " 11qYAYKxCrfVS/7TyWQH\r\n\tOg7hcvPapiMlrwIaaPcHURo= ", DKIM_KEY_MATCHES, "blanks in"},
        {rsa, ED_P, DKIM_KEY_DIFFERS, "another"},
        {ed, "11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURs=", DKIM_KEY_DIFFERS, "one bit"},
        {rsa, RSA_BARE, DKIM_KEY_REFORM, "RSAPublicKey"},
        {ed, "MCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=", DKIM_KEY_REFORM,
         "SubjectPublicKeyInfo of Ed25519"},
        {ed, "", DKIM_KEY_REVOKED, "empty"},
        {ed, " \t", DKIM_KEY_REVOKED, "blanks"},
        {ed, "11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo", DKIM_KEY_BROKEN, "no padding"},
        {ed, "11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=\"", DKIM_KEY_BROKEN, "a quote"},
        {ed, "11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURp=", DKIM_KEY_BROKEN, "bits of no byte"},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        tap_is_int(dkim_key_compare(rows[i].key, slice_of(rows[i].p)), rows[i].want, "p=: %s",
                   rows[i].name);
    dkim_key_free(rsa);
    dkim_key_free(ed);
}

static void generated(void)
{
    struct err err = {{0}};
    struct dkim_key *ed = dkim_key_generate(DKIM_ED25519_SHA256, 0, &err);
    struct dkim_key *rsa = dkim_key_generate(DKIM_RSA_SHA256, 1024, &err), *again;
    char *pem = dkim_key_pem(rsa, &err);

    tap_is_int(dkim_key_bits(rsa), 1024, "a new RSA key");
    tap_ok(strncmp(pem, "-----BEGIN PRIVATE KEY-----\n", 28) == 0, "is written as PKCS#8");
    again = parse(pem);
    tap_is(dkim_key_public(again), dkim_key_public(rsa), "and read again");
    dkim_key_free(again);
    dkim_secret_free(pem);
    pem = dkim_key_pem(ed, &err);
    again = parse(pem);
    tap_is(dkim_key_public(again), dkim_key_public(ed), "a new Ed25519 key, too");
    dkim_key_free(again);
    dkim_secret_free(pem);
    dkim_key_free(ed);
    dkim_key_free(rsa);
    tap_ok(dkim_key_generate(DKIM_RSA_SHA256, 1023, &err) == NULL, "1023 bits");
    tap_is(err.text, "an RSA key of 1023 bits: from 1024 to 8192, 2048 is usual", "are refused");
    tap_ok(dkim_key_generate(DKIM_RSA_SHA256, 8193, &err) == NULL, "so are 8193");
    dkim_secret_free(NULL);
    dkim_key_free(NULL);
}

static void base64(void)
{
    static const char *const rows[][2] = {
        {"", ""}, {"f", "Zg=="}, {"fo", "Zm8="}, {"foo", "Zm9v"}, {"foob", "Zm9vYg=="},
        {"fooba", "Zm9vYmE="}, {"foobar", "Zm9vYmFy"}, {"\xfb\xff\xfe", "+//+"},
    };
    static const char *const broken[] = {"Z", "Zg", "Zg=", "Zg===", "Zm8", "=", "Zg==Zg==", "Zh==",
                                         "Zm9=", "Zm9v=", "Zm-v"};
    char text[32], bytes[32];
    size_t len;

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        tap_is_int((long long)base64_encode(text, rows[i][0], strlen(rows[i][0])),
                   (long long)strlen(rows[i][1]), "length of %s", rows[i][1]);
        tap_is(text, rows[i][1], "RFC 4648, section 10: %s", rows[i][1]);
        tap_ok(base64_decode(bytes, &len, slice_of(rows[i][1])) && len == strlen(rows[i][0]) &&
                   memcmp(bytes, rows[i][0], len) == 0, "and back");
    }
    for (size_t i = 0; i < ARRAY_LEN(broken); i++)
        tap_ok(!base64_decode(bytes, &len, slice_of(broken[i])), "no Base64: %s", broken[i]);
}

int main(void)
{
    tap_start(60);
    base64();
    forms();
    refused();
    compare();
    generated();
    return tap_done();
}
