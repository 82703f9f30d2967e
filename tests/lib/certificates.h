// SPDX-License-Identifier: MIT
//
// certificates: a small authority in a folder of its own, for tests: it makes certificates with
// their keys as PEM files. Keys are of P-256, made in a moment.
#ifndef TEST_CERTIFICATES_H
#define TEST_CERTIFICATES_H

#include <openssl/evp.h>
#include <openssl/x509.h>

struct authority {
    char folder[64];
    char ca[96]; /* path of its own certificate */
    EVP_PKEY *key;
    X509 *certificate;
};

void authority_begin(struct authority *a);
void authority_end(struct authority *a); /* removes the folder */

/* Writes NAME.crt and NAME.key for a common name and, where `host` is not NULL, the name of a host.
 * `days` is how long it holds from now on; negative ones have run out. */
void authority_issue(const struct authority *a, const char *name, const char *common_name,
                     const char *host, int days);

/* The path of a file in the folder; valid until the fourth call after it. */
const char *authority_path(const struct authority *a, const char *file);

#endif
