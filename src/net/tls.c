// SPDX-License-Identifier: MIT
#include "net/tls.h"

#include <arpa/inet.h>
#include <errno.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

static bool is_address(const char *host)
{
    uint8_t raw[16];

    return inet_pton(AF_INET, host, raw) == 1 || inet_pton(AF_INET6, host, raw) == 1;
}

/* Whom we ask for, and whose certificate it must be. An address is not asked for by name. */
static bool name_host(SSL *ssl, const struct tls_start *start)
{
    X509_VERIFY_PARAM *param = SSL_get0_param(ssl);
    bool address = is_address(start->host);

    if (!address && SSL_set_tlsext_host_name(ssl, start->host) != 1) {
        return false;
    }
    if (!start->check_host) {
        return true;
    }
    X509_VERIFY_PARAM_set_hostflags(param, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    return (address ? X509_VERIFY_PARAM_set1_ip_asc(param, start->host)
                    : X509_VERIFY_PARAM_set1_host(param, start->host, 0)) == 1;
}

struct tls *tls_new(const struct tls_start *start, int fd)
{
    bool server = tls_context_is_server(start->context);
    SSL *ssl = SSL_new(tls_context_ssl(start->context));

    if (ssl == NULL || SSL_set_fd(ssl, fd) != 1 ||
        (!server && start->host != NULL && !name_host(ssl, start))) {
        SSL_free(ssl);
        ERR_clear_error();
        return NULL;
    }
    if (server) {
        SSL_set_accept_state(ssl);
    } else {
        SSL_set_connect_state(ssl);
    }
    struct tls *tls = x_zalloc(sizeof *tls);
    tls->ssl = ssl;
    tls->context = tls_context_ref(start->context);
    tls->shaking = true;
    tls->must_name = server && start->must_name;
    tls->wants_write = !server;
    return tls;
}

void tls_free(struct tls *tls)
{
    if (tls == NULL) {
        return;
    }
    list_remove(&tls->again.node);
    GENERAL_NAMES_free(tls->names);
    SSL_free(tls->ssl);
    tls_context_unref(tls->context);
    free(tls);
}

/* ---- what the handshake told ---- */

void tls_describe(const struct tls *tls, char *out, size_t size)
{
    (void)snprintf(out, size, "%s/%s", SSL_get_version(tls->ssl), SSL_get_cipher_name(tls->ssl));
}

struct slice tls_host(const struct tls *tls)
{
    const char *name = SSL_get_servername(tls->ssl, TLSEXT_NAMETYPE_host_name);

    return name == NULL ? SLICE_EMPTY : slice_str(name);
}

static X509 *peer(const struct tls *tls)
{
    return SSL_get_verify_result(tls->ssl) == X509_V_OK ? SSL_get0_peer_certificate(tls->ssl)
                                                        : NULL;
}

bool tls_has_peer(const struct tls *tls)
{
    return peer(tls) != NULL;
}

/* A name with a NUL inside means to be read as two. */
static struct slice text_of(const ASN1_STRING *string)
{
    const unsigned char *bytes = ASN1_STRING_get0_data(string);
    int n = ASN1_STRING_length(string);

    if (bytes == NULL || n <= 0 || memchr(bytes, 0, (size_t)n) != NULL) {
        return SLICE_EMPTY;
    }
    return slice_of(bytes, (size_t)n);
}

struct slice tls_peer_name(const struct tls *tls)
{
    X509 *certificate = peer(tls);
    X509_NAME *subject = certificate == NULL ? NULL : X509_get_subject_name(certificate);
    int at = subject == NULL ? -1 : X509_NAME_get_index_by_NID(subject, NID_commonName, -1);

    /* Two common names: which one is meant cannot be told. */
    if (at < 0 || X509_NAME_get_index_by_NID(subject, NID_commonName, at) >= 0) {
        return SLICE_EMPTY;
    }
    return text_of(X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at)));
}

size_t tls_peer_hosts(struct tls *tls, struct slice *names)
{
    X509 *certificate = peer(tls);
    size_t count = 0;

    if (tls->names == NULL && certificate != NULL) {
        tls->names = X509_get_ext_d2i(certificate, NID_subject_alt_name, NULL, NULL);
    }
    for (int i = 0; i < sk_GENERAL_NAME_num(tls->names) && count < TLS_NAMES_MAX; i++) {
        const GENERAL_NAME *name = sk_GENERAL_NAME_value(tls->names, i);
        if (name->type == GEN_DNS) {
            names[count++] = text_of(name->d.dNSName);
        }
    }
    return count;
}

/* The hash of the certificate's own signature; those that count as broken are replaced. */
static const EVP_MD *binding_hash(const X509 *certificate)
{
    int hash = NID_undef;

    if (X509_get_signature_info((X509 *)(uintptr_t)certificate, &hash, NULL, NULL, NULL) != 1) {
        return NULL;
    }
    return hash == NID_md5 || hash == NID_sha1 ? EVP_sha256() : EVP_get_digestbynid(hash);
}

size_t tls_binding(const struct tls *tls, uint8_t out[TLS_BINDING_MAX])
{
    X509 *certificate = tls_context_is_server(tls->context) ? SSL_get_certificate(tls->ssl)
                                                            : SSL_get0_peer_certificate(tls->ssl);
    const EVP_MD *hash = certificate == NULL ? NULL : binding_hash(certificate);
    uint8_t digest[EVP_MAX_MD_SIZE];
    unsigned int n = 0;

    if (hash == NULL || X509_digest(certificate, hash, digest, &n) != 1 || n > TLS_BINDING_MAX) {
        return 0;
    }
    memcpy(out, digest, n);
    return n;
}

