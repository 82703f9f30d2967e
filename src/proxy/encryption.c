// SPDX-License-Identifier: MIT
#include "proxy/encryption.h"

#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "config/load.h"

static int version_of(enum tls_protocol protocol)
{
    static const int versions[] = {
        [TLS_1_0] = TLS1_VERSION,
        [TLS_1_1] = TLS1_1_VERSION,
        [TLS_1_2] = TLS1_2_VERSION,
        [TLS_1_3] = TLS1_3_VERSION,
    };

    return versions[protocol];
}

/* The key's last words, by what was wrong with it. */
static const char *word_of(const struct tls_fault *fault)
{
    static const char *const words[] = {
        [TLS_PART_CERTIFICATE] = "certificate",
        [TLS_PART_KEY] = "key",
        [TLS_PART_CA] = "ca",
        [TLS_PART_CRL] = "crl",
        [TLS_PART_CIPHERS] = "ciphers",
        [TLS_PART_TLS13_CIPHERS] = "tls13_ciphers",
    };
    bool pair = fault->part == TLS_PART_CERTIFICATE || fault->part == TLS_PART_KEY;

    return pair && fault->pair > 0 ? "certificates" : words[fault->part];
}

static void report_fault(const struct config *config, const char *prefix,
                         const struct tls_fault *fault, struct buf *report)
{
    char key[128];

    (void)snprintf(key, sizeof key, "%s.tls.%s", prefix, word_of(fault));
    struct config_place at =
        config_locate(config->file, key, fault->pair == 0 ? 0 : fault->pair - 1);
    buf_printf(report, "%s:%d:%d: %s: %s\n", config->file, at.line, at.column, key,
               fault->err.text);
}

static struct tls_context *build(const struct config *config, const char *prefix,
                                 const struct tls_config *tls, struct tls_settings *settings,
                                 struct buf *report)
{
    struct tls_fault fault;

    settings->ca = tls->ca;
    settings->crl = tls->crl;
    settings->ciphers = tls->ciphers;
    settings->tls13_ciphers = tls->tls13_ciphers;
    settings->min_version = version_of(tls->min_protocol);
    struct tls_context *context = tls_context_new(settings, &fault);
    if (context == NULL) {
        report_fault(config, prefix, &fault, report);
    }
    return context;
}

/* The main pair, and those that a name may choose. */
static struct tls_context *build_clients(const struct config *config, struct buf *report)
{
    const struct tls_config *tls = &config->listen.tls;
    size_t count = 1 + tls->certificates.count;
    struct tls_pair *pairs = x_alloc(count * sizeof *pairs);

    pairs[0] = (struct tls_pair){.certificate = tls->certificate, .key = tls->key};
    for (size_t i = 1; i < count; i++) {
        const struct certificate_config *more = &tls->certificates.items[i - 1];
        pairs[i] = (struct tls_pair){.certificate = more->certificate, .key = more->key};
    }
    struct tls_settings settings = {
        .server = true,
        .pairs = pairs,
        .pair_count = count,
        .check = tls->mode >= TLS_VERIFY_CA ? TLS_PEER_NEEDED
                 : tls->ca != NULL          ? TLS_PEER_CHECKED
                                            : TLS_PEER_IGNORED,
    };
    struct tls_context *context = build(config, "listen", tls, &settings, report);
    free(pairs);
    return context;
}

static struct tls_context *build_server(const struct config *config,
                                        const struct server_config *server, struct buf *report)
{
    const struct tls_config *tls = &server->tls;
    const struct tls_pair pair = {.certificate = tls->certificate, .key = tls->key};
    char prefix[96];
    struct tls_settings settings = {
        .pairs = &pair,
        .pair_count = tls->certificate == NULL ? 0 : 1,
        .check = tls->ca == NULL ? TLS_PEER_IGNORED : TLS_PEER_NEEDED,
    };

    (void)snprintf(prefix, sizeof prefix, "servers.%s", server->name);
    return build(config, prefix, tls, &settings, report);
}

int encryption_build(const struct config *config, struct encryption *encryption, struct buf *report)
{
    int faults = 0;

    *encryption = (struct encryption){.count = config->server_count};
    encryption->servers = x_zalloc(config->server_count * sizeof(struct tls_context *));
    if (config->listen.tls.mode != TLS_DISABLE) {
        encryption->clients = build_clients(config, report);
        faults += encryption->clients == NULL;
    }
    for (size_t i = 0; i < config->server_count; i++) {
        if (config->servers[i].tls.mode != TLS_DISABLE) {
            encryption->servers[i] = build_server(config, &config->servers[i], report);
            faults += encryption->servers[i] == NULL;
        }
    }
    if (faults > 0) {
        encryption_fini(encryption);
    }
    return faults;
}

void encryption_fini(struct encryption *encryption)
{
    tls_context_unref(encryption->clients);
    for (size_t i = 0; i < encryption->count; i++) {
        tls_context_unref(encryption->servers[i]);
    }
    free(encryption->servers);
    *encryption = (struct encryption){0};
}
