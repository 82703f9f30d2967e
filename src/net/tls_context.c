// SPDX-License-Identifier: MIT
#include "net/tls_context.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/private_file.h"

/* Without those that are weak, anonymous or without forward secrecy. */
#define GOOD_CIPHERS "ECDHE+AESGCM:ECDHE+CHACHA20:DHE+AESGCM:ECDHE+AES:!aNULL:!eNULL:!MD5"

/* Of TLS 1.3, where all are good. SHA-256 first: processors have instructions for it, and half of
 * what a handshake computes are hashes. */
#define GOOD_TLS13_CIPHERS                                                                         \
    "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256"

/* Several records come in one read. */
#define READ_BUFFER (64 * 1024)

struct tls_context {
    _Atomic uint32_t refs;
    bool server;
    SSL_CTX **items; /* one per certificate; the first is what connections begin with */
    size_t count;
};

int tls_error(struct err *err, int code, const char *what)
{
    unsigned long error = ERR_get_error();
    const char *reason = error == 0 ? NULL : ERR_reason_error_string(error);

    ERR_clear_error();
    return err_set(err, code, "%s: %s", what, reason == NULL ? "unknown reason" : reason);
}

/* ---- names ---- */

/* The first certificate that has the name; else what the client is shown stays the first one. */
static int on_server_name(SSL *ssl, int *alert, void *arg)
{
    const struct tls_context *context = arg;
    const char *name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);

    (void)alert;
    for (size_t i = 0; name != NULL && i < context->count; i++) {
        X509 *certificate = SSL_CTX_get0_certificate(context->items[i]);
        if (X509_check_host(certificate, name, 0, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS, NULL) ==
            1) {
            (void)SSL_set_SSL_CTX(ssl, context->items[i]);
            break;
        }
    }
    return SSL_TLSEXT_ERR_OK;
}

/* Whoever offers protocols must offer ours: a browser led here by mistake, or by an attacker who
 * wants to mix two protocols up, is refused. */
static int on_alpn(SSL *ssl, const unsigned char **out, unsigned char *out_size,
                   const unsigned char *in, unsigned int in_size, void *arg)
{
    static const unsigned char ours[] = TLS_ALPN;
    unsigned char *chosen;

    (void)ssl;
    (void)arg;
    if (SSL_select_next_proto(&chosen, out_size, ours, sizeof ours - 1, in, in_size) !=
        OPENSSL_NPN_NEGOTIATED) {
        return SSL_TLSEXT_ERR_ALERT_FATAL;
    }
    *out = chosen;
    return SSL_TLSEXT_ERR_OK;
}

/* ---- files ---- */

/* A key with a passphrase: there is nobody to ask. */
static int refuse_passphrase(char *out, int size, int writing, void *data)
{
    (void)out;
    (void)size;
    (void)writing;
    (void)data;
    return 0;
}

static EVP_PKEY *read_key(const char *path, struct err *err)
{
    int fd = private_file_open(path, err);

    if (fd < 0) {
        return NULL;
    }
    BIO *bio = BIO_new_fd(fd, BIO_CLOSE);
    EVP_PKEY *key =
        bio == NULL ? NULL : PEM_read_bio_PrivateKey(bio, NULL, refuse_passphrase, NULL);
    BIO_free(bio);
    if (key == NULL) {
        (void)tls_error(err, ERR_CONFIG, "is no private key that can be read");
    }
    return key;
}

static bool load_pair(SSL_CTX *ctx, const struct tls_pair *pair, struct tls_fault *fault)
{
    fault->part = TLS_PART_CERTIFICATE;
    if (SSL_CTX_use_certificate_chain_file(ctx, pair->certificate) != 1) {
        (void)tls_error(&fault->err, ERR_CONFIG, "is no certificate that can be read");
        err_wrap(&fault->err, "%s", pair->certificate);
        return false;
    }
    fault->part = TLS_PART_KEY;
    EVP_PKEY *key = read_key(pair->key, &fault->err);
    if (key == NULL) {
        err_wrap(&fault->err, "%s", pair->key);
        return false;
    }
    bool good = SSL_CTX_use_PrivateKey(ctx, key) == 1 && SSL_CTX_check_private_key(ctx) == 1;
    EVP_PKEY_free(key);
    if (!good) {
        (void)tls_error(&fault->err, ERR_CONFIG, "does not belong to the certificate");
        err_wrap(&fault->err, "%s", pair->key);
    }
    return good;
}

static bool load_trust(SSL_CTX *ctx, const struct tls_settings *settings, struct tls_fault *fault)
{
    fault->part = TLS_PART_CA;
    if (settings->ca != NULL && SSL_CTX_load_verify_file(ctx, settings->ca) != 1) {
        (void)tls_error(&fault->err, ERR_CONFIG, "has no certificates that can be read");
        err_wrap(&fault->err, "%s", settings->ca);
        return false;
    }
    if (settings->ca != NULL && settings->server) {
        SSL_CTX_set_client_CA_list(ctx, SSL_load_client_CA_file(settings->ca));
    }
    fault->part = TLS_PART_CRL;
    X509_STORE *store = SSL_CTX_get_cert_store(ctx);
    if (settings->crl != NULL && X509_STORE_load_file(store, settings->crl) != 1) {
        (void)tls_error(&fault->err, ERR_CONFIG, "has no revocations that can be read");
        err_wrap(&fault->err, "%s", settings->crl);
        return false;
    }
    if (settings->crl != NULL) {
        (void)X509_STORE_set_flags(store, X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL);
    }
    return true;
}

