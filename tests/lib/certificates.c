// SPDX-License-Identifier: MIT
#include "certificates.h"

#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "testing.h"

const char *authority_path(const struct authority *a, const char *file)
{
    static char paths[4][160];
    static unsigned at;
    char *path = paths[at++ % 4];

    (void)snprintf(path, sizeof paths[0], "%s/%s", a->folder, file);
    return path;
}

static void add_extension(X509 *certificate, X509 *issuer, int nid, const char *value)
{
    X509V3_CTX context;

    X509V3_set_ctx(&context, issuer, certificate, NULL, NULL, 0);
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
    ck_assert_ptr_nonnull(extension);
    ck_assert_int_eq(X509_add_ext(certificate, extension, -1), 1);
    X509_EXTENSION_free(extension);
}

static X509 *make(EVP_PKEY *key, const char *common_name, int days)
{
    static long serial = 1;
    X509 *certificate = X509_new();
    X509_NAME *name = X509_get_subject_name(certificate);

    ck_assert_int_eq(X509_set_version(certificate, 2), 1);
    ck_assert_int_eq(ASN1_INTEGER_set(X509_get_serialNumber(certificate), serial++), 1);
    (void)X509_gmtime_adj(X509_getm_notBefore(certificate), days < 0 ? days * 86400L * 2 : -60);
    (void)X509_gmtime_adj(X509_getm_notAfter(certificate), days * 86400L);
    ck_assert_int_eq(X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8,
                                                (const unsigned char *)common_name, -1, -1, 0),
                     1);
    ck_assert_int_eq(X509_set_pubkey(certificate, key), 1);
    return certificate;
}

static void write_certificate(const char *path, X509 *certificate)
{
    FILE *file = fopen(path, "w");

    ck_assert_ptr_nonnull(file);
    ck_assert_int_eq(PEM_write_X509(file, certificate), 1);
    (void)fclose(file);
}

static void write_key(const char *path, EVP_PKEY *key)
{
    FILE *file = fopen(path, "w");

    ck_assert_ptr_nonnull(file);
    ck_assert_int_eq(chmod(path, 0600), 0);
    ck_assert_int_eq(PEM_write_PrivateKey(file, key, NULL, NULL, 0, NULL, NULL), 1);
    (void)fclose(file);
}

void authority_begin(struct authority *a)
{
    *a = (struct authority){.folder = "/tmp/fahrend-tls-XXXXXX"};
    ck_assert_ptr_nonnull(mkdtemp(a->folder));
    (void)snprintf(a->ca, sizeof a->ca, "%s/ca.crt", a->folder);
    a->key = EVP_EC_gen("P-256");
    a->certificate = make(a->key, "test authority", 2);
    ck_assert_int_eq(X509_set_issuer_name(a->certificate, X509_get_subject_name(a->certificate)),
                     1);
    add_extension(a->certificate, a->certificate, NID_basic_constraints, "critical,CA:TRUE");
    ck_assert_int_ne(X509_sign(a->certificate, a->key, EVP_sha256()), 0);
    write_certificate(a->ca, a->certificate);
}

void authority_issue(const struct authority *a, const char *name, const char *common_name,
                     const char *host, int days)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *certificate = make(key, common_name, days);
    char text[160];

    ck_assert_int_eq(X509_set_issuer_name(certificate, X509_get_subject_name(a->certificate)), 1);
    if (host != NULL) {
        (void)snprintf(text, sizeof text, "DNS:%s", host);
        add_extension(certificate, a->certificate, NID_subject_alt_name, text);
    }
    ck_assert_int_ne(X509_sign(certificate, a->key, EVP_sha256()), 0);
    (void)snprintf(text, sizeof text, "%s.crt", name);
    write_certificate(authority_path(a, text), certificate);
    (void)snprintf(text, sizeof text, "%s.key", name);
    write_key(authority_path(a, text), key);
    X509_free(certificate);
    EVP_PKEY_free(key);
}

void authority_end(struct authority *a)
{
    char command[100];

    (void)snprintf(command, sizeof command, "rm -rf '%s'", a->folder);
    ck_assert_int_eq(system(command), 0);
    X509_free(a->certificate);
    EVP_PKEY_free(a->key);
}
