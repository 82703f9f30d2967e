// SPDX-License-Identifier: MIT
//
// tls_context: what TLS connections of one kind have in common: certificates and keys, whom to
// trust, which protocols and ciphers. Made from files, whole or not at all, by a thread that may
// block; read by all; counted, and every connection holds a reference: a reload makes another and
// touches nothing that is open. Tickets of sessions are sealed with keys of the context's own, so
// that no session outlives what it was checked against.
#ifndef NET_TLS_CONTEXT_H
#define NET_TLS_CONTEXT_H

#include <openssl/ssl.h>
#include <stdbool.h>

#include "base/err.h"

struct tls_context;

/* Which of the settings was found wrong. */
enum tls_part {
    TLS_PART_CERTIFICATE,
    TLS_PART_KEY,
    TLS_PART_CA,
    TLS_PART_CRL,
    TLS_PART_CIPHERS,
    TLS_PART_TLS13_CIPHERS
};

enum tls_peer_check {
    TLS_PEER_IGNORED, /* whatever it shows is not looked at */
    TLS_PEER_CHECKED, /* a certificate that it shows must be good */
    TLS_PEER_NEEDED   /* it must show a good one; a server always shows one */
};

/* A certificate with what leads to its root, and its private key: paths of PEM files. */
struct tls_pair {
    const char *certificate;
    const char *key;
};

struct tls_settings {
    bool server;
    const struct tls_pair *pairs; /* of a server at least one: the first is shown where no name
                                     that a client asks for fits another */
    size_t pair_count;
    const char *ca;      /* PEM file of those whom to trust, or NULL */
    const char *crl;     /* PEM file of what they have revoked, or NULL */
    const char *ciphers; /* for TLS up to 1.2, as OpenSSL writes them; NULL: those that are good */
    const char *tls13_ciphers; /* for TLS 1.3; NULL: all, the quickest first */
    int min_version;           /* TLS1_2_VERSION and the like */
    enum tls_peer_check check;
};

/* What was wrong, and with which pair. */
struct tls_fault {
    enum tls_part part;
    size_t pair;
    struct err err;
};

/* NULL with *fault filled. Blocks on files. */
struct tls_context *tls_context_new(const struct tls_settings *settings, struct tls_fault *fault);
struct tls_context *tls_context_ref(struct tls_context *context);
void tls_context_unref(struct tls_context *context); /* NULL is allowed */

/* --- for tls.c --- */
SSL_CTX *tls_context_ssl(const struct tls_context *context);
bool tls_context_is_server(const struct tls_context *context);

/* Sets err from what OpenSSL said first, and forgets the rest. */
int tls_error(struct err *err, int code, const char *what);

/* The name in ALPN of what we speak, with its length before it. */
#define TLS_ALPN "\012postgresql"

#endif