static bool choose_ciphers(SSL_CTX *ctx, const struct tls_settings *settings,
                           struct tls_fault *fault)
{
    const char *ciphers = settings->ciphers == NULL ? GOOD_CIPHERS : settings->ciphers;
    const char *tls13 = settings->tls13_ciphers;

    fault->part = TLS_PART_CIPHERS;
    if (settings->min_version < TLS1_2_VERSION && settings->ciphers == NULL) {
        ciphers = "HIGH:!aNULL:!eNULL:@SECLEVEL=0"; /* the old protocols need the old hashes */
    }
    if (SSL_CTX_set_min_proto_version(ctx, settings->min_version) != 1 ||
        SSL_CTX_set_cipher_list(ctx, ciphers) != 1) {
        (void)tls_error(&fault->err, ERR_CONFIG, "names no cipher that can be used");
        return false;
    }
    fault->part = TLS_PART_TLS13_CIPHERS;
    if (tls13 == NULL) {
        tls13 = GOOD_TLS13_CIPHERS;
    }
    if (*tls13 == '\0' || SSL_CTX_set_ciphersuites(ctx, tls13) != 1) {
        (void)tls_error(&fault->err, ERR_CONFIG, "names a cipher that TLS 1.3 does not have");
        return false;
    }
    return true;
}

/* ---- making ---- */

static void set_up(SSL_CTX *ctx, struct tls_context *context, const struct tls_settings *settings)
{
    static const unsigned char session_scope[] = "fahrend";
    int verify = SSL_VERIFY_NONE;

    if (settings->check != TLS_PEER_IGNORED) {
        verify = SSL_VERIFY_PEER;
    }
    if (settings->check == TLS_PEER_NEEDED) {
        verify |= SSL_VERIFY_FAIL_IF_NO_PEER_CERT;
    }
    SSL_CTX_set_verify(ctx, verify, NULL);
    (void)SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
                                       SSL_OP_CIPHER_SERVER_PREFERENCE |
                                       SSL_OP_IGNORE_UNEXPECTED_EOF);
    if (settings->server) { /* clients send passwords, which would stay where OpenSSL read them */
        (void)SSL_CTX_set_options(ctx, SSL_OP_CLEANSE_PLAINTEXT);
    }
    (void)SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                                    SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    SSL_CTX_set_read_ahead(ctx, 1);
    SSL_CTX_set_default_read_buffer_len(ctx, READ_BUFFER);
    SSL_CTX_set_default_passwd_cb(ctx, refuse_passphrase);
    (void)SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF); /* tickets only */
    if (!settings->server) {
        (void)SSL_CTX_set_alpn_protos(ctx, (const unsigned char *)TLS_ALPN, sizeof TLS_ALPN - 1);
        return;
    }
    (void)SSL_CTX_set_session_id_context(ctx, session_scope, sizeof session_scope - 1);
    (void)SSL_CTX_set_dh_auto(ctx, 1);
    (void)SSL_CTX_set_num_tickets(ctx, 1);
    SSL_CTX_set_alpn_select_cb(ctx, on_alpn, NULL);
    (void)SSL_CTX_set_tlsext_servername_callback(ctx, on_server_name);
    (void)SSL_CTX_set_tlsext_servername_arg(ctx, context);
}

/* One SSL_CTX; `pair` is NULL where nothing is shown. */
static bool add_item(struct tls_context *context, const struct tls_settings *settings,
                     const struct tls_pair *pair, struct tls_fault *fault)
{
    SSL_CTX *ctx = SSL_CTX_new(settings->server ? TLS_server_method() : TLS_client_method());

    if (ctx == NULL) {
        (void)tls_error(&fault->err, ERR_INTERNAL, "TLS cannot be set up");
        return false;
    }
    context->items[context->count++] = ctx;
    set_up(ctx, context, settings);
    return choose_ciphers(ctx, settings, fault) && (pair == NULL || load_pair(ctx, pair, fault)) &&
           load_trust(ctx, settings, fault);
}

struct tls_context *tls_context_new(const struct tls_settings *settings, struct tls_fault *fault)
{
    struct tls_context *context = x_zalloc(sizeof *context);
    size_t count = settings->pair_count == 0 ? 1 : settings->pair_count;

    *fault = (struct tls_fault){.part = TLS_PART_CERTIFICATE};
    atomic_init(&context->refs, 1);
    context->server = settings->server;
    context->items = x_zalloc(count * sizeof(SSL_CTX *));
    for (size_t i = 0; i < count; i++) {
        fault->pair = i;
        if (!add_item(context, settings, settings->pair_count == 0 ? NULL : &settings->pairs[i],
                      fault)) {
            tls_context_unref(context);
            return NULL;
        }
    }
    return context;
}

struct tls_context *tls_context_ref(struct tls_context *context)
{
    atomic_fetch_add_explicit(&context->refs, 1, memory_order_relaxed);
    return context;
}

void tls_context_unref(struct tls_context *context)
{
    if (context == NULL || atomic_fetch_sub_explicit(&context->refs, 1, memory_order_acq_rel) > 1) {
        return;
    }
    for (size_t i = 0; i < context->count; i++) {
        SSL_CTX_free(context->items[i]);
    }
    free(context->items);
    free(context);
}

SSL_CTX *tls_context_ssl(const struct tls_context *context)
{
    return context->items[0];
}

bool tls_context_is_server(const struct tls_context *context)
{
    return context->server;
}