/* ---- the handshake ---- */

static int refuse_handshake(struct tls *tls, int error, struct err *err)
{
    long verified = SSL_get_verify_result(tls->ssl);
    const char *what = "TLS handshake failed";

    tls->failed = true;
    if (error == SSL_ERROR_SYSCALL || ERR_peek_error() == 0) {
        ERR_clear_error();
        return err_set(err, ERR_PROTOCOL, "%s: the peer closed the connection", what);
    }
    if (verified != X509_V_OK) {
        ERR_clear_error();
        return err_set(err, ERR_PROTOCOL, "%s: certificate: %s", what,
                       X509_verify_cert_error_string(verified));
    }
    return tls_error(err, ERR_PROTOCOL, what);
}

static bool speaks_ours(const struct tls *tls)
{
    const unsigned char *name;
    unsigned int n;

    SSL_get0_alpn_selected(tls->ssl, &name, &n);
    return n > 0;
}

int tls_handshake(struct tls *tls, struct err *err)
{
    ERR_clear_error();
    int rc = SSL_do_handshake(tls->ssl);

    if (rc != 1) {
        int error = SSL_get_error(tls->ssl, rc);
        if (error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE) {
            tls->wants_write = error == SSL_ERROR_WANT_WRITE;
            return UV_EAGAIN;
        }
        return refuse_handshake(tls, error, err);
    }
    if (tls->must_name && !speaks_ours(tls)) {
        return err_set(err, ERR_PROTOCOL,
                       "received direct SSL connection request without ALPN protocol negotiation "
                       "extension");
    }
    tls->shaking = tls->wants_write = false;
    return 0;
}

/* ---- bytes ---- */

/* What a failed read or write means; `waits` is set where it waits for the other direction. */
static ssize_t classify(struct tls *tls, int other, bool *waits)
{
    int code = errno;
    int error = SSL_get_error(tls->ssl, 0);

    switch (error) {
    case SSL_ERROR_WANT_READ:
    case SSL_ERROR_WANT_WRITE:
        *waits = error == other;
        return UV_EAGAIN;
    case SSL_ERROR_ZERO_RETURN:
        return 0;
    case SSL_ERROR_SYSCALL:
        tls->failed = true;
        return code == 0 ? UV_ECONNRESET : -code;
    default:
        tls->failed = true;
        ERR_clear_error();
        return UV_EPROTO;
    }
}

/* What went wrong behind bytes that came is found by the next read. */
ssize_t tls_read(struct tls *tls, uint8_t *p, size_t n)
{
    size_t got = 0;

    tls->more = tls->read_waits = false;
    do {
        size_t one = 0;
        ERR_clear_error();
        errno = 0;
        if (SSL_read_ex(tls->ssl, p + got, n - got, &one) != 1) {
            ssize_t code = classify(tls, SSL_ERROR_WANT_WRITE, &tls->read_waits);
            tls->more = got > 0 && code != UV_EAGAIN;
            return got > 0 ? (ssize_t)got : code;
        }
        got += one;
    } while (got < n && SSL_has_pending(tls->ssl) == 1);
    tls->more = SSL_has_pending(tls->ssl) == 1;
    return (ssize_t)got;
}

/* A place in a row of pieces. */
struct place {
    const struct iovec *pieces;
    int count;
    int at;
    size_t off; /* within pieces[at] */
};

static void skip(struct place *place, size_t n)
{
    while (place->at < place->count && n >= place->pieces[place->at].iov_len - place->off) {
        n -= place->pieces[place->at].iov_len - place->off;
        place->off = 0;
        place->at++;
    }
    place->off += n;
}

/* What goes into the next record: as it lies where it fills one, or is the last; else put
 * together. */
static struct slice next_record(struct place from, uint8_t *record)
{
    size_t used = 0;

    skip(&from, 0); /* empty pieces */
    if (from.at == from.count) {
        return SLICE_EMPTY;
    }
    const struct iovec *piece = &from.pieces[from.at];
    if (piece->iov_len - from.off >= TLS_RECORD || from.at == from.count - 1) {
        return slice_of((const uint8_t *)piece->iov_base + from.off, piece->iov_len - from.off);
    }
    while (from.at < from.count && used < TLS_RECORD) {
        piece = &from.pieces[from.at];
        size_t n = piece->iov_len - from.off;
        n = n < TLS_RECORD - used ? n : TLS_RECORD - used;
        memcpy(record + used, (const uint8_t *)piece->iov_base + from.off, n);
        used += n;
        skip(&from, n);
    }
    return slice_of(record, used);
}

ssize_t tls_write(struct tls *tls, const struct iovec *pieces, int count, uint8_t *record)
{
    struct place place = {.pieces = pieces, .count = count};
    struct slice bytes;
    size_t done = 0;

    tls->write_waits = false;
    if (tls->shaking || tls->failed) {
        return UV_EPIPE;
    }
    while ((bytes = next_record(place, record)).n > 0) {
        size_t one = 0;
        ERR_clear_error();
        errno = 0;
        if (SSL_write_ex(tls->ssl, bytes.p, bytes.n, &one) != 1) {
            ssize_t code = classify(tls, SSL_ERROR_WANT_READ, &tls->write_waits);
            code = code == 0 ? UV_EPIPE : code;
            return code == UV_EAGAIN && done > 0 ? (ssize_t)done : code;
        }
        done += one;
        skip(&place, one);
    }
    return (ssize_t)done;
}

void tls_shutdown(struct tls *tls)
{
    if (!tls->shaking && !tls->failed) {
        ERR_clear_error();
        (void)SSL_shutdown(tls->ssl);
        ERR_clear_error();
    }
}
